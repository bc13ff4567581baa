/* Pictures with their labels, in the names and colours of a vocabulary. */
#pragma once

#include "data/overlay.h"
#include "data/vocabulary.h"

/* The colour of a name: its own, or one by its index. */
void picture_colour(const struct vocabulary *v, size_t k, uint8_t rgb[3]);

/* How every label map of a vocabulary is drawn, which must outlive it. */
struct picture_drawing {
    struct overlay_options options; /* of what is owned below */
    const char **name;
    uint8_t (*colour)[3];
};
void picture_drawing_open(struct picture_drawing *d, const struct vocabulary *v, uint16_t ignore);
void picture_drawing_close(struct picture_drawing *d);

/* A PNG, written atomically. Labels are indices of `v`; segment_unlabelled() stays uncoloured. */
int picture_overlay_write(const char *path, const struct image *im, const struct labels *l,
                          const struct vocabulary *v);
