/* UTF-8, decoded and checked. Case, categories and normal forms are data/'s, with utf8proc. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the code point at s (1 to 4), which goes to *code; 0 when what stands there is no
 * UTF-8: cut short, overlong, a surrogate, above U+10FFFF. n is at least 1. */
size_t utf8_decode(const char *s, size_t n, uint32_t *code);

bool utf8_valid(const char *s, size_t n);

/* Bytes of the mark (U+FEFF) that programs of Windows put in front of a text: 3, or 0. */
size_t utf8_mark(const void *s, size_t n);

/* The most of n bytes that does not end within a character: n, or up to 3 less. */
size_t utf8_whole(const char *s, size_t n);

/* For messages: the beginning of a text, at most `most` bytes of it in whole characters, and "..."
 * behind them where there is more.
 *
 *     error_set(ERR_DATA, "\"%s\": is too long", utf8_short(text, 80).at);
 */
enum { UTF8_SHORT_MAX = 600 };
struct utf8_short {
    char at[UTF8_SHORT_MAX + 4];
};
struct utf8_short utf8_short(const char *s, size_t most);

/* Control characters become "?", but for line ends and tabs, which are ours: a terminal obeys them,
 * and names out of strangers' files may hold any. */
void utf8_tame(char *s);

/* vsnprintf into a buffer of 8 bytes or more, tamed; what does not fit is cut in the same way. */
void utf8_vformat(char *to, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));
