/* Segmented pictures for people: coloured, with a legend, large enough to look at; and their files.
 */
#pragma once

#include "data/overlay.h"

/* The overlay of a picture, both enlarged by a whole factor to at least 384 pixels' width. */
int picture_overlay(const struct image *im, const struct labels *l, const struct overlay_options *o,
                    struct image *out);

/* The picture, its prediction and its truth side by side, each map with its own legend. */
int picture_compare(const struct image *im, const struct labels *predicted,
                    const struct labels *truth, const struct overlay_options *o, struct image *out);

/* PNG files, written atomically. Labels as indices: 8 bits, or 16 where they must be. */
int picture_write(const char *path, const struct image *im);
int picture_write_labels(const char *path, const struct labels *l);
