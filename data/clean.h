/* Text as CLIP's tokenizer wants it, before it is cut into pieces. reference-spec 1.12 */
#pragma once

#include "base/mem.h"

/* Appends the cleaned form of `s` (n bytes): what `ftfy.fix_text`, HTML unescaping (twice), white
 * space collapsed to single spaces, and lower-casing make of it.
 *
 * Of ftfy: references with a semicolon (while there is no "<"), control characters, terminal
 * escapes, Windows-1252 in U+0080..U+009F, ligatures, full-width forms, curly quotes, NFC. Not
 * its repair of text that was decoded with the wrong code page ("cafÃ©"), which is guessing: such
 * text keeps the characters it has. Bytes that are not UTF-8 become U+FFFD. */
void text_clean(const char *s, size_t n, struct str *out);
