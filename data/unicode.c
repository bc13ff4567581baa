#include "data/unicode.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "base/error.h"
#include "base/utf8.h"

enum { CAPITAL_SIGMA = 0x03A3, FINAL_SIGMA = 0x03C2, CAPITAL_I_DOT = 0x0130, DOT_ABOVE = 0x0307 };

size_t unicode_get(const char *s, size_t n, int32_t *code) {
    if ((unsigned char)s[0] < 0x80) {
        *code = (unsigned char)s[0];
        return 1;
    }
    uint32_t c;
    size_t k = utf8_decode(s, n, &c);
    *code = k ? (int32_t)c : 0xFFFD;
    return k ? k : 1;
}

void unicode_put(struct str *out, int32_t code) {
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t k = utf8proc_encode_char(code, bytes);
    REQUIRE(k > 0, "U+%04X is no character", (unsigned)code);
    str_put(out, bytes, (size_t)k);
}

bool unicode_is_ascii(const char *s, size_t n) {
    unsigned char all = 0;
    for (size_t i = 0; i < n; i++) all |= (unsigned char)s[i];
    return all < 0x80;
}

bool unicode_is_letter(int32_t code) {
    if (code < 0x80) return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
    utf8proc_category_t c = utf8proc_category(code);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool unicode_is_number(int32_t code) {
    if (code < 0x80) return code >= '0' && code <= '9';
    utf8proc_category_t c = utf8proc_category(code);
    return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool unicode_is_digit(int32_t code) {
    /* Numeric_Type=Digit of Unicode 15, first and last */
    static const int32_t signs[][2] = {
        {0xB2, 0xB3},       {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},
        {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
        {0x2474, 0x247C},   {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},
        {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},   {0x278A, 0x2792},
        {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}};
    if (code < 0x80) return code >= '0' && code <= '9';
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (code >= signs[i][0] && code <= signs[i][1]) return true;
    return utf8proc_category(code) == UTF8PROC_CATEGORY_ND;
}

bool unicode_is_space(int32_t code) {
    if (code < 0x80) return code == ' ' || (code >= 9 && code <= 13) || (code >= 0x1C && code < 32);
    if (code == 0x85) return true;
    utf8proc_category_t c = utf8proc_category(code);
    return c >= UTF8PROC_CATEGORY_ZS && c <= UTF8PROC_CATEGORY_ZP;
}

/* Unicode's Cased: the letters with case, and signs made of them (ª, Ⅷ, Ⓐ). */
static bool is_cased(int32_t code) {
    utf8proc_category_t c = utf8proc_category(code);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LT) || code == 0xAA ||
           code == 0xBA || (code >= 0x2160 && code < 0x2180) || (code >= 0x24B6 && code < 0x24EA) ||
           (code >= 0x1F130 && code < 0x1F18A);
}

/* Unicode's Case_Ignorable: marks, formats, modifiers, and what may stand inside a word. */
static bool is_case_ignorable(int32_t code) {
    switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default:
        return code == '\'' || code == '.' || code == ':' || code == 0xB7 || code == 0x387 ||
               code == 0x55F || code == 0x5F4 || code == 0x2018 || code == 0x2019 ||
               code == 0x2024 || code == 0x2027;
    }
}

/* No cased letter follows in the word. */
static bool word_ends(const char *s, size_t n) {
    int32_t code;
    for (size_t i = 0; i < n;) {
        i += unicode_get(s + i, n - i, &code);
        if (!is_case_ignorable(code)) return !is_cased(code);
    }
    return true;
}

void unicode_lower(const char *s, size_t n, struct str *out) {
    if (unicode_is_ascii(s, n)) {
        size_t from = out->n;
        str_put(out, s, n);
        for (size_t i = from; i < out->n; i++)
            if (out->at[i] >= 'A' && out->at[i] <= 'Z') out->at[i] = (char)(out->at[i] + 'a' - 'A');
        return;
    }
    bool in_word = false; /* the last character that counts was a cased letter */
    int32_t code;
    for (size_t i = 0; i < n;) {
        i += unicode_get(s + i, n - i, &code);
        if (code == CAPITAL_SIGMA && in_word && word_ends(s + i, n - i)) {
            unicode_put(out, FINAL_SIGMA);
        } else if (code == CAPITAL_I_DOT) {
            unicode_put(out, 'i');
            unicode_put(out, DOT_ABOVE);
        } else {
            unicode_put(out, utf8proc_tolower(code));
        }
        if (!is_case_ignorable(code)) in_word = is_cased(code);
    }
}

static void put_mapped(const char *s, size_t n, utf8proc_option_t options, struct str *out) {
    utf8proc_uint8_t *mapped = NULL;
    utf8proc_ssize_t k =
        utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &mapped, options);
    REQUIRE(k >= 0, "mapping %zu bytes: %s", n, utf8proc_errmsg(k)); /* no memory, or not UTF-8 */
    str_put(out, mapped, (size_t)k);
    free(mapped);
}

void unicode_put_narrow(struct str *out, int32_t code) {
    struct str one = {0};
    unicode_put(&one, code);
    put_mapped(one.at, one.n, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT, out);
    str_free(&one);
}

void unicode_nfc(const char *s, size_t n, struct str *out) {
    if (unicode_is_ascii(s, n))
        str_put(out, s, n);
    else
        put_mapped(s, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE, out);
}

size_t unicode_take_apart(int32_t code, int32_t part[UNICODE_PARTS]) {
    int last = UTF8PROC_BOUNDCLASS_START;
    utf8proc_ssize_t n = utf8proc_decompose_char(
        code, part, UNICODE_PARTS, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE, &last);
    REQUIRE(n >= 0 && n <= UNICODE_PARTS, "U+%04X has %td parts", (unsigned)code, n);
    return (size_t)n;
}

bool unicode_is_mark(int32_t code) {
    utf8proc_category_t c = utf8proc_category(code);
    return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME;
}
