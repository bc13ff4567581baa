/* Gradients summed over the shards of a batch, whichever process computed which.
 *
 * Shard 0 .. n - 1 are the parts a batch is divided into; each rank has as many, the first ones
 * rank 0. Backward adds a shard's gradients to those of the shards before it. With one shard a
 * rank, the sum over ranks begins as soon as a bucket's gradients are there, while backward still
 * runs. */
#pragma once

#include <stdbool.h>

#include "dist/comm.h"
#include "nn/params.h"

struct reducer;

struct reducer_options {
    int64_t shards; /* of this rank */
    /* The sum is the same, to the bit, however many ranks the shards are on (1, 2, 4, ... of them,
     * each with 1, 2, 4, ...): shards are added as ((0 + 1) + (2 + 3)) + ..., which needs memory
     * for log2(shards) gradients more. Over NCCL, too, where the sums over ranks then stop
     * backward: NCCL adds in another order, so it only carries. */
    bool tree;
    bool shared; /* buckets lie where the ranks of a machine see each other's; the same bits */
};

/* Buckets of the trainable parameters (float32), from the last one registered to the first: about
 * as backward reaches them. Sums begin in that order in the first step, and from then on as its
 * backward filled the buckets of rank 0; no bit of a sum depends on it. NULL when there is nothing
 * to do: one rank without `tree`. */
struct reducer *reducer_open(struct comm *c, struct params *p, struct reducer_options o);
void reducer_close(struct reducer *r);

/* Around the backward of shard i of this rank, in their order. */
void reducer_shard_begin(struct reducer *r, int64_t i);
void reducer_shard_end(struct reducer *r, int64_t i);

/* After the last one: every parameter that any shard has a gradient of now has the sum of all
 * shards as its gradient. 0, or the pending error. */
int reducer_finish(struct reducer *r);
