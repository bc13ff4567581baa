/* What may stand as which input of a stage. */
#pragma once

#include "train/run/graph.h"

/* What can be this input: stages, as bits; 0: a file of the user, or, with *folder, a folder. Both:
 * a run, or a folder that holds what the run would. */
unsigned input_kinds(const char *input, bool *folder);
bool input_takes_weights(const char *input); /* published ones, in the place of a run */
bool input_is_masks(const char *input, const char *path); /* in the place of a proposal network */

/* Whether what was found is what is needed; `origin`: who names it, for messages. */
void input_check(const struct node_input *in, const char *origin, struct problems *p);
