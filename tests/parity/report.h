/* What the replay of a golden found: a line a comparison, and how many there were. */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

struct report {
    struct str text;
    int compared, failed;
};

/* found <= allowed, or it counts as failed; what is not a number does, too. */
void report_line(struct report *r, const char *name, double found, double allowed);

/* For lines of another form: counts the comparison, and returns the word that ends its line. */
const char *report_verdict(struct report *r, bool ok);

void report_free(struct report *r);
