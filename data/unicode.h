/* Characters, and what Unicode says of them, over utf8proc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* The character at s (n > 0 bytes left) and the bytes it takes. A byte that begins no valid
 * character is U+FFFD, and one byte long. */
size_t unicode_get(const char *s, size_t n, int32_t *code);
void unicode_put(struct str *out, int32_t code);

bool unicode_is_ascii(const char *s, size_t n);

bool unicode_is_letter(int32_t code); /* general category L* */
bool unicode_is_number(int32_t code); /* N* */
bool unicode_is_digit(int32_t code); /* Python's str.isdigit: Nd, and signs made of digits: ², ① */
bool unicode_is_space(int32_t code); /* Python's str.isspace: also U+001C..U+001F and U+0085 */

/* Appends the lower-case form as Python's str.lower has it: utf8proc's, with İ as i + U+0307 and
 * a capital sigma at the end of a word as ς. */
void unicode_lower(const char *s, size_t n, struct str *out);

/* Appends the compatibility form of one character: full-width "Ａ" as "A". */
void unicode_put_narrow(struct str *out, int32_t code);

/* Appends the canonical composition (NFC). */
void unicode_nfc(const char *s, size_t n, struct str *out);

/* Letters and marks that a character is written with, as the compatibility decomposition (NFKD) has
 * them: "é" is e U+0301, "ﬁ" is f i. Their number; 0: it is invisible (a soft hyphen, a joiner). */
enum { UNICODE_PARTS = 18 }; /* of U+FDFA, which has most */
size_t unicode_take_apart(int32_t code, int32_t part[UNICODE_PARTS]);

bool unicode_is_mark(int32_t code); /* combines with the letter before it and takes no place */
