#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* By a character's first byte; 0: it is none. */
static size_t length_of(uint8_t first) {
    return first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
}

size_t utf8_decode(const char *s, size_t n, uint32_t *code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* smaller ones are overlong */
    const uint8_t *p = (const uint8_t *)s;
    size_t len = length_of(p[0]);
    if (!len || len > n) return 0;
    uint32_t c = len == 1 ? p[0] : p[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2) return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0;
    *code = c;
    return len;
}

bool utf8_valid(const char *s, size_t n) {
    uint32_t code;
    for (size_t i = 0, k; i < n; i += k)
        if (!(k = utf8_decode(s + i, n - i, &code))) return false;
    return true;
}

size_t utf8_mark(const void *s, size_t n) {
    return n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

size_t utf8_whole(const char *s, size_t n) {
    for (size_t back = 1; back <= 4 && back <= n; back++) {
        uint8_t c = (uint8_t)s[n - back];
        if (c >> 6 != 2) return length_of(c) > back ? n - back : n;
    }
    return n;
}

static const char dots[] = "...";

struct utf8_short utf8_short(const char *s, size_t most) {
    struct utf8_short t = {0};
    REQUIRE(most <= UTF8_SHORT_MAX, "%zu bytes of a text", most);
    size_t n = strnlen(s, most + 1);
    bool all = n <= most;
    if (!all) n = utf8_whole(s, most);
    memcpy(t.at, s, n);
    if (!all) memcpy(t.at + n, dots, sizeof dots);
    return t;
}

void utf8_tame(char *s) {
    for (uint8_t *c = (uint8_t *)s; *c; c++) {
        bool high = c[0] == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0; /* U+0080 to U+009F */
        if (high) c[1] = '?';
        if (high || (*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7F) *c = '?';
    }
}

void utf8_vformat(char *to, size_t size, const char *fmt, va_list args) {
    int n = vsnprintf(to, size, fmt, args);
    if (n < 0 || (size_t)n >= size) {
        size_t keep = n < 0 ? 0 : utf8_whole(to, size - sizeof dots);
        memcpy(to + keep, dots, sizeof dots);
    }
    utf8_tame(to);
}
