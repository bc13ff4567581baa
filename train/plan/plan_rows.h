/* When the steps of a probe ended, by its metrics.jsonl: one row a step, since it logs each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_row {
    bool train; /* else a validation */
    double wall;
};
struct plan_rows {
    struct plan_row *at;
    size_t n, cap;
    int64_t trained;
    double validate; /* seconds of the last validation; 0: none */
};

void plan_rows_read(struct plan_rows *r, const char *dir); /* empty when there is no file */
void plan_rows_free(struct plan_rows *r);

/* Seconds of a step: the mean of those that no batch waits for since before the first one (`ahead`
 * were made meanwhile), without the slowest tenth: what else the machine does is not the stage's.
 */
double plan_rows_unit(const struct plan_rows *r, int64_t ahead);
