/* Looking at mined pairs: which of them, and what they are in numbers. */
#pragma once

#include "data/pairs.h"

/* Which pairs; pairs_filter_all is all of them. */
struct pairs_filter {
    const char *noun;     /* NULL: any */
    double lo, hi;        /* similarity, ends included */
    const int64_t *image; /* the id of a picture; NULL: any */
};
struct pairs_filter pairs_filter_all(void);

/* Rows of `p` that pass, rising; [*n], owned. */
int64_t *pairs_pick(const struct pairs *p, const struct pairs_filter *f, int64_t *n);
/* `most` of the n rows by the seed, rising again; all of them when there are no more. */
void pairs_draw(int64_t *row, int64_t *n, int64_t most, int64_t seed);

struct noun_count {
    int64_t noun, n; /* row of pairs.noun; its pairs */
};

enum { PAIRS_BINS = 24 }; /* at most */
struct pairs_stats {
    int64_t n, images, captions;
    struct noun_count
        *noun; /* [n_nouns]: those that occur, the most frequent first, then by name */
    int64_t n_nouns;
    double min, mean, max; /* similarity; 0 when there are no pairs */
    double median_area;    /* share of the picture that a mask covers */
    int64_t n_bins, bin[PAIRS_BINS];
    double edge[PAIRS_BINS + 1]; /* bin b: [edge[b], edge[b + 1]); of equal, round widths */
    int digits;                  /* of an edge behind the point */
};
/* Of rows [n] of `p`. */
void pairs_stats_of(struct pairs_stats *s, const struct pairs *p, const int64_t *row, int64_t n);
/* The i-th rarest noun; of those that are equally rare the first by name comes first. */
const struct noun_count *pairs_stats_rare(const struct pairs_stats *s, int64_t i);
void pairs_stats_free(struct pairs_stats *s);
