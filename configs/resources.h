/* What a stage asks a cluster for: `ovseg submit` (train/cluster/submit_plan.h) makes one job of
 * the stages that ask for the same. Nothing of it changes what a stage does. */
#pragma once

#include "base/settings.h"

struct resources_options {
    int64_t nodes;
    int64_t gpus;    /* of each node */
    int64_t tasks;   /* processes on each node; 0: one a GPU, one without GPUs */
    int64_t cpus;    /* cores of each process; 0: what the cluster gives */
    char *memory;    /* of each node, "16G"; "": what the cluster gives */
    char *time;      /* clock_parse_span's; "": the cluster's limit */
    char *partition; /* "": the cluster's, or the site's */
};
extern const struct setting resources_rows[7];

/* Adds what is wrong with the texts, as settings_problem does; `time_limit` is looked at, too. */
void resources_check(const struct settings_doc *doc, const struct resources_options *r,
                     const char *time_limit, struct problems *p);
