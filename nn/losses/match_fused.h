/* The costs of matching in one pass over the mask logits, on the host, in float32.
 *
 * An image's targets do not overlap: each pixel has one label. So the sums over a target's pixels,
 * of which the costs are made, are a histogram over labels, and no product with the masks is
 * needed.
 */
#pragma once

#include "nn/losses/targets.h"
#include "nn/torch/tensor.h"

struct match_weights;

/* Writes what match_cost() of nn/losses/matcher.h returns, <= 1e-5 relative (tested), to
 * cost [B, L Q, N]; masks must be f32. 0, or the pending error. */
int match_fused(double *cost, const struct match_weights *w, tensor *logits, tensor *masks,
                const struct mask_targets *t);
