/* UTF-8, decoded and checked. Case, categories and normal forms are data/'s, with utf8proc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the code point at s (1 to 4), which goes to *code; 0 when what stands there is no
 * UTF-8: cut short, overlong, a surrogate, above U+10FFFF. n is at least 1. */
size_t utf8_decode(const char *s, size_t n, uint32_t *code);

bool utf8_valid(const char *s, size_t n);
