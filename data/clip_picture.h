/* What CLIP sees of a picture as a whole, on the host: its middle, in a square (reference-spec 6.2,
 * "Validation": torchvision's Resize and CenterCrop of Pillow's images). */
#pragma once

#include "data/image.h"

/* The short side becomes `side` by Pillow's bicubic, the long one in proportion, rounded down; of
 * that the middle, side x side, where halves of pixels round to even as in Python. `im` is RGB.
 * ERR_DATA: the long side would exceed IMAGE_SIDE_MAX; ERR_INTERNAL when memory runs out. */
int clip_picture(const struct image *im, int64_t side, struct image *out);

/* A picture of training: its part `crop` (crop_draw() of data/region.h), resized to side x side by
 * Pillow's bicubic, which sees nothing outside the crop: torchvision's RandomResizedCrop. Of
 * `truth`, as large as `im`, the same part by nearest becomes mask [side, side]; where it is NULL
 * the mask is read from the colours that came out, as the reference does with its files (6.2, 7.3).
 * `mask` NULL: none is wanted. ERR_INTERNAL when memory runs out. */
int clip_picture_part(const struct image *im, const struct mask *truth, struct box crop,
                      int64_t side, struct image *out, uint8_t *mask);

/* The mask that the reference reads from a picture whose background was filled: 1 where a channel
 * differs from (124, 116, 103) (reference-spec 6.2, 7.3). mask [h, w]. */
void clip_picture_mask(const struct image *im, uint8_t *mask);
