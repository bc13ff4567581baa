/* How a global batch is divided: into shards of equal size, each a forward and a backward of its
 * own. Every rank has as many of them, one after the other: with one the batch is computed at once,
 * with more gradients are accumulated. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/problems.h"
#include "data/damage.h"
#include "nn/losses/clip_loss.h"

struct node;

struct shards {
    int64_t n;           /* of the whole batch */
    int64_t size;        /* samples in each */
    int64_t first, mine; /* this rank's: first .. first + mine - 1 */
    bool tree; /* of virtual_shards: the same bits on any number of ranks (dist/reducer.h) */
};

/* Out of batch.global, batch.micro, virtual_shards and the ranks. What does not divide is a
 * problem, which names numbers that would. */
struct shards shards_of(const struct node *n, struct problems *p);

int shards_open(struct shards *s,
                const struct node *n); /* the same; ERR_CONFIG with the problems */

/* Samples of this rank. */
static inline int64_t shards_samples(const struct shards *s) { return s->mine * s->size; }
static inline int64_t shards_first_sample(const struct shards *s) { return s->first * s->size; }
static inline struct batch_part shards_part(const struct shards *s) {
    return (struct batch_part){shards_first_sample(s), shards_samples(s)};
}

/* loss.gather of CLIP's losses: which rows of the batch this rank's loss is of; all, but for
 * `local` on several ranks. */
struct loss_rows loss_rows(const struct node *n, const struct shards *s);
