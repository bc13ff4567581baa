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

void region_matches(const struct regions *g, const struct labels *truth, int64_t K,
                    struct region_match *match, struct region_truth *best) {
    int64_t *inside = mem_alloc((size_t)K, sizeof *inside), pixels = truth->h * truth->w;
    for (int64_t k = 0; k < K; k++) match[k] = (struct region_match){.region = -1};
    for (int64_t i = 0; i < pixels; i++)
        if (truth->at[i] < K) match[truth->at[i]].pixels++;
    for (int64_t v = 0; v < g->n; v++) {
        const struct mask *m = &g->mask[v];
        REQUIRE(m->h == truth->h && m->w == truth->w, "a region and a label map of two sizes");
        int64_t area = mask_area(m);
        for (int64_t k = 0; k < K; k++) inside[k] = 0;
        for (int64_t i = 0; i < pixels; i++)
            if (m->at[i] && truth->at[i] < K) inside[truth->at[i]]++;
        if (best) best[v] = (struct region_truth){.class = K};
        for (int64_t k = 0; k < K; k++) {
            double iou = (double)inside[k] / (double)(area + match[k].pixels - inside[k]);
            if (best && iou > best[v].iou) best[v] = (struct region_truth){k, iou};
            if (!match[k].pixels || !(iou > match[k].iou)) continue;
            match[k].iou = iou;
            match[k].region = v;
        }
    }
    free(inside);
}

void region_recall_take(struct region_recall *r, const struct region_match *match) {
    for (int64_t k = 0; k < r->K; k++) {
        r->sum[k] += match[k].iou;
        r->n[k] += match[k].pixels > 0;
    }
}

void region_recall_add(struct region_recall *r, const struct regions *g,
                       const struct labels *truth) {
    struct region_match *match = mem_alloc((size_t)r->K, sizeof *match);
    region_matches(g, truth, r->K, match, NULL);
    region_recall_take(r, match);
    free(match);
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
