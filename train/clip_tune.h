/* Adapting CLIP's image tower to masked regions: the part that full fine-tuning, mask prompt tuning
 * and both together share. Mined pairs go in, the text tower stands still.
 *
 * B pairs of a batch, S side of a crop, D feature length, K nouns of all pairs.
 */
#pragma once

#include "data/loader.h"
#include "data/pairs.h"
#include "data/sampler.h"
#include "optim/adamw.h"
#include "train/clip_run.h"
#include "train/clip_validate.h"
#include "train/loop.h"

struct clip_tune {
    struct node *node;
    struct clip_run model;
    tensor *bank; /* [K, D], held: features of all nouns, computed once */
    struct pairs pairs;
    struct dataset pictures;
    struct sampler sampler;
    struct loader *loader;
    struct adamw adamw;
    struct clip_validation validation;
    int64_t B, S;
};

/* The batch of the step, as tensors of the caller's scope. */
struct pair_batch {
    tensor *region; /* [B, 3, S, S], normalized */
    tensor *mask;   /* [B, S, S] u8, 1 = foreground */
    tensor *noun;   /* [B] i64, rows of the bank */
};

/* Runs a stage. `rules`: what trains; `prompt`: new prompts, or NULL for a tower without. `loss`
 * gets a struct clip_tune. */
int clip_tune_run(struct node *n, const struct group_rule *rules, size_t n_rules,
                  const struct prompt_options *prompt,
                  tensor *(*loss)(void *self, int64_t step, struct metrics_row *row));

void check_prompts(const struct node *n, struct problems *p); /* depth against the tower's layers */

int clip_tune_batch(struct clip_tune *t, struct pair_batch *b); /* 0 or the pending error */

/* The chosen loss between image features [B, D] (any length) and the nouns' -> []. */
tensor *clip_tune_loss(const struct clip_tune *t, tensor *features, tensor *noun,
                       struct metrics_row *row);
