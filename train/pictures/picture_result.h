/* What a model says of one picture, and the files that it becomes (picture_files.h). */
#pragma once

#include "train/pictures/picture_reader.h"
#include "train/pictures/picture_work.h"

struct picture_result {
    const struct picture_file *of;
    struct picture_read from; /* the picture and what is where; what was done before has no more */
    struct labels labels;
    struct scores scores; /* and from.im: kept when they are written */
    struct panoptic panoptic;
    struct dump dump;
};

/* Segments from.im, and finds what is where. 0 or the pending error. */
int picture_result_make(const struct picture_work *w, struct picture_result *r);

/* Writes all files, NAME.json last. Without a dump it touches no tensor, and any thread may. */
int picture_result_write(const struct picture_work *w, struct picture_result *r);

size_t picture_result_bytes(const struct picture_result *r); /* of memory */
void picture_result_free(struct picture_result *r);
