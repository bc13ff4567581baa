/* The proposal network of a run, with the text features it speaks. */
#pragma once

#include "eval/segment.h"
#include "nn/models/maskformer.h"
#include "optim/groups.h"
#include "optim/options.h"
#include "train/clip_run.h"

struct proposals_run {
    struct params params;
    struct maskformer model;
    tensor *text; /* [K, D], held: features of the names, unit length */
};

/* A new network for the stage `n`, which has CLIP as an input. Its names are the seen classes of
 * the set; name_of[class] becomes their row, or the set's `ignore`. */
int proposals_run_new(struct proposals_run *p, const struct node *n, const struct dataset *set,
                      uint16_t *name_of);

/* The trained network of the input "proposals", speaking the names of `v`. Text features come from
 * the CLIP that it was trained with: it is opened for them, unless it is one of those `known` that
 * are open (a list, or NULL) and have the features of the same names by the same templates. */
struct namer_run;
int proposals_run_open(struct proposals_run *p, const struct node *n, const struct vocabulary *v,
                       const struct namer_run *known);
/* Other names for one that is open. After an error it has those it had. */
int proposals_run_names(struct proposals_run *p, const struct node *n, const struct vocabulary *v,
                        const struct namer_run *known);
void proposals_run_free(struct proposals_run *p);
struct proposer proposals_run_proposer(const struct proposals_run *p);

/* reference-spec 6.1: norms and embeddings have a decay of their own (0), tables of positions none,
 * biases and the no-object row decay like weights (Q15). */
enum { PROPOSALS_RULES = 6 };
void proposals_rules(struct group_rule rules[PROPOSALS_RULES], const struct optim_options *o);
