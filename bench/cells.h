/* The steps that bench/run times, and whose costs a test counts: full-size models with formula
 * weights and batches, trained by the product's own step.
 *
 *   ft         image tower of CLIP ViT-B/16 on masked crops
 *   mpt        mask prompts of the same tower, three deep; 40 % of the patches are blank
 *   proposals  MaskFormer with ResNet-50, 100 queries, 6 decoder layers, 171 classes
 */
#pragma once

#include "nn/models/clip.h"
#include "nn/models/maskformer.h"
#include "train/clip_tune.h"
#include "train/loop.h"

struct cell_options {
    int64_t batch; /* crops or pictures */
    int64_t side;  /* proposals: of the picture, a multiple of 32 */
};

struct cell {
    struct training training; /* training_step(&cell->training, step, &row) */
    struct params params;     /* of the model */
    struct params batch;      /* what a step is fed with, by name; the other side loads it */

    /* private */
    struct node node;
    struct adamw adamw;
    struct clip clip;
    tensor *bank; /* [B, D] */
    struct maskformer *maskformer;
    struct mask_targets targets;
    struct mask_loss_options loss;
};

/* ERR_USAGE for a name that there is not; free it in any case. */
int cell_open(struct cell *c, const char *name, const struct cell_options *o);
void cell_free(struct cell *c);

/* The loss and, as "grad.NAME", the gradients of what is trained, without dropout and without an
 * update, registered in `out`. */
void cell_gradients(struct cell *c, struct params *out);
