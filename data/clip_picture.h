/* What CLIP sees of a picture as a whole, on the host: its middle, in a square (reference-spec 6.2,
 * "Validation": torchvision's Resize and CenterCrop of Pillow's images). */
#pragma once

#include "data/image.h"

/* The short side becomes `side` by Pillow's bicubic, the long one in proportion, rounded down; of
 * that the middle, side x side, where halves of pixels round to even as in Python. `im` is RGB.
 * ERR_DATA: the long side would exceed IMAGE_SIDE_MAX; ERR_INTERNAL when memory runs out. */
int clip_picture(const struct image *im, int64_t side, struct image *out);

/* The mask that the reference reads from a picture whose background was filled: 1 where a channel
 * differs from (124, 116, 103) (reference-spec 6.2, 7.3). mask [h, w]. */
void clip_picture_mask(const struct image *im, uint8_t *mask);
