/* Adapting CLIP's image tower to masked regions: the part that full fine-tuning, mask prompt tuning
 * and both together share. Mined pairs go in, the text tower stands still.
 *
 * B pairs of a batch, S side of a crop, D feature length, K nouns of all pairs.
 */
#pragma once

#include "data/damage.h"
#include "data/loader.h"
#include "optim/adamw.h"
#include "train/clip_run.h"
#include "train/clip_validate.h"
#include "train/loop.h"
#include "train/mine/pairs_input.h"
#include "train/mine/pairs_mix.h"

struct clip_tune {
    struct node *node;
    struct clip_run model;
    tensor *bank;           /* [K, D], held: features of all nouns or texts, computed once */
    struct pairs_mix pairs; /* and `pictures`, or else `table`, which is open */
    struct dataset pictures;
    struct pairs_tsv table;
    int64_t n_pairs;
    struct sampler sampler; /* of the table */
    struct damage damage;
    struct loader *loader;
    struct adamw adamw;
    struct clip_validation validation;
    struct shards shards;
    void *slot;    /* of the step: this rank's part of the batch */
    int64_t *noun; /* [B]: rows of the bank, of the whole batch of the step */
    int64_t B, S, steps;
};

/* A batch, or a shard of one, as tensors. */
struct pair_batch {
    tensor *region; /* [B, 3, S, S], normalized */
    tensor *mask;   /* [B, S, S] u8, 1 = foreground */
    tensor *noun;   /* [B] i64, rows of the bank */
};

/* Masked crops through the image tower, where blank patches become prompts if it has any; the
 * features must name their nouns among those of the bank [K, D]. -> [] */
tensor *clip_tune_loss(const struct clip *clip, enum clip_loss_kind kind, tensor *bank,
                       const struct pair_batch *b);

/* Runs a stage. `rules`: what trains; `prompt`: prompts of that depth, or NULL: those that the
 * input has, if any. */
int clip_tune_run(struct node *n, const struct group_rule *rules, size_t n_rules,
                  const struct prompt_options *prompt);

/* pairs_input_check, and the probe of the validation. */
int clip_tune_check_inputs(const struct node *n);

/* Depth against the tower's layers, and pairs_input_needs. */
void check_prompts(const struct node *n, struct problems *p);
