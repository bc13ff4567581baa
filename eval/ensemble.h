/* From classified proposals to a label map: the two opinions on each proposal are combined
 * geometrically, then every pixel sums over the proposals that cover it (reference-spec 8.3).
 *
 * N proposals, V valid ones, K names, H W pixels.
 */
#pragma once

#include "nn/torch/tensor.h"

/* F = P^(1-lambda) A^lambda, A = clip for valid proposals and 1 for the others (Q3).
 * lambda 0: F = clip for valid proposals, 0 for the others; MaskFormer's names are not used.
 *
 *   prob  [N, K]: MaskFormer's softmax over K + 1, its last column dropped afterwards
 *   clip  [V, K]: CLIP's softmax over K; NULL when V is 0
 *   valid [N]: i64, the row of `clip` for each proposal, -1 when it has none
 */
tensor *ensemble_fuse(tensor *prob, tensor *clip, tensor *valid, double lambda); /* -> [N, K] */

/* sum over q of fused[q, k] mask[q, y, x] -> [K, H, W]; mask [N, H, W] probabilities. */
tensor *ensemble_scores(tensor *fused, tensor *mask);

/* The name with the highest score at each pixel, resized to h x w first -> [h, w] i64. Names go in
 * groups, so that a large picture with many names does not need all resized scores at once. */
tensor *ensemble_labels(tensor *scores, int64_t h, int64_t w);
