/* Lists of words or phrases that a user writes: one a line, in any case; # begins a comment. */
#pragma once

#include "base/mem.h"

enum { WORD_LIST_BYTES = 16 << 20 };

/* Appends each, in lower case and without white space at its ends; line[i] is its line number when
 * `line` is given (owned). ERR_MISSING, ERR_DATA when the file is larger than WORD_LIST_BYTES. */
int word_list_read(const char *path, struct strings *out, size_t **line);
