/* Random changes of a picture's colours, as SSD makes them (reference-spec 5.2, step 4). */
#pragma once

#include "base/rng.h"
#include "data/image.h"

/* In place, RGB. Each by a chance of one half: brightness, contrast, saturation and hue, contrast
 * before or after the latter two. Values are cut to 0 .. 255 and rounded down after each; hue and
 * saturation by OpenCV's conversions of bytes (the reference turns the channels round for them; the
 * values are the same).
 *
 * The draws, in this order: whether the brightness changes, and by how much; whether contrast comes
 * first; contrast, when it does; whether the saturation changes, and its factor; whether the hue
 * turns, and by how much; contrast, when it comes last. */
void colour_jitter(struct image *im, struct rng *r);

/* OpenCV's, of one row of n pixels: hue 0 .. 179, saturation and value 0 .. 255, of red, green,
 * blue; and back. Bit-equal, checked for all 11.8 million colours: the back way its vector code,
 * with fused multiply and add, rounds down; the last n % 32 of a row go through its scalar code,
 * which rounds to the nearest. */
void colour_to_hsv(const uint8_t *rgb, int64_t n, uint8_t *hsv);
void colour_from_hsv(const uint8_t *hsv, int64_t n, uint8_t *rgb);
