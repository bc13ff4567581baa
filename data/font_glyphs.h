/* What the font of data/font.h is made of: letters and signs, and the marks that stand on them. */
#pragma once

#include <stdint.h>

#include "data/font.h"

/* Rows from top to bottom, the leftmost of FONT_W pixels in bit FONT_W - 1. NULL: there is none. */
const uint8_t *font_glyph(int32_t code);

/* The letter without its dot, which a mark above replaces; NULL: it has none. */
const uint8_t *font_dotless(int32_t code);

enum font_mark_place {
    FONT_MARK_ABOVE, /* an empty row between letter and mark */
    FONT_MARK_BELOW,
    FONT_MARK_HORN, /* at the upper right end of the letter */
};

/* A combining character of Unicode. */
struct font_mark {
    uint16_t code;
    uint8_t place;  /* enum font_mark_place */
    uint8_t row[2]; /* as of a letter */
};
const struct font_mark *font_mark(int32_t code); /* NULL: there is none */
