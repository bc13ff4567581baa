/* Weights that a stage starts from: those of a run's checkpoint, or of a published file. */
#pragma once

#include "train/run/graph.h"

enum weights_part { WEIGHTS_CLIP, WEIGHTS_PROPOSALS };

/* Fills the registry of a CLIP, or of a proposal network, from an input run, strictly; a whole
 * model that was imported holds both. An import that has not run is read from its file.
 * `new_prompts`: the registry has mask prompts, and the weights may lack them.
 *
 * ERR_DATA: no checkpoint, or a damaged one; ERR_CONFIG with the full list when it does not fit. */
int run_load(const struct node_input *in, enum weights_part part, struct params *p,
             bool new_prompts);

/* A run that was made from published weights has a proposal network in it, too, or not. */
int run_has_proposals(const struct node_input *in, bool *has);
