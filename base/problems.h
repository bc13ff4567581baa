/* Mistakes, collected: a user mends all of them at once instead of meeting one after the other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

struct problems {
    struct str text; /* one a line */
    size_t n, shown;
    int code;   /* of the errors that were taken, 0: none */
    bool mixed; /* others are among them, or mistakes that were no errors */
};

/* One that is shown already is not added: a setting of many stages is one mistake. */
void problems_add(struct problems *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* True when further ones are only counted: no need to look for a good advice. */
bool problems_full(const struct problems *p);

/* Moves the pending error, if there is one, into the list. */
void problems_take_error(struct problems *p);

/* 0 when there are none; otherwise the list becomes the error message, and `code` the status; but
 * errors of one code that were taken, with nothing else, keep theirs: a damaged file is not a wrong
 * setting because a setting names it. Frees the list either way. */
int problems_close(struct problems *p, int code);
