/* Sums and maxima of a few numbers of all ranks: gathered, then folded by each rank for itself. */
#include <stdlib.h>

#include "base/mem.h"
#include "dist/comm.h"

/* Rows of all ranks, owned; numbers are then folded in the order of ranks: the same bits
 * everywhere. NULL: there is nothing to do. */
static void *rows_of_all(struct comm *c, const void *mine, size_t n, size_t size) {
    if (!c || !n) return NULL;
    void *all = mem_alloc(n * (size_t)comm_size(c), size);
    comm_gather(c, mine, n * size, all);
    return all;
}

void comm_sum(struct comm *c, double *x, size_t n) {
    double *all = rows_of_all(c, x, n, sizeof *x);
    for (size_t i = 0; all && i < n; i++) {
        x[i] = all[i];
        for (size_t r = 1; r < (size_t)comm_size(c); r++) x[i] += all[r * n + i];
    }
    free(all);
}

void comm_sum_counts(struct comm *c, int64_t *x, size_t n) {
    int64_t *all = rows_of_all(c, x, n, sizeof *x);
    for (size_t i = 0; all && i < n; i++) {
        x[i] = all[i];
        for (size_t r = 1; r < (size_t)comm_size(c); r++) x[i] += all[r * n + i];
    }
    free(all);
}

void comm_max(struct comm *c, double *x, size_t n) {
    double *all = rows_of_all(c, x, n, sizeof *x);
    for (size_t i = 0; all && i < n; i++)
        for (size_t r = 0; r < (size_t)comm_size(c); r++)
            if (all[r * n + i] > x[i]) x[i] = all[r * n + i];
    free(all);
}
