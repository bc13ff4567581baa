/* Which jobs a chain becomes: stages that ask for the same resources, and of which none waits for
 * another job in between, are one. Each stage works on a GPU where its job has one. */
#pragma once

#include "train/cluster/submit_flags.h"
#include "train/run/graph.h"

struct submit_request {
    const char *config;       /* as it was given */
    struct strings overrides; /* as they were given; %a in them is the index in an array */
    const char *array;        /* NULL: none */
    long first;               /* its first index: what all tasks share is made as of it */
    struct strings devices;   /* settings of submit_devices() */
};

/* What a stage asks for; a flag belongs to the named config, and to stages whose own does not say
 * it. The texts are borrowed. */
struct resources_options submit_resources(const struct graph *g, const struct node *n,
                                          const struct resource_flags *f);

/* Between graph_load() and graph_identify(): `device: auto` becomes what the stage's job has, which
 * the results are hashed with. Adds the settings that say the same to a job. ERR_CONFIG when two
 * stages of one name would need different ones. */
int submit_devices(struct graph *g, const struct resource_flags *f, struct strings *settings);

/* What the graphs of an array's indices differ in. */
struct submit_array {
    bool *varies; /* [nodes of the first] its run, by the index */
    bool others;  /* some index has stages that the first has not, or lacks some */
};

/* Adds the jobs for what the graph needs to run. `array`: NULL without one; stages that do not vary
 * are made once, ahead of it. ERR_USAGE when none does. */
int submit_plan(const struct graph *g, const struct submit_array *array,
                const struct submit_request *r, const struct submit_flags *f, struct submission *s);
