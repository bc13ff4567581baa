/* Focal and dice loss straight from small mask logits: enlarging, both losses and their gradients
 * in one pass over the pixels, without any map of the target's size. On the host, in float32.
 *
 * The same numbers as focal_and_dice() of t_resize_bilinear(), <= 1e-6 relative (tested), at about
 * a tenth of its time (reference performance notes, F1).
 */
#pragma once

#include "nn/losses/targets.h"
#include "nn/torch/tensor.h"

/* x: [P, h, w] f32 mask logits; pair i belongs to target[i] of t -> [2, P], as focal_and_dice().
 * Each pair is computed by one thread: the result does not depend on their number. */
tensor *mask_fused(tensor *x, const struct mask_targets *t, const int64_t *target);
