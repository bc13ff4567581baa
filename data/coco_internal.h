/* What COCO's JSON files say, before the pieces are joined (coco.c). */
#pragma once

#include "base/hash.h"
#include "base/mem.h"

enum coco_shape { COCO_EMPTY, COCO_POLYGONS, COCO_RUNS };

struct coco_image {
    int64_t id, h, w; /* h and w 0 when not given */
    char *file;
};

struct coco_caption {
    int64_t id, image; /* image: its id; after coco.c joined them: its index */
    char *text;
};

struct coco_category {
    int64_t id;
    char *name;
};

struct coco_annotation {
    int64_t id, image, category; /* ids, then indices */
    enum coco_shape shape;
    size_t at, n;  /* number[at .. at + n - 1]: runs; or polygons, each its corners' number and
                      then x, y of each in fifths of a pixel (data/polygon.h) */
    int64_t h, w;  /* of COCO_RUNS */
    char *mistake; /* what is wrong with it, owned: its picture has no label map. NULL: nothing */
};

struct coco_table {
    struct coco_image *image;
    struct coco_caption *caption;
    struct coco_category *category;
    struct coco_annotation *annotation;
    uint32_t *number;
    size_t n_images, n_captions, n_categories, n_annotations, n_numbers;
    size_t cap_images, cap_captions, cap_categories, cap_annotations, cap_numbers;
};

/* A mistake inside one annotation, whose picture is known, is kept with it; any other is the
 * file's.
 *
 * Adds one file's contents to `t`, and its bytes to `hash`. Streams: memory goes by what is kept,
 * about half of the file. */
int coco_read(const char *path, struct coco_table *t, struct hasher *hash);
void coco_table_free(struct coco_table *t);
