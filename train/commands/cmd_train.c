/* ovseg-train CONFIG [key=value ...]: runs the stage that a config describes, what it needs before
 * it and what follows it; reuses what is done. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/sources.h"
#include "dist/comm.h"
#include "train/commands/cmd.h"
#include "train/device.h"
#include "train/evaluation/analysis.h"
#include "train/evaluation/result.h"
#include "train/ranks.h"
#include "train/run/run.h"
#include "train/run/scheduler.h"
#include "train/signals.h"
#include "train/time_limit.h"

struct arguments {
    const char *config;
    struct overrides overrides;
    struct strings only;
    bool dry_run, explain, wait;
    const char *node; /* in a child: the only stage to run */
    int argc;
    char **argv;
};

enum {
    KEY_DRY_RUN = 256,
    KEY_EXPLAIN,
    KEY_SET,
    KEY_ONLY,
    KEY_TIME_LIMIT,
    KEY_WAIT,
    KEY_NODE,
    KEY_PARENT
};

static const struct argp_option options[] = {
    {"dry-run", KEY_DRY_RUN, 0, 0, "Check everything, print what would run and what is reused", 0},
    {"explain", KEY_EXPLAIN, 0, 0, "Say why a stage runs: what differs from its nearest older run",
     0},
    {"set", KEY_SET, "KEY=VALUE", 0, "The same as KEY=VALUE by itself", 0},
    {"only", KEY_ONLY, "NAME", 0,
     "Run this stage alone, by the name of its config or its path; given again, these stages. What "
     "they need must be done",
     0},
    {"time-limit", KEY_TIME_LIMIT, "TIME", 0,
     "Stop before so long with a checkpoint and exit status 75: minutes, HH:MM:SS or D-HH:MM:SS. "
     "The end of a Slurm job is such a limit, unasked",
     0},
    {"wait", KEY_WAIT, 0, 0,
     "Wait where another process is at work in a run, then reuse what it made; otherwise this ends "
     "with 69",
     0},
    {"verbose", 'v', 0, 0, "Also messages for debugging", 0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {"node", KEY_NODE, "PATH", OPTION_HIDDEN, 0,
     0}, /* train/run/scheduler.c starts itself with these */
    {"parent", KEY_PARENT, "PID", OPTION_HIDDEN, 0, 0},
    {0},
};

static const char doc[] =
    "Runs the stage that CONFIG describes; stages it needs are run first, or reused when their "
    "result exists.\v"
    "key=value belongs to CONFIG, NAME:key=value to the stage of NAME.yaml, *:key=value to all. "
    "Keys of the reference's (MODEL.RESNETS.DEPTH=50) are understood; `ovseg settings` lists them "
    "beside ours.\n\n"
    "Exit status: 0 done, 64 usage, 65 bad data, 66 missing input, 69 device unavailable, 70 "
    "internal, 74 input or output, 75 checkpointed: run it again, 78 bad config, 129, 130 and 143 "
    "stopped by a signal, after a checkpoint.";

static void add_override(struct arguments *a, const char *text, const char *next,
                         struct argp_state *state) {
    if (overrides_add(&a->overrides, text, next)) argp_error(state, "%s", error_message());
}

static void add_setting(struct arguments *a, const char *key, const char *value,
                        struct argp_state *state) {
    char *text = mem_format("%s=%s", key, value);
    add_override(a, text, NULL, state);
    free(text);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_DRY_RUN: a->dry_run = true; break;
    case KEY_EXPLAIN: a->explain = true; break;
    case KEY_ONLY: strings_add(&a->only, arg); break;
    case KEY_TIME_LIMIT: add_setting(a, "time_limit", arg, state); break;
    case KEY_WAIT: a->wait = true; break;
    case KEY_NODE: a->node = arg; break;
    case KEY_PARENT: child_of(strtol(arg, NULL, 10)); break;
    case 'v': log_set_level(LOG_DEBUG); break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG:
        if (!a->config) {
            a->config = arg;
            break;
        }
        add_override(a, arg, state->argv[state->next], state);
        break;
    case KEY_SET: add_override(a, arg, NULL, state); break;
    case ARGP_KEY_END:
        if (!a->config) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int cmd_failed(void) {
    int code = error_status();
    REQUIRE(code, "a command failed without an error");
    struct str sources = {0};
    if (*error_message()) log_error("%s", error_message()); /* another rank has the message */
    if (code == ERR_MISSING && sources_of_message(error_message(), &sources))
        fprintf(stderr, "\n%s", sources.at);
    str_free(&sources);
    error_clear();
    return code;
}

/* All that can be seen before something runs. */
static int open_graph(struct graph *g, const struct arguments *a) {
    int status = graph_open(g, a->config, a->overrides.at, a->overrides.n);
    if (!status && a->only.n) status = graph_choose(g, &a->only);
    if (!status && !a->node) status = graph_check_inputs(g);
    for (size_t i = 0; i < g->n; i++) g->at[i]->wait = a->wait;
    return status;
}

/* What came out, for people: rank 0 alone tells. */
static int tell_result(const struct graph *g, char **dir) {
    const struct node *last = g->named->then ? g->named->then : g->named;
    if (!last->done) return 0; /* --only: other stages are still to come */
    const struct config *c = &last->config;
    bool csv = c->run.stage == STAGE_EVALUATE && c->measure.csv;
    int status = comm_rank(g->comm) ? 0 : result_write(g);
    if (!status && csv && !comm_rank(g->comm)) status = analysis_export(last->dir);
    if (!status && !comm_rank(g->comm)) status = result_print(g, stdout);
    if (!status && dir) *dir = mem_strdup(last->dir);
    return status;
}

static struct node *node_at(const struct graph *g, const char *path) {
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->at[i]->path, path) == 0) return g->at[i];
    error_set(ERR_USAGE, "--node %s: no such stage in this chain", path);
    return NULL;
}

/* A process of the scheduler's, for one stage. */
static int run_one(struct node *n, const char *time_limit) {
    int status = n ? device_open(n) : error_status();
    if (status) return status;
    time_limit_start(time_limit);
    return run_node(n);
}

static void print(const struct graph *g, bool explain) {
    struct str text = {0};
    graph_print(g, &text, explain);
    fputs(text.at, stdout);
    str_free(&text);
}

/* Also where all is reused: who put them there may wait for them. */
static void tell_unlisted(const struct graph *g) {
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < g->at[i]->n_inputs; k++) {
            const struct node_input *in = &g->at[i]->input[k];
            bool one = in->unlisted == 1;
            if (in->unlisted)
                log_info(
                    "%s: %zu picture%s in no list of inputs.split %s left out "
                    "(`ovseg init` takes in those that have a caption or a mask)",
                    in->path, in->unlisted, one ? "" : "s", one ? "is" : "are");
        }
}

/* Where it is run may be another machine. */
static int look(const struct graph *g, bool explain) {
    if (!comm_rank(g->comm)) print(g, explain);
    if (device_check_graph(g) || device_usable(g))
        log_warn("here it cannot be run: %s", error_message());
    error_clear();
    return 0;
}

static int train(struct graph *g, struct comm *comm, const struct launch *l,
                 const struct arguments *a, char **dir) {
    device_rank(comm_local_rank(comm));
    int status = ranks_agree(comm, open_graph(g, a));
    g->comm = comm;
    if (status) return status;
    const char *limit = g->named->config.run.time_limit;
    if (!comm_rank(comm) && !a->node) tell_unlisted(g);
    comm_timeout(comm, g->named->config.run.timeout_first);
    if (a->dry_run) return look(g, a->explain);
    if (a->node) return run_one(node_at(g, a->node), limit);
    bool first = comm_rank(comm) == 0;
    if (first && a->explain) print(g, true);
    status = device_open_graph(g);
    if (!status) status = device_join(comm, l);
    if (status) return status;
    time_limit_start(limit);
    if (first) content_save(&g->content);
    status = run_graph(g, a->argc, a->argv);
    for (size_t i = 0; first && i < g->n; i++)
        if (g->at[i]->done) run_clear(g->at[i]);
    return status ? status : tell_result(g, dir);
}

/* A launcher ends all processes as soon as one has failed, and drops what it has not passed on of
 * the others: of the one that has the message. */
static void let_be_heard(void) {
    nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
}

int train_command(int argc, char **argv, char **dir) {
    static const struct argp argp = {options, parse, "CONFIG [KEY=VALUE...]", doc, 0, 0, 0};
    signals_install();
    struct arguments a = {.argc = argc, .argv = argv};
    struct graph g = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    struct launch launch;
    struct comm *comm = NULL;
    /* A child is one process, whoever its parent. */
    int status = a.node ? 0 : launch_read(&launch, device_has_gpus());
    if (!status && !a.node) status = comm_open(&comm, &launch);
    ranks_listen(comm);
    log_set_rank(comm_rank(comm));
    if (comm_rank(comm)) log_set_level(LOG_WARN); /* rank 0 tells the rest */
    if (!status) status = train(&g, comm, &launch, &a, dir);
    bool told = !status || *error_message();
    if (status) status = cmd_failed();
    graph_close(&g);
    overrides_free(&a.overrides);
    comm_close(comm, status);
    if (!told) let_be_heard();
    strings_free(&a.only);
    return status;
}

int cmd_train(int argc, char **argv) { return train_command(argc, argv, NULL); }
