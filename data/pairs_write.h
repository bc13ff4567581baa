/* Writing mined pairs (pairs.h): shards by whoever mines them, then the manifest by one. */
#pragma once

#include "data/pairs.h"

struct pairs_shard {
    char *path;
    const struct pairs_source *source;
    int64_t first, n_images; /* the block of images */
    size_t n, cap;
    struct pair *at;
    uint64_t *mask_end; /* [n] */
    size_t mask_cap;
    struct str mask;
    struct strings noun; /* [n] */
    int64_t *id;         /* [n]; NULL: of no other shard */
    int64_t *damaged;    /* [n_damaged] images of the block that could not be read, rising */
    size_t n_damaged;
};

/* Shard k of `dir`, which exists. `source` is the caller's and stays until drop. */
void pairs_shard_open(struct pairs_shard *s, const char *dir, int64_t k, int64_t first,
                      int64_t n_images, const struct pairs_source *source);
/* REQUIREs the order and that the image is of the block; copies all it is given. */
void pairs_shard_add(struct pairs_shard *s, const struct pair *p, const char *noun,
                     const void *mask, size_t mask_n);
/* What the ids of its pairs are, [n], before it is committed: of an edited shard. */
void pairs_shard_ids(struct pairs_shard *s, const int64_t *id);
/* Which images, rising, could not be read, so that who goes on later knows of them. */
void pairs_shard_damaged(struct pairs_shard *s, const int64_t *image, size_t n);
int pairs_shard_commit(struct pairs_shard *s); /* 0 or ERR_IO */
void pairs_shard_drop(struct pairs_shard *s);

/* A whole shard k of this source and block is there already: mining can go on behind it. *damaged:
 * the images [*n] that could not be read, owned; NULL when the caller does not ask. */
bool pairs_shard_done(const char *dir, int64_t k, int64_t first, int64_t n_images,
                      const struct pairs_source *source, int64_t **damaged, size_t *n);

/* Lists shards 0 .. n_shards - 1 with their hashes. ERR_DATA when one is of another source. */
int pairs_manifest(const char *dir, int64_t n_shards, const struct pairs_source *source);
/* The same of edited pairs, which have ids: `edits` is a JSON array. */
int pairs_manifest_edited(const char *dir, int64_t n_shards, const struct pairs_source *source,
                          const char *edits);
