/* What may stand as inputs.pairs besides a run of stage mine: a folder of pairs (edited ones), or a
 * table in the reference's form. */
#pragma once

#include <stdatomic.h>

#include "data/pairs_tsv.h"
#include "train/content.h"
#include "train/graph.h"

/* Masked crops and texts out of a table. A picture that is missing or damaged keeps its number, so
 * that the order and the randomness of the others do not depend on it. */
struct pairs_table {
    struct pairs_tsv tsv;
    const struct config *config;
    atomic_uchar *lost; /* [n]: named already; NULL: not open */
};

bool pairs_input_is_table(const struct node *n); /* a file */
char *pairs_input_folder(const struct node *n);  /* of pairs, a run's or by itself; owned */

/* ERR_DATA, ERR_MISSING: also for the first picture that is missing, unless pairs.damaged is skip:
 * then they are named and counted. */
int pairs_table_open(struct pairs_table *t, const struct node *n);
void pairs_table_close(struct pairs_table *t);

/* Pair i as pairs_tsv_crop; `left_out`: it cannot be read, and pairs.damaged is skip. From any
 * thread. */
int pairs_table_crop(const struct pairs_table *t, int64_t i, struct rng *r, int64_t side,
                     uint8_t *pixels, uint8_t *mask, bool *left_out);

/* The contents of a table and of all its pictures. */
int pairs_input_content(const struct node *n, const char *path, struct content *c, uint64_t *out);

/* Before the first stage starts: the table can be read; pairs and scenes belong together. */
int pairs_input_check(const struct node *n);
/* Pairs that are not a table, and validation, need the scenes. */
void pairs_input_needs(const struct node *n, struct problems *p);
