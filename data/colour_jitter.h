/* Random changes of a picture's colours, as SSD makes them (reference-spec 5.2, step 4). */
#pragma once

#include "base/rng.h"
#include "data/image.h"

/* In place, RGB. Each by a chance of one half: brightness, contrast, saturation and hue, contrast
 * before or after the latter two. Values are cut to 0 .. 255 and rounded down after each; hue and
 * saturation by OpenCV's conversions of bytes. */
void colour_jitter(struct image *im, struct rng *r);

/* OpenCV's, for a test: hue 0 .. 179, saturation and value 0 .. 255, of red, green, blue; and back.
 * The first is exact. Back, OpenCV's vector code rounds down and the scalar code for what is left
 * of a row to the nearest; a crop's width is a multiple of the vector, so we round down: equal in
 * all but 1 of 1,400 colours, which are 1 off. */
void colour_to_hsv(const uint8_t rgb[3], uint8_t hsv[3]);
void colour_from_hsv(const uint8_t hsv[3], uint8_t rgb[3]);
