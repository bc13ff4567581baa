/* Losses between image features and text features (reference-spec 6.2).
 *
 * B rows of this rank, R ranks, D feature length, K nouns. Features are rows of unit length,
 * `scale` is the factor of the cosines: [], positive.
 */
#pragma once

#include "nn/torch/tensor.h"

/* How the rows of other ranks are reached; NULL for one rank.
 *
 * Every rank computes the loss of the whole batch; rows of other ranks are constants. Averaging the
 * gradients over ranks would then give the towers 1/R of the true gradient (and `scale` all of it):
 * the live rows carry R times their gradient to make up for it, unless `reference`, which leaves
 * them as they are (reference-spec Q30). */
struct clip_gather {
    tensor *(*rows)(void *ctx, tensor *x); /* [B, ...] -> [R B, ...] in rank order, no gradient */
    void *ctx;
    int rank, ranks; /* every rank has B rows */
    bool reference;
};

/* Row i of `image` belongs to row i of `text`, every other row is a negative, also one with the
 * same words. Mean of the cross entropies over rows and over columns. -> [] */
tensor *clip_loss(tensor *image, tensor *text, tensor *scale, const struct clip_gather *g);

/* The same when rows of one noun are positives of each other, equally likely. ids: [B] i64. Equal
 * to clip_loss when all ids differ. */
tensor *clip_loss_multi(tensor *image, tensor *text, tensor *scale, tensor *ids,
                        const struct clip_gather *g);

/* Which of all K nouns is it? bank: [K, D], the features of a frozen text tower; ids: [B] i64. No
 * row of a batch depends on another, so ranks need no gathering. -> [] */
tensor *clip_loss_bank(tensor *image, tensor *bank, tensor *scale, tensor *ids);
