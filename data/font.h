/* A bitmap font for legends: ASCII, 5 x 7 pixels; any other character is drawn as '?'. */
#pragma once

#include "data/image.h"

enum { FONT_W = 5, FONT_H = 7, FONT_STEP = 6 };

int64_t font_width(const char *text, int64_t scale); /* in pixels */

/* Draws with the top left corner at (y, x), each dot scale x scale; clipped to the image. */
void font_draw(struct image *im, int64_t y, int64_t x, int64_t scale, const uint8_t rgb[3],
               const char *text);
