/* What the replay of a golden found: a line a comparison, and how many there were. */
#pragma once

#include <stdbool.h>

#include "base/mem.h"

struct verdicts {
    struct str text;
    int compared, failed;
};

/* found <= allowed, or it counts as failed; what is not a number does, too. */
void verdicts_line(struct verdicts *r, const char *name, double found, double allowed);

/* For lines of another form: counts the comparison, and returns the word that ends its line. */
const char *verdicts_word(struct verdicts *r, bool ok);

void verdicts_free(struct verdicts *r);
