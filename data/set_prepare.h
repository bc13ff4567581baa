/* Makes a set file of any data set: pictures as they are stored, label maps, captions. Every
 * picture is decoded once, so that a damaged one is found here and not in the tenth hour of
 * training.
 *
 * Pictures are read by all threads and written in their order; the set is built of blocks of
 * pictures, each a small set of its own in the folder PATH.part/blocks. A killed call therefore
 * goes on with the blocks that are done, and the bytes are the same for every number of threads and
 * of kills. PATH.part is removed at the end, with what else is in it. Room is needed for three
 * times the set: where there is less for pictures of files, that is an error before the first. */
#pragma once

#include "data/dataset.h"

enum {
    SET_PREPARE_BLOCK = 128,
    SET_PREPARE_COPIES = 3, /* while it is made: its blocks, its pictures in a row, the file */
};

struct set_prepare {
    const char *path;        /* of the set, or of the index */
    const char *config_hash; /* of what decides the contents besides the files; "" when nothing */
    bool training;           /* pixels of classes that are not seen become `ignore` */
    bool drop_empty;         /* pictures without a labelled pixel are left out */
    bool stop_on_damage;     /* the first damaged picture is an error; otherwise it is left out */
    int64_t block;           /* pictures of one; 0: SET_PREPARE_BLOCK */
    int (*stop)(void);       /* an error when the work should end now; NULL: never */

    int64_t n, damaged, empty; /* filled: pictures in the set, left out */
    struct strings what;       /* of each damaged one: its message */
};

/* ERR_DATA for a damaged picture, or when none is left; ERR_IO. The folder with what is done stays
 * after an error. */
int set_prepare_run(struct set_prepare *p, const struct dataset *d);
void set_prepare_free(struct set_prepare *p);

/* ---- single pictures, for this and for indices (data/set_index.h) ---- */

struct prepared_item {
    int64_t h, w;
    struct bytes picture;
    struct labels labels; /* `at` NULL: none */
    bool empty;           /* no pixel of a class; false without a map */
    char *damage;         /* NULL: good */
    int status;           /* of what is no damage: memory, a library that is missing */
};

/* Reads picture i and its map and compares their sizes. */
void prepared_item_read(struct prepared_item *it, const struct dataset *d, int64_t i,
                        bool training);
void prepared_item_free(struct prepared_item *it);

/* Counts a picture that is left out: true for those. The error of damage when that stops. */
bool set_prepare_leaves_out(struct set_prepare *p, const struct prepared_item *it, int *status);
