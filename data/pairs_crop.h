/* Mined pairs on their pictures. */
#pragma once

#include "data/pairs.h"
#include "data/region.h"

/* The mask of pair i, which must be as large as its picture `im`. ERR_DATA: it is not, or damaged.
 */
int pairs_mask_on(const struct pairs *p, int64_t i, const struct image *im, struct mask *out);

/* What CLIP sees of it, in bytes [side, side, 3], and the mask there (region_crop_u8). */
int pairs_crop(const struct pairs *p, int64_t i, const struct image *im,
               const struct region_options *o, struct image *crop, struct mask *mask);
