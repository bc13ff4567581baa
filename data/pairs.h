/* Mined mask-noun pairs (DESIGN 5): a folder with one HDF5 shard for each fixed block of images,
 * whoever mined it, and manifest.json, written last. Pairs are in the order image, caption, noun.
 * Masks are true masks, packed by data/rle.h; here they are bytes.
 *
 * A shard: one column an array (image, image_id, caption, caption_id, noun, similarity, margin,
 * proposal, area, box [M, 4], size [M, 2]), mask_bytes, mask_offset [M + 1], the texts of its
 * nouns, sorted. Writing: pairs_write.h.
 */
#pragma once

#include "data/h5.h"
#include "data/mask.h"

enum { PAIRS_CAPTIONS = 2, PAIRS_SOURCES = 4 };
/* What pairs were mined from: hashes as text, in every shard and in the manifest. */
struct pairs_source {
    char *at[PAIRS_SOURCES]; /* in the order of pairs_source_names */
};
extern const char *const pairs_source_names[PAIRS_SOURCES]; /* proposals clip captions settings */

struct pair {
    int64_t image, image_id;     /* index in the mined set, and its id */
    int64_t caption, caption_id; /* the same of the caption */
    int64_t noun;                /* reading: index into the nouns of all shards */
    int64_t proposal;            /* of the image */
    float similarity, margin;    /* cosine; to the runner-up among the image's proposals */
    int64_t h, w;                /* of the mask: the image's size */
    int64_t area;                /* pixels of the mask */
    struct box box;              /* tight, in pixels */
};

struct pairs {
    int64_t n;
    struct pair *at;     /* [n] */
    struct strings noun; /* of all shards, sorted */
    struct pairs_source source;
    uint64_t hash; /* of the contents */
    int64_t n_shards;
    struct pairs_file *file; /* [n_shards] */
};

/* Reads all shards; hashes of all files are checked first. ERR_MISSING, ERR_DATA name the file. */
int pairs_open(struct pairs *p, const char *dir);
/* The packed mask of pair i, from any thread; owned by the caller. */
int pairs_mask(const struct pairs *p, int64_t i, struct bytes *out);
void pairs_close(struct pairs *p);
