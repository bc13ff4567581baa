/* A label map made visible: its colours over the picture, and below it a legend of the names that
 * occur, by falling area. */
#pragma once

#include "data/image.h"

/* The colour of a class: distinct for the first few hundred, the same in every picture. */
void overlay_colour(int64_t index, uint8_t rgb[3]);

struct overlay_options {
    double opacity;           /* of the colour, 0 .. 1 */
    const char *const *names; /* [n_names]; a label beyond is shown as its number, which also stands
                                 before a name that the font does not have (data/font.h) */
    int64_t n_names;
    const uint8_t (*colours)[3]; /* [n_names], or NULL: overlay_colour */
    uint16_t ignore;             /* left uncoloured; listed last, as "unlabelled" */
};

/* RGB `im` and a label map of its size -> [h + legend, w, 3]. ERR_INTERNAL. */
int overlay_draw(const struct image *im, const struct labels *l, const struct overlay_options *o,
                 struct image *out);
