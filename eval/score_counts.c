#include "eval/score_counts.h"

#include <math.h>
#include <stdlib.h>

static const double BINS_A_UNIT = 1000;

void score_counts_open(struct score_counts *c, int64_t K) {
    size_t n = (size_t)K * SCORE_BINS;
    *c = (struct score_counts){.K = K,
                               .right = mem_alloc(n, sizeof *c->right),
                               .wrong = mem_alloc(n, sizeof *c->wrong),
                               .beyond = mem_alloc(n, sizeof *c->beyond),
                               .truth = mem_alloc((size_t)K, sizeof *c->truth),
                               .none = mem_alloc(1, sizeof *c->none)};
}

void score_counts_free(struct score_counts *c) {
    free(c->right);
    free(c->wrong);
    free(c->beyond);
    free(c->truth);
    free(c->none);
    *c = (struct score_counts){0};
}

/* The last b with b / 1000 <= score, to the bit: --min-score b / 1000 keeps just these. */
static int64_t bin_of(double score) {
    if (!(score > 0)) return 0;
    if (score >= (SCORE_BINS - 1) / BINS_A_UNIT) return SCORE_BINS - 1;
    int64_t b = (int64_t)(score * BINS_A_UNIT);
    while (b > 0 && (double)b / BINS_A_UNIT > score) b--;
    while (b + 1 < SCORE_BINS && (double)(b + 1) / BINS_A_UNIT <= score) b++;
    return b;
}

void score_counts_add(struct score_counts *c, const struct labels *found, const struct scores *s,
                      const uint16_t *truth, uint16_t ignore) {
    for (int64_t i = 0; i < found->h * found->w; i++) {
        bool classed = truth[i] != ignore && truth[i] < c->K;
        *(classed ? &c->truth[truth[i]] : c->none) += 1;
        if (found->at[i] >= c->K) continue;
        int64_t at = found->at[i] * (int64_t)SCORE_BINS + bin_of((double)s->at[i]);
        *(!classed                   ? &c->beyond[at]
          : found->at[i] == truth[i] ? &c->right[at]
                                     : &c->wrong[at]) += 1;
    }
}

/* One class on its way from the highest bin down. */
struct running {
    int64_t right, wrong, beyond;
};

static double iou(int64_t right, int64_t all) { return all ? (double)right / (double)all : 0; }

/* The mean at one bin: of what is named there and above. */
static double mean_at(const struct score_counts *c, const struct running *r, bool all) {
    int64_t classes = 0, named = 0, beyond = 0, labelled = 0;
    double sum = 0;
    for (int64_t k = 0; k < c->K; k++) {
        named += r[k].right + r[k].wrong;
        beyond += r[k].beyond;
        labelled += c->truth[k];
        if (!c->truth[k]) continue;
        sum += iou(r[k].right, c->truth[k] + r[k].wrong + (all ? r[k].beyond : 0));
        classes++;
    }
    if (all && c->none[0]) {
        sum += iou(c->none[0] - beyond, c->none[0] + labelled - named);
        classes++;
    }
    return classes ? 100 * sum / (double)classes : (double)NAN;
}

void score_counts_curve(const struct score_counts *c, bool all, double miou[SCORE_BINS]) {
    struct running *r = mem_alloc((size_t)c->K, sizeof *r);
    for (int64_t b = SCORE_BINS - 1; b >= 0; b--) {
        for (int64_t k = 0; k < c->K; k++) {
            r[k].right += c->right[k * SCORE_BINS + b];
            r[k].wrong += c->wrong[k * SCORE_BINS + b];
            r[k].beyond += c->beyond[k * SCORE_BINS + b];
        }
        miou[b] = mean_at(c, r, all);
    }
    free(r);
}

int64_t score_counts_best(const double miou[SCORE_BINS]) {
    int64_t best = 0;
    for (int64_t b = 1; b < SCORE_BINS; b++)
        if (miou[b] > miou[best]) best = b;
    return best;
}
