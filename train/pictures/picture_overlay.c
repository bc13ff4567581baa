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

int picture_overlay_write(const char *path, const struct image *im, const struct labels *l,
                          const struct vocabulary *v) {
    const char **names = mem_alloc(v->n, sizeof *names);
    uint8_t(*colours)[3] = mem_alloc(v->n, sizeof *colours);
    for (size_t k = 0; k < v->n; k++) {
        names[k] = v->at[k].name;
        picture_colour(v, k, colours[k]);
    }
    struct overlay_options o = {.opacity = 0.6,
                                .names = names,
                                .n_names = (int64_t)v->n,
                                .colours = (const uint8_t(*)[3])colours,
                                .ignore = segment_unlabelled((int64_t)v->n)};
    struct image sheet = {0};
    int status = picture_overlay(im, l, &o, &sheet);
    if (!status) status = picture_write(path, &sheet);
    image_free(&sheet);
    free(names);
    free(colours);
    return status;
}
