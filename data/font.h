/* A bitmap font for legends, of letters 5 x 7 pixels: Latin with its accents, Greek, Cyrillic, all
 * others as a box. A letter takes a cell of FONT_STEP x FONT_LINE pixels; a few characters are
 * several letters (1/2, an ellipsis), marks that combine are part of the letter before them.
 *
 * Texts are UTF-8; a byte that is none of it is a box, too.
 */
#pragma once

#include <stdbool.h>

#include "data/image.h"

enum {
    FONT_W = 5,
    FONT_H = 7,
    FONT_STEP = 6,
    FONT_ABOVE = 3, /* rows of accents over a letter */
    FONT_BELOW = 2,
    FONT_LINE = FONT_ABOVE + FONT_H + FONT_BELOW
};

int64_t font_cells(const char *text);
int64_t font_width(const char *text, int64_t scale); /* in pixels */
bool font_has(const char *text);                     /* as it is written, without a box */

/* A name, behind its number, "#12 name", where it has boxes, which all look alike. Owned. */
char *font_name(uint32_t number, const char *name);

/* The text, or its beginning and "..", in at most `cells` cells (one at least); cut between
 * characters. Owned. */
char *font_fit(const char *text, int64_t cells);

/* Draws with the top left corner of letters at (y, x), each dot scale x scale; clipped to the
 * image. */
void font_draw(struct image *im, int64_t y, int64_t x, int64_t scale, const uint8_t rgb[3],
               const char *text);
