/* From classified proposals to a label map: the two opinions on each proposal are combined
 * geometrically, then every pixel sums over the proposals that cover it (reference-spec 8.3).
 *
 * Q proposals, V of them valid, K names, h w the size of the masks, H W that of the result.
 */
#pragma once

#include "nn/torch/tensor.h"

/* What becomes of a proposal that is too small for CLIP to be asked (Q3). `one`, the reference's:
 * its factor is 1, which makes P^(1-lambda) of P, more than it was. `keep`: P. `drop`: 0. */
enum ensemble_invalid { INVALID_ONE, INVALID_KEEP, INVALID_DROP };

/* F = P^(1-lambda) A^lambda -> [Q, K], A = clip for valid proposals.
 * lambda 0: F = clip for valid proposals, 0 for the others; MaskFormer's names are not used.
 *
 *   prob  [Q, K]: MaskFormer's softmax over K + 1, its last column dropped afterwards
 *   clip  [V, K]: CLIP's softmax over K; NULL when V is 0
 *   valid [Q]: i64, the row of `clip` for each proposal, -1 when it has none
 */
tensor *ensemble_fuse(tensor *prob, tensor *clip, tensor *valid, double lambda,
                      enum ensemble_invalid invalid);

/* Proposals with their names: the score of name k at a pixel is the sum over q of
 * name[q, k] mask[q, pixel]. */
struct named {
    tensor *name; /* [Q, K] */
    tensor *mask; /* [Q, h, w] */
};

/* The demonstration's choice (reference-spec 8.4): of the proposals with a pixel above the
 * threshold, for each name the one that has most of it; all its names stay, those of the others
 * become 0, and masks are pixels above the threshold. Of two names the second may stand for all
 * `others`: none is chosen for it. */
struct named ensemble_demo(struct named n, double threshold, bool others);

/* Scores of the names from, from + 1, .., `n` of them, resized bilinearly -> [n, H, W]. */
tensor *ensemble_scores(struct named p, int64_t from, int64_t n, int64_t H, int64_t W);

/* How many names at once, so that their scores at both sizes take about 16 MiB; at least four,
 * since libtorch's resize rounds otherwise with fewer maps. */
int64_t ensemble_group(int64_t h, int64_t w, int64_t H, int64_t W);

/* K names in groups of at least `least`, fewer than twice as many (one group, when K is less):
 * group i begins at K i / n. Returns n. */
int64_t ensemble_groups(int64_t K, int64_t least);

/* Puts the names from .. of x [n, H, W] where they are better than what there is, in place: `best`
 * [H, W], which begins at minus infinity, and `label` [H, W], both f32. Of equal scores the first
 * wins, as in one argmax over all. */
void ensemble_take_better(tensor *x, int64_t from, tensor *best, tensor *label);

/* The name with the highest score at each pixel -> [H, W] i64. Names go in groups: all scores of a
 * large picture with many names are never in memory. */
tensor *ensemble_labels(struct named p, int64_t H, int64_t W);
/* The same labels; *score, when wanted, gets that name's score at each pixel, [H, W] f32. */
tensor *ensemble_labels_scored(struct named p, int64_t H, int64_t W, tensor **score);
