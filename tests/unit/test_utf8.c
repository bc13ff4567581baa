#include "base/utf8.h"

#include "base/file.h"
#include "base/log.h"
#include "base/problems.h"
#include "tests/test.h"

TEST(a_text_for_a_message_ends_at_a_character_whatever_its_length) {
    static const char text[] = "a\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x8E\x88z"; /* 1, 2, 3, 4, 1 bytes */
    static const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t most = 0; most < sizeof text; most++) {
        struct utf8_short t = utf8_short(text, most);
        size_t n = ends[most];
        CHECK(memcmp(t.at, text, n) == 0);
        CHECK_TEXT(t.at + n, n == sizeof text - 1 ? "" : "...");
        CHECK(utf8_valid(t.at, strlen(t.at)));
        CHECK_INT(utf8_whole(text, most), n);
    }
    CHECK_TEXT(utf8_short("", 5).at, "");
    CHECK_TEXT(utf8_short("abc", 3).at, "abc");
    CHECK_TEXT(utf8_short("abcd", 3).at, "abc...");
}

TEST(bytes_that_are_no_utf8_are_cut_where_they_are) {
    CHECK_TEXT(utf8_short("\x80\x80\x80\x80\x80\x80", 5).at, "\x80\x80\x80\x80\x80...");
    CHECK_TEXT(utf8_short("caf\xE9 au lait", 6).at, "caf\xE9 a...");
    CHECK_INT(utf8_whole("ab\xE9", 3), 2); /* may be the beginning of one */
    char long_text[2 * UTF8_SHORT_MAX];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    CHECK_INT(strlen(utf8_short(long_text, UTF8_SHORT_MAX).at), UTF8_SHORT_MAX + 3);
}

/* Names of n two-byte letters, n odd and even: one of them is cut within a letter by any limit. */
static char *letters(size_t n, const char *before) {
    struct str s = {0};
    str_add(&s, "%s", before);
    for (size_t i = 0; i < n; i++) str_put(&s, "\xC3\xA4", 2);
    return s.at;
}

static void check_message(const char *text) {
    if (!utf8_valid(text, strlen(text)))
        test_fail(__FILE__, __LINE__, "cut within a character: ...%s",
                  text + (strlen(text) > 20 ? strlen(text) - 20 : 0));
}

TEST(messages_that_are_too_long_end_at_a_character) {
    for (int odd = 0; odd < 2; odd++) {
        char *name = letters(20000, odd ? "a" : ""), last[512];
        error_set(ERR_DATA, "%s", name);
        check_message(error_message());
        CHECK_HAS(error_message() + strlen(error_message()) - 3, "...");
        error_context("%s", name);
        check_message(error_message());
        error_clear();
        char *warning = letters(400, odd ? "a" : "");
        log_warn("%s", warning);
        free(warning);
        log_warnings(last, sizeof last);
        check_message(last);
        CHECK_HAS(last, "...");
        struct problems p = {0};
        problems_add(&p, "%s", name);
        CHECK_INT(problems_close(&p, ERR_DATA), ERR_DATA);
        check_message(error_message());
        error_clear();
        free(name);
    }
}

TEST(messages_tell_a_terminal_nothing) {
    error_set(ERR_DATA, "%s", "a\033]0;title\a\x7f\r\tb\nc \xC2\x9B 31m \xC3\xA4");
    CHECK_TEXT(error_message(), "a?]0;title???\tb\nc ?? 31m \xC3\xA4");
    error_clear();
    char end[] = "\xC2";
    utf8_tame(end);
    CHECK_TEXT(end, "\xC2");
}
