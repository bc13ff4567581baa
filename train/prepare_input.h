/* The inputs of stage prepare where lists say which of a user's own files are meant
 * (data/own_set.h). */
#pragma once

#include "train/run/content.h"
#include "train/run/graph.h"

enum { PREPARE_TRAIN, PREPARE_VAL, PREPARE_TEST, PREPARE_LISTS };

/* The list below inputs.split; owned. Of the last two there may be none. */
char *prepare_list(const char *split, int list);

/* It is a folder of which the lists name files. */
bool prepare_input_is_listed(const struct node *n, const struct node_input *in);

/* in->hash: the contents of these files alone. Pictures that are put beside them change nothing
 * until they are in a list; in->unlisted counts them. */
int prepare_input_content(const struct node *n, struct node_input *in, struct content *c);
