/* Pieces of a page: text in it is text, whatever it holds. */
#pragma once

#include <stdint.h>

#include "base/mem.h"

/* For elements and for attributes in double quotes. Control characters, bytes that are no UTF-8,
 * and marks that turn the direction of what follows become U+FFFD. */
void html_text(struct str *out, const char *text);
size_t html_letters(const char *text); /* its characters */
/* The same of at most so many of them, from both ends, with an ellipsis where others are left out:
 * what tells names apart stands at either. */
void html_text_short(struct str *out, const char *text, size_t most);
