#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/device.h"
#include "train/evaluation/result.h"
#include "train/run/run.h"
#include "train/signals.h"
#include "train/sweep/sweep_run.h"
#include "train/time_limit.h"

/* As ovseg-train leaves a chain that is whole. */
static int close_chain(const struct graph *g) {
    bool *needed = mem_alloc(g->n, sizeof *needed), whole = true;
    graph_needed(g, needed);
    for (size_t i = 0; i < g->n; i++) whole &= !needed[i];
    free(needed);
    return whole ? result_write(g) : 0;
}

static int make_in(const struct sweep *s, size_t trial, bool judged, const char *run,
                   int64_t threads, bool *found) {
    struct graph g;
    int status = sweep_graph(s, trial, judged, &g);
    for (size_t i = 0; !status && i < g.n; i++) {
        struct node *n = g.at[i];
        if (strcmp(path_base(n->dir), run) != 0) continue;
        *found = true;
        if (!n->config.run.threads) n->config.run.threads = threads;
        n->wait = true; /* another sweep may be at work in it */
        time_limit_start(n->config.run.time_limit);
        status = device_open(n);
        if (!status) status = run_node(n);
        if (!status) status = close_chain(&g);
    }
    graph_close(&g);
    return status;
}

int sweep_make(const struct sweep *s, size_t trial, const char *run, int64_t threads) {
    bool found = false;
    int status = make_in(s, trial, false, run, threads, &found);
    if (!status && !found) status = make_in(s, trial, true, run, threads, &found);
    if (!status && !found)
        status = error_set(ERR_USAGE, "--make %s: no such run in this trial", run);
    return status;
}

/* ---- a whole trial ---- */

static struct sweep_stage *stage_of(const struct sweep *s, const struct node *n) {
    for (size_t i = 0; i < s->n_stages; i++)
        if (strcmp(s->stage[i].dir, n->dir) == 0) return &s->stage[i];
    return NULL;
}

static int run_stage(const struct sweep *s, struct node *n) {
    struct sweep_stage *stage = stage_of(s, n);
    REQUIRE(stage, "%s is no stage of the sweep", n->dir);
    n->wait = true;
    int status = run_node(n);
    if (signals_stopped(status)) return status;
    char *said = mem_strdup(error_message());
    error_clear(); /* writing the note is none of it */
    sweep_note_failure(s, stage, status, said);
    error_clear();
    if (status) error_set(status, "%s", said);
    free(said);
    return status;
}

static int run_graph_of(const struct sweep *s, size_t trial, bool judged) {
    struct graph g;
    int status = sweep_graph(s, trial, judged, &g);
    bool *needed = mem_alloc(g.n, sizeof *needed);
    if (!status) time_limit_start(g.named->config.run.time_limit);
    if (!status) status = device_open_graph(&g);
    if (!status) graph_needed(&g, needed);
    for (size_t i = 0; !status && i < g.n; i++)
        if (needed[i]) status = run_stage(s, g.at[i]);
    if (!status) status = close_chain(&g);
    free(needed);
    graph_close(&g);
    return status;
}

int sweep_run_trial(struct sweep *s, size_t trial) {
    int status = run_graph_of(s, trial, false);
    return status ? status : run_graph_of(s, trial, true);
}
