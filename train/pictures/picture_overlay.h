/* The picture with its labels, in the colours of a vocabulary. */
#pragma once

#include "data/image.h"
#include "data/vocabulary.h"

/* The colour of a name: its own, or one by its index. */
void picture_colour(const struct vocabulary *v, size_t k, uint8_t rgb[3]);

/* A PNG, written atomically. Labels are indices of `v`; segment_unlabelled() stays uncoloured. */
int picture_overlay_write(const char *path, const struct image *im, const struct labels *l,
                          const struct vocabulary *v);
