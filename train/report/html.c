#include "train/report/html.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

static bool is_shown(uint32_t c) {
    bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
    bool turns =
        (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F;
    return !control && !turns && c != 0xFFFE && c != 0xFFFF;
}

static void put(struct str *out, const char *at, size_t n, uint32_t c) {
    switch (c) {
    case '&': str_add(out, "&amp;"); break;
    case '<': str_add(out, "&lt;"); break;
    case '>': str_add(out, "&gt;"); break;
    case '"': str_add(out, "&quot;"); break;
    case '\'': str_add(out, "&#39;"); break;
    default:
        if (is_shown(c))
            str_put(out, at, n);
        else
            str_add(out, "\xEF\xBF\xBD");
    }
}

static size_t put_next(struct str *out, const char *at, size_t n) {
    uint32_t c = 0xFFFF;
    size_t k = utf8_decode(at, n, &c);
    put(out, at, k, k ? c : 0xFFFF);
    return k ? k : 1;
}

void html_text(struct str *out, const char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) i += put_next(out, text + i, n - i);
    str_put(out, "", 0);
}

/* Bytes of the first `most` characters; *count of them. */
static size_t bytes_of(const char *text, size_t most, size_t *count) {
    size_t n = strlen(text), i = 0;
    uint32_t c;
    for (*count = 0; i < n && *count < most; ++*count) {
        size_t k = utf8_decode(text + i, n - i, &c);
        i += k ? k : 1;
    }
    return i;
}

size_t html_letters(const char *text) {
    size_t count;
    bytes_of(text, SIZE_MAX, &count);
    return count;
}

void html_text_short(struct str *out, const char *text, size_t most) {
    size_t all = html_letters(text), some, head = most / 2, tail = most - 1 - head;
    if (all <= most) {
        html_text(out, text);
        return;
    }
    size_t end = bytes_of(text, head, &some);
    for (size_t i = 0; i < end;) i += put_next(out, text + i, end - i);
    str_add(out, "…");
    html_text(out, text + bytes_of(text, all - tail, &some));
}
