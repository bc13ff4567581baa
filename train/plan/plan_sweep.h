/* What a sweep will take: the stages of all its trials joined. Stages that do the same work, with
 * another seed or rate, are probed once; what is reused takes nothing. */
#pragma once

#include "train/plan/plan.h"
#include "train/sweep/sweep.h"

struct plan_sweep_stage {
    bool known, gpu;
    double seconds, memory, disk; /* NAN: not known */
    int threads;
    char *why; /* it was not probed; NULL: it was */
};

struct plan_sweep {
    const struct sweep *sweep;
    bool *needed;                   /* [stages of the sweep] to be run */
    struct plan_sweep_stage *stage; /* the same */
    double seconds, wall;           /* the sum; with `jobs` side by side */
    double core_seconds, gpu_seconds;
    double memory, disk; /* of the largest `jobs` stages; in all */
    double room, free_memory;
    bool whole, gpu; /* all times are known; some are for GPUs */
    size_t probes;   /* kinds of work that were timed */
};

/* Probes and forecasts; `o->jobs` side by side, each with its share of the cores. */
int plan_sweep_open(struct plan_sweep *p, const struct sweep *s, const struct plan_options *o);
void plan_sweep_close(struct plan_sweep *p);
void plan_sweep_print(const struct plan_sweep *p, const struct plan_options *o, struct str *out);
void plan_sweep_json(const struct plan_sweep *p, const struct plan_options *o, struct str *out);

/* In a probe's process: the graph of a trial, with the threads that its stages will have. */
int plan_sweep_graph(const struct sweep *s, int64_t trial, bool judged, int64_t threads,
                     struct graph *g);
