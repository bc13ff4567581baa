/* Losses between image features and text features (reference-spec 6.2), of a whole batch, whichever
 * ranks and shards its rows come from.
 *
 * B rows, D feature length, K nouns. Features are rows of unit length, `scale` is the factor of the
 * cosines: [], positive.
 */
#pragma once

#include "nn/torch/tensor.h"

/* The rows whose cross entropies are added up, of B that are compared: the losses of parts sum up
 * to that of all, and so do their gradients. {0}: all rows. */
struct loss_rows {
    int64_t first, n;
};

#define ALL_ROWS ((struct loss_rows){0})

/* Row i of `image` belongs to row i of `text`, every other row is a negative, also one with the
 * same words. Mean over B of the cross entropies of rows, and of columns; half of each. -> [] */
tensor *clip_loss(tensor *image, tensor *text, tensor *scale, struct loss_rows rows);

/* The same when rows of one noun are positives of each other, equally likely. ids: [B] i64. Equal
 * to clip_loss when all ids differ. */
tensor *clip_loss_multi(tensor *image, tensor *text, tensor *scale, tensor *ids,
                        struct loss_rows rows);

/* Which of all K nouns is it? bank: [K, D], the features of a frozen text tower; ids: [B] i64. No
 * row of a batch depends on another. Mean over B. -> [] */
tensor *clip_loss_bank(tensor *image, tensor *bank, tensor *scale, tensor *ids);
