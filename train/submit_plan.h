/* Which jobs a chain becomes: stages that ask for the same resources, and of which none waits for
 * another job in between, are one. */
#pragma once

#include "train/graph.h"
#include "train/slurm_script.h"

/* What flags say of resources: for the named config, and for stages whose own does not say it. */
struct resource_flags {
    struct settings_doc said;
    struct resources_options options;
};
/* Adds "resources.KEY"; resource_flags_check finds what is wrong. */
void resource_flag(struct resource_flags *f, const char *key, const char *value);
int resource_flags_check(struct resource_flags *f);
void resource_flags_free(struct resource_flags *f);

/* Fills s->job from what the graph needs to run. `other`: the same graph for another index of the
 * array, NULL without one: stages that are the same in both are made once, ahead of the array.
 * ERR_USAGE when all are; ERR_CONFIG when the margin does not fit a job's time. The jobs borrow
 * from graph and flags. */
int submit_plan(struct graph *g, const struct graph *other, const struct resource_flags *f,
                struct submission *s);
