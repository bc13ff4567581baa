/* Zero-shot classification of ground-truth masks: how well a CLIP names regions, apart from how
 * well they are found (reference-spec 6.3, with the masks of a label map).
 *
 * n masks, S side of a crop, K names.
 */
#pragma once

#include <stdbool.h>

#include "data/dataset.h"
#include "eval/regions.h"

/* The crops of every class in every label map of a set, ready for the image tower. */
struct mask_crops {
    int64_t n, S, cap;
    float *region;  /* [n, 3, S, S], normalized */
    uint8_t *mask;  /* [n, S, S] */
    int64_t *label; /* [n] */
};

/* Of the first `images` images (0: all), classes of at least min_area pixels. */
int mask_crops_of(struct mask_crops *c, const struct dataset *d, const struct region_options *o,
                  int64_t images, int64_t min_area);
/* Those of image i alone, added to c, whose S is set. */
int mask_crops_add(struct mask_crops *c, const struct dataset *d, int64_t i,
                   const struct region_options *o, int64_t min_area);
void mask_crops_free(struct mask_crops *c);

struct mask_accuracy {
    int64_t K;
    int64_t *right, *total; /* [K] */
};
void mask_accuracy_free(struct mask_accuracy *a);

/* Which name is nearest to each crop? text: [K, D], rows of unit length. 0 or the pending error. */
int mask_accuracy_of(struct mask_accuracy *a, const struct mask_crops *c, struct region_encoder e,
                     tensor *text, int64_t batch);

/* Mean over the classes of a subset [K] (NULL: all) that have masks; percent. */
double mask_accuracy_mean(const struct mask_accuracy *a, const bool *subset);
