/* The regions of a picture that CLIP is asked about: its binarised proposals, and what CLIP's image
 * tower makes of their crops (reference-spec 8.2). Crops of many pictures go through the tower
 * together (region_batch.h). */
#pragma once

#include "eval/proposals.h"
#include "eval/region_batch.h"

struct regions {
    int64_t n, D;
    int64_t *query;    /* [n]: which proposal, rising */
    struct mask *mask; /* [n]; NULL: the pixels of `of` that have the value query[i], made one at a
                          time, since hundreds of classes may be in one picture */
    const struct labels *of; /* must stay as long; NULL where there are masks */
    int64_t *area;           /* [n] pixels, with `of` */
    struct box *box;         /* [n]: tight; NULL with `of` */
    const float *soft; /* [Q, h, w]: of the proposals, which must stay as long; NULL: no matting */
    int64_t *above;    /* [Q] pixels above the threshold of every proposal; NULL with `of` */
    float *feature;    /* [n, D], unit length; NULL until encoded */
};

/* Proposals with at least min_area pixels above the threshold. The result can be freed in any case.
 */
int regions_of(struct regions *r, const struct proposals *p, double threshold, int64_t min_area);
void regions_free(struct regions *r);

/* Fills `feature` of the regions of n pictures, `batch` crops at a time (replaces what is there). A
 * picture may be larger than its masks: they are enlarged by nearest then. 0 or the pending error.
 */
int regions_encode(struct regions *r, const struct image *pictures, int64_t n,
                   const struct region_options *o, struct region_encoder e, int64_t batch);

/* The region that fits the mask of a class best, by intersection over union. */
struct region_match {
    int64_t pixels; /* of the class */
    int64_t region; /* -1: none meets it */
    double iou;
};
/* The class whose mask a region fits best. */
struct region_truth {
    int64_t class; /* K: it meets none */
    double iou;
};
/* match [K], of each class of the truth; of equal regions the first. best [n], NULL: not wanted; of
 * equal classes the first. Sizes must be equal. */
void region_matches(const struct regions *g, const struct labels *truth, int64_t K,
                    struct region_match *match, struct region_truth *best);

/* How well the regions of a picture find what is there: for each class of the truth, the largest
 * intersection over union of a region with its mask. Sizes must be equal. */
struct region_recall {
    double *sum; /* [K] of the best IoU */
    int64_t *n;  /* [K] masks */
    int64_t K;
};
void region_recall_open(struct region_recall *r, int64_t K);
void region_recall_free(struct region_recall *r);
void region_recall_add(struct region_recall *r, const struct regions *g,
                       const struct labels *truth);
void region_recall_take(struct region_recall *r, const struct region_match *match); /* [K] */
/* Mean over all masks of the classes of a subset [K] (NULL: all), in percent; NaN without any. */
double region_recall_mean(const struct region_recall *r, const bool *subset);
