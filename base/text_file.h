/* Texts that people write: lists of names, captions. Encodings that are not UTF-8 are refused by
 * name with the command that mends them, because what they hold would be taken for other words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/* Reads a UTF-8 text of at most `max` bytes, with a NUL behind it; a byte order mark in front is
 * left out. *crlf, when wanted: some lines end as Windows ends them, which readers of lines take as
 * they are. ERR_MISSING; ERR_DATA with the remedy: it is empty, a web page, UTF-16 or UTF-32, not
 * UTF-8 (with the line), holds a NUL, or ends its lines with a carriage return alone. */
int text_file_read(const char *path, size_t max, struct bytes *out, bool *crlf);
int text_file_check(const char *path); /* the same errors, of at most 1 GiB */
