/* The difference of two models by what their evaluations kept of each picture (train/analysis.h),
 * with intervals: eval/bootstrap.h. */
#pragma once

#include "train/analysis.h"

enum { DIFFERENCE_RESAMPLES = 10000, DIFFERENCE_SEED = 1 };

/* A model of an evaluation: the folder of its run, and its name there. */
struct difference_side {
    const char *dir, *model;
};

struct difference {
    char *why; /* the two cannot be compared so, in words, and there is nothing below; or NULL */
    int64_t N, K;
    struct strings classes; /* [K] */
    struct interval figure[BOOTSTRAP_FIGURES];
    struct interval *class; /* [K]: IoU */
};

/* The ensembles of both. ERR_DATA: a damaged file. */
int difference_of(struct difference *d, struct difference_side a, struct difference_side b,
                  int64_t resamples, uint64_t seed);
void difference_free(struct difference *d);

/* A figure in words: "mIoU, seen classes". */
const char *difference_title(enum bootstrap_figure f);
