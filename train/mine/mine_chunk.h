/* A few pictures that are mined together: their masks, and what CLIP makes of the crops, computed
 * or out of the cache (train/mine/mine_cache.h). What a chunk holds is a function of its pictures
 * and of the models alone: chunks begin at multiples of MINE_TOGETHER within a shard, whoever
 * computes them, and crops of its pictures fill CLIP's batches together.
 *
 * D: length of features. */
#pragma once

#include "data/damage.h"
#include "data/dataset.h"
#include "data/mask_source.h"
#include "train/mine/mine_cache.h"
#include "train/proposals_run.h"

struct mine_sources {
    const struct dataset *set;
    const struct mine_options *mine;
    struct mine_cache *cache;
    struct damage *damage; /* of pictures; what can be done without has no masks */
    /* masks: of label maps (mine.masks), of files, or of a network, which `open` opens when it is
     * needed first */
    struct mask_source *files; /* NULL: not from files */
    struct proposals_run *network;
    bool network_open;
    const char *network_id;
    int (*open)(void *ctx); /* sets `network`; 0 or the pending error */
    void *ctx;
    /* crops */
    struct region_options crop;
    struct region_encoder encoder;
    const char *encoder_id; /* names the weights, and how crops are made */
    /* what was computed and not found */
    int64_t pictures_proposed, crops_encoded;
};

struct mine_chunk {
    int64_t first, n; /* pictures of the set */
    bool bad[MINE_TOGETHER];
    struct mine_picture picture[MINE_TOGETHER];
    struct region_list regions[MINE_TOGETHER]; /* all masks of a picture, the smallest, too */
    int64_t *row[MINE_TOGETHER]; /* [regions]: of `feature`; -1: smaller than mine.min_area */
    float *feature;              /* [rows, D] */
    int64_t rows;
    struct image image[MINE_TOGETHER]; /* decoded when needed */
};

/* Before each picture: the error of a signal that asks to stop, or 0. What is in the cache is kept.
 */
int mine_stopped(const struct mine_cache *c);

/* Pictures first .. first + n - 1, n at most MINE_TOGETHER. 0 or the pending error; free it in any
 * case. */
int mine_chunk_read(struct mine_chunk *c, struct mine_sources *s, int64_t first, int64_t n);
void mine_chunk_free(struct mine_chunk *c);

/* The masks of a label map: a region of each seen class, by name, its id the class. `order`: of
 * mine_label_classes(). */
int mine_label_regions(const struct dataset *d, int64_t i, const int64_t *order, int64_t n,
                       struct region_list *to);
int64_t *mine_label_classes(const struct dataset *d, int64_t *n); /* owned */
