/* Parts of a data set, and its contents as plain files. */
#pragma once

#include "data/dataset.h"

enum { SPLIT_PARTS_MAX = 16 };

/* "train=0.8,val=0.1,test=rest": names with counts, shares (0.8, 80%) or the rest, once. */
struct split_part {
    char name[64];
    int64_t n;
};

/* Reads the parts of n pictures -> their number. ERR_USAGE: names, numbers or sums that cannot be;
 * without `rest` pictures may be left over. */
int set_split_parse(const char *text, int64_t n, struct split_part part[SPLIT_PARTS_MAX],
                    int *parts);

/* Deals the pictures out by a seed, and writes DIR/NAME.h5 for each part; in a part they keep their
 * order. `stop` as elsewhere. */
int set_split(const struct dataset *d, const struct split_part *part, int parts, uint64_t seed,
              const char *dir, int (*stop)(void));

/* Writes DIR: images/NAME.jpg (.png, .webp) of the first `images` pictures as they are stored,
 * masks/NAME.png of the first `masks` of those that have a map, names.txt and captions.jsonl. What
 * `ovseg data prepare folder` reads; pictures without a mask are then left out there. The folder
 * must not be there, or be empty: ERR_IO. What was written goes to `out`; NULL: not wanted. */
struct set_exported {
    int64_t images, masks;
};
int set_export(const struct dataset *d, int64_t images, int64_t masks, const char *dir,
               int (*stop)(void), struct set_exported *out);
