/* What mining has computed, in files that any later run finds by content, whatever its captions,
 * nouns and thresholds: a folder of HDF5 files named after hashes, each of the pictures that are
 * mined together.
 *
 *   pictures-HASH.h5   of a part of a set: hash of every picture, and its size, so that pictures
 * need not be decoded to be known masks-HASH.h5      of pictures and a proposal network: the packed
 * masks features-HASH.h5   of pictures, their masks, a CLIP and how crops are made: features
 *
 * HASH is of a text of all that decides the contents; the file holds that text as well. A file that
 * is damaged is told and made again; one that cannot be written costs time alone. Files appear
 * whole or not at all, so any number of processes may share a folder. It may be removed at any
 * time. */
#pragma once

#include "data/region_list.h"

enum { MINE_TOGETHER = 16 }; /* pictures */

struct mine_cache {
    char *dir; /* NULL: nothing is kept */
};

struct mine_picture {
    uint64_t hash; /* of its size and pixels */
    int64_t h, w;
};

/* dir NULL: no cache. A folder that cannot be made is told. */
void mine_cache_open(struct mine_cache *c, const char *dir);
void mine_cache_close(struct mine_cache *c);

/* Fill what the caller has room for; false, and nothing filled, when it is not there. */
bool mine_cache_pictures(const struct mine_cache *c, const char *key, struct mine_picture *at,
                         int64_t n);
bool mine_cache_masks(const struct mine_cache *c, const char *key, struct region_list *at,
                      int64_t n);
bool mine_cache_features(const struct mine_cache *c, const char *key, float *at, int64_t rows,
                         int64_t D);

void mine_cache_keep_pictures(struct mine_cache *c, const char *key, const struct mine_picture *at,
                              int64_t n);
void mine_cache_keep_masks(struct mine_cache *c, const char *key, const struct region_list *at,
                           int64_t n);
void mine_cache_keep_features(struct mine_cache *c, const char *key, const float *at, int64_t rows,
                              int64_t D);
