/* Tables of comma-separated values (RFC 4180): fields may be in double quotes, where a comma is one
 * and "" is a quote; lines end with LF or CRLF. Empty lines do not count. */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

struct csv_row {
    char **at; /* [n] fields */
    size_t n, cap;
    size_t line; /* of the file, from 1 */
};

struct csv {
    struct csv_row *at;
    size_t n, cap;
};

/* ERR_MISSING, or ERR_DATA as file:line: a quote without its end, text behind one, a NUL byte. */
int csv_read(struct csv *c, const char *path);
void csv_free(struct csv *c);

/* Appends a field, in quotes where it needs them; a comma in front but of the first one. */
void csv_put(struct str *to, const char *field, bool first);
