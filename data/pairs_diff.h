/* Two folders of mined pairs compared, by what each pair is of: picture (its id), caption (its id),
 * noun. */
#pragma once

#include "data/pairs.h"

enum pair_change {
    PAIR_ONLY_A,
    PAIR_ONLY_B,
    PAIR_MASK,  /* the same noun of the same caption, on another mask */
    PAIR_SCORE, /* the same mask, another similarity */
    PAIR_SAME,
    PAIR_CHANGES,
};

struct pair_difference {
    enum pair_change change;
    int64_t a, b; /* rows; -1: not there */
    double iou;   /* of PAIR_MASK: what the masks share; 0 when their pictures differ in size */
};

struct pairs_diff {
    struct pair_difference
        *at; /* [n], by image id, caption id, noun; without those that are same */
    size_t n, cap;
    int64_t count[PAIR_CHANGES];
    double score_max; /* the largest difference of similarities of pairs that are in both */
};

/* Similarities that differ by no more than `tolerance` are the same. ERR_DATA: a mask that cannot
 * be read. */
int pairs_diff_of(struct pairs_diff *d, const struct pairs *a, const struct pairs *b,
                  double tolerance);
void pairs_diff_free(struct pairs_diff *d);

/* Of a noun: pairs in each. */
struct noun_change {
    const char *noun; /* a's or b's text */
    int64_t a, b;
};
/* Nouns whose counts differ, by falling difference, then by name; [*n], owned. */
struct noun_change *pairs_noun_changes(const struct pairs *a, const struct pairs *b, int64_t *n);
