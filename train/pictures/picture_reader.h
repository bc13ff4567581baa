/* Pictures read and decoded ahead of the one that is being segmented, in order, by threads of their
 * own; at most two are ahead, each of up to 192 MB. What is done already is recognized here. */
#pragma once

#include "train/pictures/picture_files.h"
#include "train/pictures/picture_json.h"

struct picture_read {
    struct image im;
    uint64_t hash; /* of the file */
    bool done;     /* its outputs are there: `found` has their numbers, `im` nothing */
    struct picture_found found;
};

struct picture_reader;

/* made_by NULL: nothing is taken as done; else what says so of K names. NULL and the error. */
struct picture_reader *picture_reader_open(const struct picture_list *l,
                                           const struct picture_outputs *o, const char *made_by,
                                           int64_t K);
/* The next picture, which picture_read_free() frees; or the error, which is that picture's. */
int picture_reader_next(struct picture_reader *r, struct picture_read *out);
void picture_read_free(struct picture_read *p);
void picture_reader_close(struct picture_reader *r);
