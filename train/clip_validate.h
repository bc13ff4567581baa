/* Validation of every CLIP stage: accuracy on the ground-truth masks of a held-out set. */
#pragma once

#include "eval/mask_accuracy.h"
#include "train/clip_run.h"
#include "train/metrics.h"

struct clip_validation {
    struct mask_crops crops;
    bool *seen, *unseen; /* [K] */
    tensor *text;        /* [K, D], held: the text tower does not move; NULL: encoded each time */
    char **names;
    int64_t K;
};

/* Empty (no crops) when the stage validates on no set. `frozen_text`: names are encoded once. */
int clip_validation_open(struct clip_validation *v, const struct node *n, const struct clip_run *c,
                         bool frozen_text);
void clip_validation_free(struct clip_validation *v);

/* A batch of it, on ranks that have `samples` of a step each; nothing, when that would take longer
 * than some three steps. */
int clip_validation_try(const struct clip_validation *v, const struct node *n,
                        const struct clip_run *c, int64_t samples);

/* mask_accuracy, and of seen and unseen classes; with prompts when the model has them. */
int clip_validation_run(const struct clip_validation *v, const struct node *n,
                        const struct clip_run *c, struct metrics_row *row);
