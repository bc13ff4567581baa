/* One training sample of the proposal network out of a picture and its label map (reference-spec
 * 5.2, steps 2 to 6). */
#pragma once

#include "base/rng.h"
#include "data/image.h"
#include "data/options.h"

/* Resized to one of o->sizes, a random part of at most o->crop (0: of H x W), its colours changed
 * (o->colour), mirrored or not, padded at the right and the bottom: pixels [H, W, 3] with the
 * reference's grey 128, map [H, W] with `ignore` (Q13). Only the part is resized: bit-equal to
 * resizing all and cutting it out.
 *
 * The draws, in this order: the size, if sizes are given; the part's row and column, each if there
 * is a choice, and again while one class covers too much of it (o->single_area); the colours; the
 * mirror.
 * ERR_DATA when `im` and `l` are not of one size; ERR_INTERNAL when memory runs out. */
int segment_sample(const struct segment_data_options *o, struct rng *r, const struct image *im,
                   const struct labels *l, int64_t H, int64_t W, uint16_t ignore, uint8_t *pixels,
                   uint16_t *map);
