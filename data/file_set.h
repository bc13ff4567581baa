/* A data set that is read where it lies: a folder of pictures and one of label maps, paired by the
 * names of the files without suffix, in the order of these names (reference-spec 5). */
#pragma once

#include "base/hash.h"
#include "data/colour_maps.h"
#include "data/dataset.h"

enum map_kind { MAPS_NONE, MAPS_PNG, MAPS_TIFF, MAPS_MAT, MAPS_ADE_FULL, MAPS_COLOUR };

enum { FILE_SET_BYTES_MAX = 256 << 20 /* of a picture or a map */ };

enum { RAW_VALUES = 1 << 16, RAW_MISTAKE = UINT16_MAX - 1 /* in class_of: no map may hold it */ };

/* How the reference shrinks the full ADE20K: short side, quality of the JPEG (reference-spec 5.1).
 */
enum { SHRUNK_SIDE = 512, SHRUNK_QUALITY = 75 };

struct file_set_options {
    const char *images, *maps;  /* folders; maps NULL: none, then `names` may be NULL, too */
    const char *names;          /* a vocabulary (data/vocabulary.h): classes and raw values */
    const char *list;           /* names, one a line: only these, and all of them; NULL: all */
    const char *captions;       /* data/captions_file.h; NULL: none */
    const struct strings *only; /* names, settled: as if other files were not there; NULL: all */
    const char *image_suffix;   /* NULL: any picture */
    const char *map_suffix;
    const char *middle; /* only names whose second part of _ is this; "!x": is not x; NULL: any */
    enum map_kind kind;
    bool deep;         /* also files in folders below */
    bool keep_alone;   /* pictures without a map stay, without labels */
    bool by_index;     /* values are class numbers, as in maps that were prepared before */
    bool zero_is_none; /* 0 is `ignore`, other values of no class are mistakes; otherwise all values
                          of no class are `ignore` */
    bool shrunk;       /* pictures and maps as the reference keeps those of the full ADE20K */
};

struct file_pair {
    char *image, *map; /* below the folders; map NULL: none */
};

/* What is behind such a data set. */
struct file_set {
    char *images, *maps; /* folders */
    struct file_pair *at;
    size_t n, cap;
    enum map_kind kind;
    bool shrunk;
    uint32_t *size;                /* of an index: [n, 2], height and width; else NULL */
    uint16_t class_of[RAW_VALUES]; /* of a value in a map: class, ignore or RAW_MISTAKE */
    struct colour_table colours;   /* of MAPS_COLOUR */
};

/* The ids are the numbers that the digits of the names make, where these differ; else positions.
 * Files without partner are counted and named in a warning; what a list names and is not there is
 * ERR_MISSING when it is read. A map is ERR_DATA when it holds a mistake or is of another size than
 * its picture. ERR_MISSING: no such folder, file, list; ERR_DATA: nothing in it, two files of one
 * name, a vocabulary that does not fit. */
int file_set_open(struct dataset *d, const struct file_set_options *o);

/* What is behind `d`; NULL when it is a data set of another kind. */
const struct file_set *file_set_of(const struct dataset *d);
/* Adds size and time of change of the files of picture i to `h`: the same files may hold something
 * else by now. Nothing of other data sets. */
void file_set_hash_change(const struct dataset *d, int64_t i, struct hasher *h);
/* Puts `s`, which it takes over, behind a data set whose arrays are filled. */
void file_set_put(struct dataset *d, struct file_set *s);
