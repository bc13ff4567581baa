/* ovseg-train CONFIG [key=value ...]: runs the stage that a config describes, what it needs before
 * it and what follows it; reuses what is done. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "train/cmd.h"
#include "train/result.h"
#include "train/run.h"
#include "train/scheduler.h"
#include "train/signals.h"

struct arguments {
    const char *config;
    struct overrides overrides;
    bool dry_run, explain;
    const char *node; /* in a child: the only stage to run */
    int argc;
    char **argv;
};

enum { KEY_DRY_RUN = 256, KEY_EXPLAIN, KEY_SET, KEY_NODE, KEY_PARENT };

static const struct argp_option options[] = {
    {"dry-run", KEY_DRY_RUN, 0, 0, "Check everything, print what would run and what is reused", 0},
    {"explain", KEY_EXPLAIN, 0, 0, "Say why a stage runs: what differs from its nearest older run",
     0},
    {"set", KEY_SET, "KEY=VALUE", 0, "The same as KEY=VALUE by itself", 0},
    {"verbose", 'v', 0, 0, "Also messages for debugging", 0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {"node", KEY_NODE, "PATH", OPTION_HIDDEN, 0,
     0}, /* train/scheduler.c starts itself with these */
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
    "internal, 74 input or output, 75 checkpointed: run it again, 78 bad config, 130 and 143 "
    "stopped by a signal, after a checkpoint.";

static void add_override(struct arguments *a, const char *text, const char *next,
                         struct argp_state *state) {
    if (overrides_add(&a->overrides, text, next)) argp_error(state, "%s", error_message());
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_DRY_RUN: a->dry_run = true; break;
    case KEY_EXPLAIN: a->explain = true; break;
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
    log_error("%s", error_message());
    error_clear();
    return code;
}

static int train(struct graph *g, const struct arguments *a, char **dir) {
    int status = graph_open(g, a->config, a->overrides.at, a->overrides.n);
    if (!status && !a->node) status = graph_check_inputs(g);
    if (status) return status;
    if (!a->node && (a->dry_run || a->explain)) {
        struct str text = {0};
        graph_print(g, &text, a->explain);
        fputs(text.at, stdout);
        str_free(&text);
    }
    if (a->dry_run) return 0;
    if (a->node) {
        for (size_t i = 0; i < g->n; i++)
            if (strcmp(g->at[i]->path, a->node) == 0) return run_node(g->at[i]);
        return error_set(ERR_USAGE, "--node %s: no such stage in this chain", a->node);
    }
    content_save(&g->content);
    status = run_graph(g, a->argc, a->argv);
    if (!status) status = result_write(g);
    if (!status) status = result_print(g, stdout);
    if (!status && dir) *dir = mem_strdup((g->named->then ? g->named->then : g->named)->dir);
    return status;
}

int train_command(int argc, char **argv, char **dir) {
    static const struct argp argp = {options, parse, "CONFIG [KEY=VALUE...]", doc, 0, 0, 0};
    signals_install();
    struct arguments a = {.argc = argc, .argv = argv};
    struct graph g = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = train(&g, &a, dir);
    if (status) status = cmd_failed();
    graph_close(&g);
    overrides_free(&a.overrides);
    return status;
}

int cmd_train(int argc, char **argv) { return train_command(argc, argv, NULL); }
