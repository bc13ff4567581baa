/* The pairs of a picture, by the rules of the settings, added to a shard. */
#pragma once

#include "data/pairs_write.h"
#include "train/mine/mine_chunk.h"
#include "train/mine/mine_nouns.h"

struct mine_names {
    const struct dataset *set;
    const struct mine_options *mine;
    const struct mine_nouns *nouns;
    float *feature; /* [nouns, D], unit length */
    int64_t D;
};

/* Of picture i of a chunk: the nouns of its captions, each with the mask it is matched to. */
void mine_pairs_of_captions(struct pairs_shard *shard, const struct mine_names *m,
                            const struct mine_chunk *c, int64_t i);

/* Of picture i of the set: the masks of its label map, named by their classes, `order` [n] of
 * mine_label_classes(). */
int mine_pairs_of_labels(struct pairs_shard *shard, const struct mine_names *m, int64_t i,
                         const int64_t *order, int64_t n);
