#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/regions.h"

void region_recall_open(struct region_recall *r, int64_t K) {
    *r = (struct region_recall){mem_alloc((size_t)K, sizeof *r->sum),
                                mem_alloc((size_t)K, sizeof *r->n), K};
}

void region_recall_free(struct region_recall *r) {
    free(r->sum);
    free(r->n);
    *r = (struct region_recall){0};
}

void region_recall_add(struct region_recall *r, const struct regions *g,
                       const struct labels *truth) {
    int64_t *inside = mem_alloc((size_t)r->K, sizeof *inside);
    int64_t *total = mem_alloc((size_t)r->K, sizeof *total);
    double *best = mem_alloc((size_t)r->K, sizeof *best);
    int64_t pixels = truth->h * truth->w;
    for (int64_t i = 0; i < pixels; i++)
        if (truth->at[i] < r->K) total[truth->at[i]]++;
    for (int64_t v = 0; v < g->n; v++) {
        const struct mask *m = &g->mask[v];
        REQUIRE(m->h == truth->h && m->w == truth->w, "a region and a label map of two sizes");
        int64_t area = mask_area(m);
        for (int64_t k = 0; k < r->K; k++) inside[k] = 0;
        for (int64_t i = 0; i < pixels; i++)
            if (m->at[i] && truth->at[i] < r->K) inside[truth->at[i]]++;
        for (int64_t k = 0; k < r->K; k++) {
            double iou = (double)inside[k] / (double)(area + total[k] - inside[k]);
            if (total[k] && iou > best[k]) best[k] = iou;
        }
    }
    for (int64_t k = 0; k < r->K; k++) {
        r->sum[k] += best[k];
        r->n[k] += total[k] > 0;
    }
    free(inside);
    free(total);
    free(best);
}

double region_recall_mean(const struct region_recall *r, const bool *subset) {
    double sum = 0;
    int64_t n = 0;
    for (int64_t k = 0; k < r->K; k++) {
        if (subset && !subset[k]) continue;
        sum += r->sum[k];
        n += r->n[k];
    }
    return n ? 100 * sum / (double)n : NAN;
}
