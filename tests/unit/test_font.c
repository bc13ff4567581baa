#include "data/font.h"

#include <utf8proc.h>

#include "base/hash.h"
#include "data/unicode.h"
#include "tests/test.h"

static const uint8_t white[3] = {255, 255, 255};

/* A text of up to `cells` letters, a line and a row around it. */
static struct image drawn(const char *text, int64_t cells) {
    struct image im;
    CHECK_OK(image_alloc(&im, FONT_LINE + 2, cells * FONT_STEP + 2, 3));
    font_draw(&im, 1 + FONT_ABOVE, 1, 1, white, text);
    return im;
}

static int64_t ink(const struct image *im) {
    int64_t n = 0;
    for (int64_t i = 0; i < im->h * im->w; i++) n += im->at[3 * i] == 255;
    return n;
}

static bool alike(const char *a, const char *b) {
    struct image x = drawn(a, 8), y = drawn(b, 8);
    bool same = memcmp(x.at, y.at, (size_t)(x.h * x.w * 3)) == 0;
    image_free(&x);
    image_free(&y);
    return same;
}

struct range {
    int32_t first, last;
};

/* Fails where a character is no letter of its own, beside others of its alphabet. */
static void check_alphabet(struct range r) {
    enum { MOST = 300 };
    struct image seen[MOST];
    int n = 0;
    for (int32_t code = r.first; code <= r.last; code++) {
        struct str s = {0};
        utf8proc_category_t kind = utf8proc_category(code);
        unicode_put(&s, code);
        str_put(&s, "", 1);
        bool shown = kind != UTF8PROC_CATEGORY_CN && kind != UTF8PROC_CATEGORY_CC && code != 0xad;
        if (shown && !font_has(s.at))
            test_fail(__FILE__, __LINE__, "U+%04X %s is a box", (unsigned)code, s.at);
        bool twin = code == 0x110; /* which looks as U+00D0 does, in books too */
        if (shown && !twin && unicode_is_letter(code) && font_cells(s.at) == 1) {
            seen[n] = drawn(s.at, 1);
            CHECK(ink(&seen[n]) > 2);
            for (int i = 0; i < n; i++)
                if (memcmp(seen[i].at, seen[n].at, (size_t)(seen[n].h * seen[n].w * 3)) == 0)
                    test_fail(__FILE__, __LINE__, "U+%04X %s looks like another letter",
                              (unsigned)code, s.at);
            n++;
        }
        str_free(&s);
    }
    CHECK(n < MOST);
    for (int i = 0; i < n; i++) image_free(&seen[i]);
}

TEST(every_letter_of_three_alphabets_is_drawn_and_differs) {
    check_alphabet((struct range){0xa1, 0xa9}); /* signs; ª and º are drawn as a and o */
    check_alphabet((struct range){0xab, 0xb9});
    check_alphabet((struct range){0xbb, 0x17e}); /* Latin; ſ is an s */
    check_alphabet((struct range){0x386, 0x3ce});
    check_alphabet((struct range){0x400, 0x45f});
    check_alphabet((struct range){0x490, 0x491});
    check_alphabet((struct range){0x1e80, 0x1e85}); /* of Welsh */
    CHECK(font_has("\u1ebf \u1ee3 \u1eb1"));        /* of Vietnamese: two marks, a horn */
}

TEST(a_letter_is_the_same_however_its_accent_is_written) {
    CHECK(alike("\u00e9t\u00e9", "e\u0301te\u0301"));
    CHECK(alike("\u0419\u0456", "\u0418\u0306\u0456"));
    CHECK(!alike("\u00e9", "e"));
    CHECK(!alike("i\u0308", "i") && alike("i\u0308", "\u0131\u0308")); /* no dot below the dots */
    CHECK_INT(font_cells("Gro\u0308\u00dfe"), 5);
    CHECK_INT(font_width("Gr\u00f6\u00dfe", 2), 5 * FONT_STEP * 2);
    CHECK_INT(font_cells("\u00bd\u2026"), 6); /* 1/2... */
    CHECK(alike("\uff21\u00a0\ufb01", "A fi"));
}

TEST(accents_stay_within_the_line_of_their_letter) {
    static const char *const texts[] = {"\u00c5\u00c7\u0168\u0150", "\u0122\u0172\u1e08",
                                        "\u1eab\u1ee3", "\u1ea4\u1ea8" /* one too many */};
    for (size_t i = 0; i < 4; i++) {
        struct image im = drawn(texts[i], 4), large;
        CHECK_OK(image_alloc(&large, 40, 60, 3)); /* nothing is cut off by the image */
        font_draw(&large, 20, 20, 1, white, texts[i]);
        CHECK_INT(ink(&im), ink(&large));
        for (int64_t x = 0; x < im.w; x++)
            CHECK(!im.at[3 * x] && !im.at[3 * ((im.h - 1) * im.w + x)]);
        image_free(&im);
        image_free(&large);
    }
    CHECK(!font_has("\u1ea4") && font_has("\u1ea5")); /* the small letter has room for two */
}

TEST(what_the_font_lacks_is_a_box_for_each_character) {
    CHECK_INT(font_cells("\u81ea\u8ee2\u8eca"), 3);
    CHECK(!font_has("\u81ea\u8ee2\u8eca"));
    CHECK(alike("\u81ea", "\ud55c"));                  /* a syllable is one, not its parts */
    CHECK_INT(font_cells("a\u00adb\u200dc\ufe0f"), 3); /* invisible ones */
    CHECK(font_has("a\u00adb\u200dc\ufe0f"));
    CHECK(!font_has("a\u20e3") && font_cells("a\u20e3") == 1); /* a mark that it lacks */
    CHECK(!font_has("\t"));
}

TEST(bytes_that_are_no_utf_8_are_boxes_and_harm_nothing) {
    static const char *const texts[] = {"a\xffz",       "\xc3",     "\xe4\xb8",
                                        "\xed\xa0\x80", "\xf8\x80", "\x80\x80"};
    static const int cells[] = {3, 1, 2, 3, 2, 2};
    for (size_t i = 0; i < 6; i++) {
        CHECK_INT(font_cells(texts[i]), cells[i]);
        CHECK(!font_has(texts[i]));
        struct image im = drawn(texts[i], 3);
        CHECK(ink(&im) > 10);
        image_free(&im);
    }
}

static void check_name(uint32_t number, const char *name, const char *want) {
    char *said = font_name(number, name);
    CHECK_TEXT(said, want);
    free(said);
}

TEST(a_name_with_boxes_stands_behind_its_number) {
    check_name(3, "\u00e4pfel", "\u00e4pfel");
    check_name(12, "\u81ea\u8ee2\u8eca", "#12 \u81ea\u8ee2\u8eca");
    check_name(0, "caf\u81ea", "#0 caf\u81ea");
}

static void check_fit(const char *text, int64_t cells, const char *want) {
    char *fit = font_fit(text, cells);
    CHECK_TEXT(fit, want);
    free(fit);
}

TEST(a_long_text_is_cut_between_characters) {
    check_fit("\u00e4\u00f6\u00fc", 3, "\u00e4\u00f6\u00fc");
    check_fit("\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc", 5, "\u00e4\u00f6\u00fc..");
    check_fit("ae\u0301io", 4, "ae\u0301io");
    check_fit("ae\u0301iou", 4, "ae\u0301.."); /* with its accent */
    check_fit("\u81ea\u8ee2\u8eca\u81ea\u8ee2", 4, "\u81ea\u8ee2..");
    check_fit("ab\u00bdc", 5, "ab.."); /* 1/2 is in or out */
    check_fit("abcdef", 3, "abc");     /* no room for dots */
    check_fit("abcdef", 0, "a");
    check_fit("a\xff\xff\xff\xff", 4, "a\xff..");
    check_fit("", 4, "");
}

TEST(a_text_is_drawn_to_the_pixel_as_it_was) {
    struct image im = drawn(
        "Gr\u00f6\u00dfe \u0141\u00f3d\u017a \u0395\u03bb\u03bb\u03ac\u03b4\u03b1 "
        "\u0401\u0436\u0438\u043a \u81ea?",
        26);
    CHECK_INT(hash_bytes(im.at, (size_t)(im.h * im.w * 3)) >> 32, 2726883290);
    image_free(&im);
}
