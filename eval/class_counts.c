#include "eval/class_counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void class_counts_open(struct class_counts *c, int64_t K) {
    *c = (struct class_counts){K, mem_alloc((size_t)K, sizeof(int64_t)),
                               mem_alloc((size_t)K, sizeof(int64_t)),
                               mem_alloc((size_t)K, sizeof(int64_t))};
}

void class_counts_free(struct class_counts *c) {
    free(c->right);
    free(c->truth);
    free(c->called);
    *c = (struct class_counts){0};
}

/* Run by run, as confusion_add() does. */
void class_counts_of(struct class_counts *c, const struct confusion *m, const uint16_t *predicted,
                     const uint16_t *truth, int64_t n, uint16_t ignore) {
    int64_t K = c->K;
    int64_t *const all[] = {c->right, c->truth, c->called};
    for (size_t i = 0; i < 3; i++) memset(all[i], 0, (size_t)K * sizeof *all[i]);
    for (int64_t i = 0, run; i < n; i += run) {
        uint16_t p = predicted[i], t = truth[i];
        for (run = 1; i + run < n && predicted[i + run] == p && truth[i + run] == t; run++) {
        }
        if (t >= K || t == ignore) continue;
        if (p < K || m->unnamed_is_missed) c->truth[t] += run;
        if (p < K) c->called[p] += run;
        if (p == t) c->right[t] += run;
    }
}

int64_t class_counts_union(const struct class_counts *c, int64_t k) {
    return c->truth[k] + c->called[k] - c->right[k];
}
