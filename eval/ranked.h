/* The best few names of some pixels, with their scores: what a person points at in a segmented
 * picture. K names, H W the size of the picture.
 */
#pragma once

#include "eval/segment.h"

enum { RANKED_NONE = UINT16_MAX }; /* there are fewer names than are asked for */

/* Every `stride`-th pixel of every `stride`-th row, from the first of each: h = ceil(H / stride).
 */
struct ranked {
    int64_t stride, n; /* asked for: `n` >= 1 names of each pixel */
    int64_t h, w;
    uint16_t *name; /* [n, h, w], best first; of equal scores the lower index, as in label maps */
    float *score;   /* [n, h, w] */
};

/* Fills it from all scores. After an error it is empty. 0 or the pending error. */
int ranked_take(struct ranked *r, const struct score_groups *g, int64_t H, int64_t W);
void ranked_free(struct ranked *r);
