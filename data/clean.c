#include "data/clean.h"

#include <stdbool.h>
#include <string.h>

#include "data/html.h"
#include "data/unicode.h"

/* Text that the steps below leave as it is but for case and white space: most captions. */
static bool is_plain(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x7F || c == '&' || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
            return false;
    }
    return true;
}

static void clean_plain(const char *s, size_t n, struct str *out) {
    bool gap = false, begun = false;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (c <= ' ') {
            gap = begun;
            continue;
        }
        if (gap) str_put(out, " ", 1);
        gap = false;
        begun = true;
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        str_put(out, &c, 1);
    }
}

/* Bytes of the terminal escape "ESC [ digits and semicolons, letter" at s; 0: there is none. */
static size_t escape_length(const char *s, size_t n) {
    if (n < 3 || s[0] != 0x1B || s[1] != '[') return 0;
    size_t i = 2;
    while (i < n && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';')) i++;
    bool letter = i < n && ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z'));
    return letter ? i + 1 : 0;
}

static bool is_dropped(int32_t c) {
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\f' && c != '\r') || c == 0x7F ||
           (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

static const char *ligature(int32_t c) {
    static const struct {
        int32_t code;
        const char *text;
    } table[] = {{0x0132, "IJ"},      {0x0133, "ij"},      {0x0149, "\'n"}, {0x01C4, "D\u017D"},
                 {0x01C5, "D\u017E"}, {0x01C6, "d\u017E"}, {0x01C7, "LJ"},  {0x01C8, "Lj"},
                 {0x01C9, "lj"},      {0x01CA, "NJ"},      {0x01CB, "Nj"},  {0x01CC, "nj"},
                 {0x01F1, "DZ"},      {0x01F2, "Dz"},      {0x01F3, "dz"},  {0xFB00, "ff"},
                 {0xFB01, "fi"},      {0xFB02, "fl"},      {0xFB03, "ffi"}, {0xFB04, "ffl"},
                 {0xFB05, "\u017Ft"}, {0xFB06, "st"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == c) return table[i].text;
    return NULL;
}

/* One character of ftfy's substitutions. */
static void put_fixed(struct str *out, int32_t c) {
    const char *text;
    if (c >= 0x80 && c < 0xA0) c = html_c1(c);
    if (c < 0x80) {
        if (!is_dropped(c)) unicode_put(out, c);
    } else if ((text = ligature(c))) {
        str_put(out, text, strlen(text));
    } else if (c == 0x02BC || (c >= 0x2018 && c <= 0x201B)) {
        str_put(out, "'", 1);
    } else if (c >= 0x201C && c <= 0x201F) {
        str_put(out, "\"", 1);
    } else if (c == 0x3000 || (c >= 0xFF01 && c < 0xFFF0)) {
        unicode_put_narrow(out, c);
    } else if (!is_dropped(c)) {
        unicode_put(out, c);
    }
}

/* One round of ftfy over the whole text. */
static void fix_round(const char *s, size_t n, bool unescape, struct str *out) {
    struct str text = {0}, fixed = {0};
    if (unescape)
        html_unescape(s, n, true, &text);
    else
        str_put(&text, s, n);
    int32_t c;
    for (size_t i = 0; i < text.n;) {
        size_t skip = escape_length(text.at + i, text.n - i);
        i += skip ? skip : unicode_get(text.at + i, text.n - i, &c);
        if (!skip) put_fixed(&fixed, c);
    }
    unicode_nfc(fixed.at, fixed.n, out);
    str_free(&text);
    str_free(&fixed);
}

/* Rounds until nothing changes. Their number is bounded: a reference nested deeper than this is
 * an attack, not a text. */
static void fix(const char *s, size_t n, struct str *out) {
    enum { MAX_ROUNDS = 16 };
    bool unescape = !memchr(s, '<', n);
    struct str text = {0};
    str_put(&text, s, n);
    for (int round = 0; round < MAX_ROUNDS; round++) {
        struct str next = {0};
        fix_round(text.at, text.n, unescape, &next);
        bool same = next.n == text.n && (!next.n || !memcmp(next.at, text.at, next.n));
        str_free(&text);
        text = next;
        if (same) break;
    }
    str_put(out, text.at, text.n);
    str_free(&text);
}

static void collapse(const char *s, size_t n, struct str *out) {
    bool gap = false;
    size_t start = out->n;
    for (size_t i = 0, k; i < n; i += k) {
        int32_t c;
        k = unicode_get(s + i, n - i, &c);
        if (unicode_is_space(c)) {
            gap = out->n > start;
            continue;
        }
        if (gap) str_put(out, " ", 1);
        gap = false;
        str_put(out, s + i, k);
    }
}

void text_clean(const char *s, size_t n, struct str *out) {
    if (is_plain(s, n)) {
        clean_plain(s, n, out);
        return;
    }
    struct str a = {0}, b = {0};
    fix(s, n, &a);
    html_unescape(a.at, a.n, false, &b);
    a.n = 0;
    html_unescape(b.at, b.n, false, &a);
    b.n = 0;
    collapse(a.at, a.n, &b);
    unicode_lower(b.at, b.n, out);
    str_free(&a);
    str_free(&b);
}
