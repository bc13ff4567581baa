/* `init`: the weights that a training stage starts from, and what of it does not train.
 *
 *     init:
 *       weights: swin_base_patch4_window12_384_22k.pth   any layout of checkpoints/import.h
 *       allow_missing: ["*.norm3.*"]                     names of the model, which then start fresh
 *       freeze: ["backbone.*"]
 *
 * Weights are those of the stage's whole model; or a part of it by a rule that has a name:
 *   backbone     proposals: a file that holds a backbone and nothing else (reference-spec 3.7). The
 *                head, the no-object row, and the norms of Swin's maps, which no classifier has,
 *                start fresh
 *   whole-model  a model of the reference's (3.2): a proposal network is told by its part of it, a
 *                CLIP by the other
 *   prompts      a CLIP without mask prompts, for a stage that makes new ones
 * A run (RUN, RUN@best) or a config in the place of a file: the weights of that run, which is an
 * input of this one then.
 *
 * All else that is missing, unexpected or of another shape is an error with the full list. Of a
 * stage that has a CLIP as its input they take the place of that one's values.
 */
#pragma once

#include "optim/groups.h"
#include "train/run/graph.h"

bool init_is_set(const struct node *n);

/* Before the first stage starts: do the weights fit the model, and does each pattern of `freeze`
 * match something? Reads no more than the file's header; of a run that
 * is still to come, nothing. ERR_CONFIG, ERR_DATA, ERR_MISSING. */
int init_check(const struct node *n);

/* Fills the registry of the stage's model, which was drawn at random or is that of its input.
 * Nothing happens without init.weights. Errors as init_check(); nothing has been changed then. */
int init_load(const struct node *n, struct params *p);

/* groups_open() with what is not to train in front of the stage's own rules. ERR_CONFIG also when
 * nothing is left to train. */
int init_groups(struct groups *g, const struct node *n, struct params *p,
                const struct group_rule *rules, size_t n_rules);
