/* Which parameters train, how fast, and with how much decay: one table of patterns over their
 * names. The first pattern that matches decides; every parameter must match one. What the model
 * itself has frozen stays frozen. */
#pragma once

#include "base/mem.h"
#include "nn/params.h"

struct group_rule {
    const char *pattern; /* fnmatch(3) over the full name */
    double lr;           /* multiplies the scheduled rate; 0 freezes */
    double weight_decay;
};

struct group {
    double lr, weight_decay;
    size_t *members; /* indices into params->at, in registration order */
    size_t n;
    int64_t elements;
};

struct groups {
    struct params *params;
    struct group *at;
    size_t n;
};

/* Sorts the parameters into groups of equal rate and decay and freezes those whose rate is 0.
 * ERR_CONFIG lists the parameters that no rule matches. */
int groups_open(struct groups *g, struct params *p, const struct group_rule *rules, size_t n);
void groups_free(struct groups *g);
void groups_print(const struct groups *g,
                  struct str *out); /* one line a group, and what is frozen */
