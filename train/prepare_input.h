/* The inputs of stage prepare where lists say which of a user's own files are meant
 * (data/own_set.h). */
#pragma once

#include "data/own_set.h"
#include "train/run/content.h"
#include "train/run/graph.h"

enum { PREPARE_TRAIN, PREPARE_VAL, PREPARE_TEST, PREPARE_LISTS };

/* The list below inputs.split; owned. Of the last two there may be none. */
char *prepare_list(const struct node *n, int list);

/* The user's files, those of the pictures that the lists name alone. f->only is `only`, which is
 * owned in any case. ERR_MISSING, ERR_DATA. */
int prepare_files(const struct node *n, struct own_files *f, struct strings *only);

/* It is one of them: a folder of such files, the lists, the names. */
bool prepare_input_is_own(const struct node *n, const struct node_input *in);

/* in->hash: of what is read. The files of listed pictures; who is in which list; of names what a
 * set takes of them. What lies beside the pictures changes nothing until it is listed; in->unlisted
 * counts it. ERR_MISSING, ERR_DATA. */
int prepare_input_content(const struct node *n, struct node_input *in, struct content *c);
