/* The proposal network of a run, with the text features it speaks. */
#pragma once

#include "eval/segment.h"
#include "nn/models/maskformer.h"
#include "optim/groups.h"
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

/* CLIPs that are open already and have the features of the same names. */
struct namer_run;
struct namers {
    const struct namer_run *const *at;
    size_t n;
};

/* The trained network of the input "proposals", speaking the names of `v`. Text features come from
 * the CLIP that it was trained with: from one of those `known` when it is among them, with the same
 * templates; otherwise it is opened for them. */
int proposals_run_open(struct proposals_run *p, const struct node *n, const struct vocabulary *v,
                       struct namers known);
void proposals_run_free(struct proposals_run *p);
struct proposer proposals_run_proposer(const struct proposals_run *p);

/* reference-spec 6.1: norms, embeddings and tables of positions do not decay, biases and the
 * no-object row do (Q15). `multiplier`: of the backbone's rate. */
enum { PROPOSALS_RULES = 6 };
void proposals_rules(struct group_rule rules[PROPOSALS_RULES], double multiplier, double decay);
