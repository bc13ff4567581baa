/* How many pixels are named right and wrong at which score, and from that the lowest score that is
 * worth a name: below it a pixel is better left unlabelled (`ovseg segment --min-score`).
 *
 * K names. Scores fall into bins of 0.001; those of 2 and more share the last one.
 */
#pragma once

#include "eval/segment.h"

enum { SCORE_BINS = 2001 };

struct score_counts {
    int64_t K;
    int64_t *right;  /* [K, SCORE_BINS] called k, and it is */
    int64_t *wrong;  /* the same; it is another class */
    int64_t *beyond; /* the same; it has no class */
    int64_t *truth;  /* [K] pixels of each class, named or not */
    int64_t *none;   /* [1] pixels without a class */
};

void score_counts_open(struct score_counts *c, int64_t K);
void score_counts_free(struct score_counts *c);

/* Ground truth equal to `ignore`, and any value that is no class, has no class. */
void score_counts_add(struct score_counts *c, const struct labels *found, const struct scores *s,
                      const uint16_t *truth, uint16_t ignore);

/* In percent: the mean IoU over the classes in the truth when pixels of a score below bin / 1000
 * are unlabelled, which their class then misses. `all`: what has no class counts, too: named, it is
 * wrong, and "unlabelled" is one class more. NaN: there is no truth. */
void score_counts_curve(const struct score_counts *c, bool all, double miou[SCORE_BINS]);

/* The bin of the best one, the lowest of several; 0: none helps. */
int64_t score_counts_best(const double miou[SCORE_BINS]);
