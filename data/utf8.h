/* UTF-8 and what Unicode says of a character, over utf8proc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* The character at s (n > 0 bytes left) and the bytes it takes. A byte that begins no valid
 * character is U+FFFD, and one byte long. */
size_t utf8_get(const char *s, size_t n, int32_t *code);
void utf8_put(struct str *out, int32_t code);

bool utf8_is_ascii(const char *s, size_t n);

bool code_is_letter(int32_t code); /* general category L* */
bool code_is_number(int32_t code); /* N* */
bool code_is_space(int32_t code);  /* Python's str.isspace: also U+001C..U+001F and U+0085 */

/* Appends the lower-case form as Python's str.lower has it: utf8proc's, with İ as i + U+0307 and
 * a capital sigma at the end of a word as ς. */
void utf8_lower(const char *s, size_t n, struct str *out);

/* Appends the compatibility form of one character: full-width "Ａ" as "A". */
void utf8_put_narrow(struct str *out, int32_t code);

/* Appends the canonical composition (NFC). */
void utf8_nfc(const char *s, size_t n, struct str *out);
