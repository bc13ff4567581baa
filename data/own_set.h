/* A user's own files as a data set, read where they lie: pictures in a folder and those below it,
 * captions in any form of data/captions_file.h, masks as a folder of PNG maps (indices or colours)
 * or as COCO's instances. What belongs to which picture is said by names without suffix. */
#pragma once

#include "base/problems.h"
#include "data/dataset.h"

struct own_files {
    const char *images;   /* a folder */
    const char *captions; /* data/captions_file.h; NULL: none */
    const char *masks;    /* a folder, or a file of COCO's instances; NULL: none */
    const char *names;    /* a vocabulary: classes with the raw values or the colours of maps; NULL
                             without masks */
    const struct strings *only; /* names of pictures without suffix, settled: as if there were no
                                   others; NULL: all */
};

/* Pictures in the order of their names, all of them; one without a mask has no label map. COCO's
 * categories are the classes of their names, others count for nothing. Classes with colours and no
 * raw values are painted maps. ERR_MISSING, ERR_DATA. */
int own_set_open(struct dataset *d, const struct own_files *f);

/* Its file, below the folder of pictures. */
const char *own_set_file(const struct dataset *d, int64_t i);
bool own_set_has_mask(const struct dataset *d, int64_t i);

enum own_part { OWN_IMAGES, OWN_CAPTIONS, OWN_MASKS };

/* The files that are read of a part that is a folder: paths from it on, by name; owned in any case.
 * *beside: pictures or maps that are not, for they are not among f->only; of captions 0.
 * ERR_MISSING, ERR_DATA. */
int own_set_files(const struct own_files *f, enum own_part part, struct strings *files,
                  size_t *beside);

/* A list of pictures: a line each, a file or its name without suffix (image_name_bare()); blanks at
 * lines' ends do not count, empty lines are kept. Adds to `lines`. ERR_MISSING, ERR_DATA. */
int own_list_read(const char *path, struct strings *lines);

/* Which pictures a list names. *out: [n] indices in the order of `d`, owned. Lines of which there
 * is no picture go to `gone`. ERR_MISSING; ERR_DATA: one is named twice. */
int own_set_list(const struct dataset *d, const char *path, int64_t **out, int64_t *n,
                 struct problems *gone);
