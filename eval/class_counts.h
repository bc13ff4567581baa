/* What a label map of one picture adds to each class of its confusion matrix: intersections and
 * unions whose sums over pictures are those of the matrix. */
#pragma once

#include <stdbool.h>

#include "eval/confusion.h"

struct class_counts {
    int64_t K;
    int64_t *right, *truth, *called; /* [K] pixels, each as confusion_right() and so on have it */
};
void class_counts_open(struct class_counts *c, int64_t K);
void class_counts_free(struct class_counts *c);

/* Of n pixels alone: what was there before is gone. The rules are those of `m`. */
void class_counts_of(struct class_counts *c, const struct confusion *m, const uint16_t *predicted,
                     const uint16_t *truth, int64_t n, uint16_t ignore);

/* Pixels that are k in the truth, or were called k where there is a truth. */
int64_t class_counts_union(const struct class_counts *c, int64_t k);
