/* Where figures are lost: in finding regions, or in naming them. Mask by mask, after Q. Huang et
 * al. (ICLR 2025): a mask of the truth is found when a proposal meets it with an intersection over
 * union of at least 0.5; the name of the best such proposal is right, or not. */
#pragma once

#include <stdbool.h>

#include "eval/ensemble.h"
#include "eval/regions.h"

#define NAMING_IOU 0.5

struct naming {
    int64_t K;
    int64_t *right, *misnamed, *missed; /* [K] masks, one of each class in each picture */
};
void naming_open(struct naming *n, int64_t K);
void naming_free(struct naming *n);

/* match [K]: of region_matches(). named: what the judge calls the proposals of `g`. 0 or the
 * pending error. */
int naming_add(struct naming *n, const struct region_match *match, const struct regions *g,
               struct named named);

/* Percent of all masks of a subset [K] (NULL: all); NaN without any. */
struct naming_shares {
    double right, misnamed, missed;
    int64_t masks;
};
struct naming_shares naming_shares(const struct naming *n, const bool *subset);
