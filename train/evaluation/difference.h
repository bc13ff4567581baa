/* The difference of two models by what their evaluations kept of each picture
 * (train/evaluation/analysis.h), with intervals: eval/bootstrap.h. */
#pragma once

#include "train/evaluation/analysis.h"

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

/* A model that is compared with several: what was drawn of it is kept. */
struct difference_drawn {
    struct analysis analysis;
    struct bootstrap_drawn of; /* as soon as it was compared */
    const char *model;
    char *why; /* it cannot be compared, in words */
};
/* Close it in any case. ERR_DATA: a damaged file. */
int difference_open(struct difference_drawn *m, struct difference_side side);
void difference_close(struct difference_drawn *m);
/* Figures alone: d->class is NULL. */
int difference_between(struct difference *d, struct difference_drawn *a, struct difference_drawn *b,
                       int64_t resamples, uint64_t seed);

/* A figure in words: "mIoU, seen classes". */
const char *difference_title(enum bootstrap_figure f);
