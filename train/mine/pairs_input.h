/* What may stand as inputs.pairs besides a run of stage mine: a folder of pairs (edited ones), or a
 * table in the reference's form. */
#pragma once

#include "data/pairs_tsv.h"
#include "train/run/content.h"
#include "train/run/graph.h"

bool pairs_input_is_table(const struct node *n); /* a file */
/* Of pairs, a run's or by itself; owned. `input`: "pairs" or "more_pairs". */
char *pairs_input_folder(const struct node *n, const char *input);

/* ERR_DATA, ERR_MISSING: also for pictures that are missing, unless data.damaged is skip: then they
 * are named and counted here, and damaged samples in training. */
int pairs_input_table(struct pairs_tsv *t, const struct node *n);

/* The contents of a table and of all its pictures. */
int pairs_input_content(const struct node *n, const char *path, struct content *c, uint64_t *out);

/* Before the first stage starts: the table can be read; pairs and scenes belong together. */
int pairs_input_check(const struct node *n);
/* Pairs that are not a table, and validation, need the scenes. */
void pairs_input_needs(const struct node *n, struct problems *p);
