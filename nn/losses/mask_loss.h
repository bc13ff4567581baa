/* The losses of MaskFormer: class, focal and dice for every decoder layer (reference-spec 4.3).
 *
 * B images, L layers, Q queries, K classes, h x w the mask logits' size, H x W the label maps'.
 */
#pragma once

#include "nn/losses/matcher.h"

/* What the sums over queries and over masks are divided by. When a batch is computed in parts, each
 * is divided by the mean over all parts of the batch: then the mean of their losses is the loss of
 * the batch. */
struct mask_norms {
    double queries; /* sum of the class weights of all queries of one layer */
    double masks;   /* number of targets */
};

struct mask_loss_options {
    double class_weight, mask_weight, dice_weight;
    double no_object_weight; /* of queries without a target in the class loss; <= 0: left out */
    struct match_weights match;
    bool class_norm_per_rank; /* the class loss is a mean over this rank's queries alone, as in the
                                 reference; otherwise over those of all ranks */
    bool plain; /* mask losses by tensor operations on maps of the target's size instead of the
                   fused pass on the host: for GPUs and other types than f32; equal to 1e-6 */
};

/* 1, 20, 1; 0.1; matching 1, 20, 1. */
struct mask_loss_options mask_loss_standard(void);

enum mask_term { MASK_TERM_CLASS, MASK_TERM_FOCAL, MASK_TERM_DICE, MASK_TERMS };

struct mask_losses {
    tensor *total; /* []: the sum of all terms */
    tensor *terms; /* [MASK_TERMS, L], weighted, without gradient, for the log */
};

/* Of these targets alone, with Q queries for each image. */
struct mask_norms mask_norms_of(const struct mask_loss_options *o, const struct mask_targets *t,
                                int64_t Q);

/* logits: [B, L, Q, K + 1]; masks: [B, L, Q, h, w]. Call it outside bfloat16 scopes. `norms` NULL:
 * of these targets. A label that is not below K is a pending ERR_DATA. Where a cost is not a number
 * the total is none, and no gradient is: the training step tells of them. */
struct mask_losses mask_loss(const struct mask_loss_options *o, tensor *logits, tensor *masks,
                             const struct mask_targets *t, const struct mask_norms *norms);

/* The same for pairs that are already known. */
struct mask_losses mask_loss_matched(const struct mask_loss_options *o, tensor *logits,
                                     tensor *masks, const struct mask_targets *t,
                                     const struct matches *m, const struct mask_norms *norms);

/* "loss_ce", "loss_mask", "loss_dice" of the last layer, with "_0", "_1", ... of those before. */
void mask_loss_name(char out[32], enum mask_term term, int64_t layer, int64_t layers);

/* Focal (mean over pixels) and dice loss of each pair: logits x and targets y, [P, pixels] both
 * -> [2, P]. alpha 0.25, gamma 2 */
tensor *focal_and_dice(tensor *x, tensor *y);
