/* Which query answers for which target: the cheapest one-to-one assignment, of every image and
 * every decoder layer on its own, without gradient (reference-spec 4.2).
 *
 * Nothing is done image by image: on the host one pass prices them all (match_fused.h), on a device
 * two matrix products and one copy to the host.
 *
 * B images, L layers, Q queries, K classes, N the most targets of one image, h x w the mask logits'
 * size. Call it outside bfloat16 scopes.
 */
#pragma once

#include "nn/losses/targets.h"
#include "nn/torch/tensor.h"

struct match_weights {
    double class_cost; /* 1, whatever the loss's class weight (reference-spec 4.2) */
    double mask_cost, dice_cost;
    bool plain; /* price by tensor operations instead of the fused pass on the host: for GPUs and
                   other types than f32; costs equal to 1e-5, assignments wherever costs differ */
};

struct matches {
    int64_t B, L, Q;
    int64_t n;       /* pairs of one layer: the targets, or Q an image where there are more */
    int64_t *first;  /* [B + 1] image b has the pairs first[b] .. first[b + 1] - 1 of each layer */
    int64_t *query;  /* [L, n], increasing within an image */
    int64_t *target; /* [L, n], counted over the batch: first target of the image + its column */
    bool broken; /* some costs are no numbers; the first queries then have their image's targets */
};

/* logits: [B, L, Q, K + 1]; masks: [B, L, Q, h, w], logits -> [B, L Q, N]; columns beyond an
 * image's own targets mean nothing. */
tensor *match_cost(const struct match_weights *w, tensor *logits, tensor *masks,
                   const struct mask_targets *t);

/* 0, or the pending error; m can be freed in any case. */
int match_targets(struct matches *m, const struct match_weights *w, tensor *logits, tensor *masks,
                  const struct mask_targets *t);
void matches_free(struct matches *m);
