/* HTML character references in text, as Python's html.unescape resolves them.
 *
 * Known by name: the 253 entities of HTML 4 (with &apos;) and the six in capitals that browsers
 * also know (&AMP; ...). The other 1,900 names of HTML 5 stay as they are: they do not occur in
 * captions. All numeric references are resolved. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/* Appends `s` (n bytes) with its references replaced, once: "&amp;lt;" becomes "&lt;". `strict`
 * replaces only references that end in a semicolon; without it "&amp b" and "&#65 b" are
 * references too, as browsers have it. */
void html_unescape(const char *s, size_t n, bool strict, struct str *out);

/* The character that a code of 0x80..0x9f means: Windows-1252, where it has one. */
int32_t html_c1(int32_t code);
