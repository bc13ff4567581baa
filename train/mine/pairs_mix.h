/* The pairs of one or two folders as one list: mined ones, and others beside them, of ground truth
 * or of other rules (inputs.more_pairs, pairs.mix; the paper's Table 8). The second folder's
 * follow the first's.
 */
#pragma once

#include "data/pairs.h"
#include "data/sampler.h"
#include "train/run/graph.h"

struct pairs_mix {
    struct pairs of[2];
    int64_t n;                            /* of both */
    struct strings noun;                  /* of both, sorted */
    int64_t *noun_at[2];                  /* nouns of each as nouns of both */
    struct sampler sampler, more_sampler; /* the second: batches with a share of each */
    int64_t B, n_more; /* a batch, and how many of it come from the second; 0: as they come */
    int64_t *batch;    /* [B] */
};

/* Opens the inputs `pairs` and `more_pairs`, if that is there. */
int pairs_mix_open(struct pairs_mix *m, const struct node *n);
void pairs_mix_close(struct pairs_mix *m);

/* The folder that pair i is of, and its place there. */
const struct pairs *pairs_mix_find(const struct pairs_mix *m, int64_t i, int64_t *place);
int64_t pairs_mix_noun(const struct pairs_mix *m, int64_t i); /* row of m->noun */

/* Batches of B pairs; as sampler_batch() does, a function of the step. ERR_CONFIG: there are fewer
 * pairs than a batch takes. */
int pairs_mix_sample(struct pairs_mix *m, const struct node *n, int64_t B);
const int64_t *pairs_mix_batch(struct pairs_mix *m, int64_t step);
/* Steps of an epoch. With a share of each it is the first folder's, whatever the share: rows of a
 * table then train equally long. */
int64_t pairs_mix_epoch(const struct pairs_mix *m);
