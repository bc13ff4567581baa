/* What lies between two CLIPs of one form: validation and retention probe along the line from one's
 * weights to the other's, which is what `ovseg convert --blend` writes. */
#pragma once

#include <stdio.h>

#include "train/clip_validate.h"

enum { BLEND_STEPS = 10 }; /* alpha 0, 0.1, ... 1 */

struct blend_point {
    double alpha;
    double set, seen, unseen; /* mask accuracy in percent; NaN: there is none */
    double probe;
};

struct blend_curve {
    const char *from, *to; /* names of their runs; not owned */
    const char *set, *probe;
    const char *prompts; /* the run whose mask prompts all have; NULL: both have some, or none */
    struct blend_point at[BLEND_STEPS + 1];
};

/* `n`: a stage whose validation and probe are measured, with its inputs. The device is open.
 * ERR_CONFIG: the two are not of one form. */
int blend_curve_of(struct blend_curve *b, const struct node *n, const struct node_input *from,
                   const struct node_input *to);

/* "ovseg blend", version 1, as docs/file-formats.md has it; the report draws it. ERR_IO. */
int blend_curve_write(const struct blend_curve *b, const char *dir);
extern const char blend_file[];

/* The table, and which alpha one would take: of those whose probe is at most as far below `from`'s
 * as a sign is told for, the one that validates best. */
void blend_curve_print(const struct blend_curve *b, FILE *to);
const struct blend_point *blend_best(const struct blend_curve *b);
