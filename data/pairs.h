/* Mined mask-noun pairs (DESIGN 5): a folder with one HDF5 shard for each fixed block of images,
 * whoever mined it, and manifest.json, written last. Pairs are in the order image, caption, noun.
 * Masks are true masks, packed by data/rle.h; here they are bytes.
 *
 * A shard: one column an array (image, image_id, caption, caption_id, noun, similarity, margin,
 * proposal, area, box [M, 4], size [M, 2]), mask_bytes, mask_offset [M + 1], the texts of its
 * nouns, sorted; of edited pairs also id. Writing: pairs_write.h.
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
    float similarity, margin;    /* cosine; to the runner-up among the image's other masks */
    int64_t h, w;                /* of the mask: the image's size */
    int64_t area;                /* pixels of the mask */
    struct box box;              /* tight, in pixels */
};

struct pairs {
    int64_t n;
    struct pair *at;     /* [n] */
    int64_t *id;         /* [n]: pair_id; of edited pairs what it was where they were mined */
    struct strings noun; /* of all shards, sorted */
    struct pairs_source source;
    char *edits;   /* a JSON array, the oldest first (pairs_edit.h); NULL: as they were mined */
    uint64_t hash; /* of the contents */
    int64_t n_shards;
    struct pairs_file *file; /* [n_shards] */
};

/* Reads all shards; hashes of all files are checked first. ERR_MISSING, ERR_DATA name the file. */
int pairs_open(struct pairs *p, const char *dir);
/* The packed mask of pair i, from any thread; owned by the caller. */
int pairs_mask(const struct pairs *p, int64_t i, struct bytes *out);
void pairs_close(struct pairs *p);

/* A shard: its images, and its pairs. */
struct pairs_block {
    int64_t first_image, n_images;
    int64_t first, n;
};
struct pairs_block pairs_block(const struct pairs *p, int64_t shard);

/* Row `row` of shard `shard`, written "3:17". Shards are fixed blocks of images, so the id of a
 * pair stays when more images are mined, whoever mines them; an edited folder keeps those of its
 * parent.
 */
int64_t pair_id(int64_t shard, int64_t row);
void pair_id_print(int64_t id, char out[24]);
int pair_id_parse(const char *text, int64_t *id); /* ERR_USAGE */

bool pairs_folder(const char *path); /* it holds a manifest; which may be damaged */
/* What pairs were mined from, by the manifest alone. ERR_MISSING, ERR_DATA. Frees with
 * pairs_source_free. */
int pairs_peek(const char *dir, struct pairs_source *source);
void pairs_source_free(struct pairs_source *s);
