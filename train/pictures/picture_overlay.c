#include "train/pictures/picture_overlay.h"

#include <stdlib.h>
#include <string.h>

#include "eval/segment.h"
#include "train/picture.h"

void picture_colour(const struct vocabulary *v, size_t k, uint8_t rgb[3]) {
    if (v->at[k].has_colour)
        memcpy(rgb, v->at[k].colour, 3);
    else
        overlay_colour((int64_t)k, rgb);
}

void picture_drawing_open(struct picture_drawing *d, const struct vocabulary *v, uint16_t ignore) {
    d->name = mem_alloc(v->n, sizeof *d->name);
    d->colour = mem_alloc(v->n, sizeof *d->colour);
    for (size_t k = 0; k < v->n; k++) {
        d->name[k] = v->at[k].name;
        picture_colour(v, k, d->colour[k]);
    }
    d->options = (struct overlay_options){.opacity = 0.6,
                                          .names = d->name,
                                          .n_names = (int64_t)v->n,
                                          .colours = (const uint8_t(*)[3])d->colour,
                                          .ignore = ignore};
}

void picture_drawing_close(struct picture_drawing *d) {
    free(d->name);
    free(d->colour);
    *d = (struct picture_drawing){0};
}

int picture_overlay_write(const char *path, const struct image *im, const struct labels *l,
                          const struct vocabulary *v) {
    struct picture_drawing d;
    struct image sheet = {0};
    picture_drawing_open(&d, v, segment_unlabelled((int64_t)v->n));
    int status = picture_overlay(im, l, &d.options, &sheet);
    if (!status) status = picture_write(path, &sheet);
    image_free(&sheet);
    picture_drawing_close(&d);
    return status;
}
