/* Where numbers of a run go: RUN/metrics.jsonl, one object a line, and TensorBoard events beside
 * it. A full disk or a closed pipe stops neither training nor the program: one warning. */
#pragma once

#include <stdint.h>

#include "base/mem.h"

struct metric {
    const char *name; /* "loss_mask" */
    double value;     /* NaN: null in the file */
};

enum { METRICS_MAX = 32 };

struct metrics_row {
    struct metric at[METRICS_MAX];
    int n;
};
void metrics_put(struct metrics_row *r, const char *name, double value); /* name outlives the row */
double metrics_value(const struct metrics_row *r, const char *name);     /* NaN: none */

struct metrics {
    char *path;
    int fd, events;
    int broken;
};

/* Opens for appending. Lines of steps after `step` (-1: all) were written by a life that was cut
 * off later than its last checkpoint; they are dropped, and will be written again. */
int metrics_open(struct metrics *m, const char *run, int64_t step);
void metrics_write(struct metrics *m, const char *kind, int64_t step, const struct metrics_row *r);
void metrics_close(struct metrics *m);
