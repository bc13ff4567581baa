/* Tables of text, a row a line, fields with commas or tabs between (RFC 4180): fields may be in
 * double quotes, where a separator is one of its letters and "" is a quote; lines end with LF or
 * CRLF. Empty lines do not count. */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

/* Row by row, of any length. */
struct csv_reader {
    const char *name, *text; /* the caller's; n bytes, any of them */
    size_t n, at, line;      /* `at` begins line `line`, from 1 */
    char separator;
    size_t began; /* the line of the row below */
    struct str *field;
    size_t n_fields, cap;
};

void csv_open(struct csv_reader *r, const char *name, const char *text, size_t n, char separator);
/* The next row that is not empty; n_fields 0 at the end. ERR_DATA as NAME:LINE: a quote without its
 * end, text behind one, a carriage return inside a line, a field of more than 4096 bytes, a NUL. */
int csv_next(struct csv_reader *r);
const char *csv_field(const struct csv_reader *r, size_t i); /* until the next row */
void csv_close(struct csv_reader *r);

/* All of it. */
struct csv_row {
    char **at;      /* [n] fields */
    size_t n, line; /* of the file, from 1 */
};

struct csv {
    struct csv_row *at;
    size_t n, cap;
};

/* With commas; ERR_MISSING, and the errors of csv_next. */
int csv_read(struct csv *c, const char *path);
void csv_free(struct csv *c);

/* Appends a field, in quotes where it needs them; a comma in front but of the first one. */
void csv_put(struct str *to, const char *field, bool first);
