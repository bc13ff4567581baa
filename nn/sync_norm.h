/* Batch normalization whose statistics are those of all ranks' pixels.
 *
 * N images of this rank, C channels, H x W pixels.
 */
#pragma once

#include "nn/torch/tensor.h"

/* How other ranks are reached: the program that knows them (train/) fills it in. Tensors, not host
 * numbers as in losses/mask_loss.h: a backbone has a hundred norms, and on a GPU nothing waits. */
struct norm_ranks {
    /* [K] -> [K]: the sum over ranks, of values alone (the gradient is ours). All ranks call it
     * equally often, in the same order, forward and backward; K is 1 to C + 1. NULL and the pending
     * error when a rank is lost. */
    tensor *(*sum)(void *ctx, tensor *x);
    void *ctx; /* must outlive the backward */
};

/* [N, C, H, W] -> the same; w, b, mean, var: [C], the latter two the running ones, which training
 * moves by `momentum` towards the batch's (its variance with n - 1). With `ranks` NULL, or outside
 * training: t_batch_norm(). Ranks may have different numbers of pixels. Gradients are those of the
 * sum of all ranks' losses (reference-spec 3.2 has the names; torch.nn.SyncBatchNorm the meaning).
 */
tensor *sync_norm(tensor *x, tensor *w, tensor *b, tensor *mean, tensor *var, double momentum,
                  double eps, const struct norm_ranks *ranks);
