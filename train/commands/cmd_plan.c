/* ovseg plan CONFIG|SWEEP [key=value ...]: what a chain, or a sweep, will take before it is run. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_runs.h"
#include "train/plan/plan_sweep.h"
#include "train/run/run.h"
#include "train/run/scheduler.h"
#include "train/signals.h"

struct arguments {
    const char *config;
    struct overrides overrides;
    struct plan_options plan;
    bool json;
    const char *node, *dir; /* in a probe's process */
    bool half;
    struct ints seeds; /* of a sweep */
};

enum {
    KEY_PROBE = 256,
    KEY_SHARE,
    KEY_MEMORY,
    KEY_JSON,
    KEY_SET,
    KEY_NODE,
    KEY_DIR,
    KEY_PARENT,
    KEY_HALF,
    KEY_SEEDS,
    KEY_TRIAL,
    KEY_THREADS,
    KEY_JUDGED
};

static const struct argp_option options[] = {
    {"probe", KEY_PROBE, "SECONDS", 0,
     "Steps that are timed of each stage (default 4; slow stages do three steps at least); none: "
     "counts alone",
     0},
    {"share", KEY_SHARE, "X", 0,
     "Share of the proposals that CLIP is asked about, where the network is yet to be trained "
     "(default 1: masks of a trained one are hardly ever empty)",
     0},
    {"memory", KEY_MEMORY, "SIZE", 0,
     "The batch that fits into so much, of a GPU for instance, in the place of the memory that is "
     "free here now: 24G, 80G",
     0},
    {"jobs", 'j', "N", 0, "Of a sweep: stages side by side (default: one a core)", 0},
    {"seeds", KEY_SEEDS, "A,B,...", 0, "Of a sweep: these in the place of the file's", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "The same as KEY=VALUE by itself", 0},
    {"json", KEY_JSON, 0, 0, "Print a JSON object", 0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {"node", KEY_NODE, "PATH", OPTION_HIDDEN, 0,
     0}, /* train/plan/plan_probe.c starts itself with these */
    {"dir", KEY_DIR, "DIR", OPTION_HIDDEN, 0, 0},
    {"parent", KEY_PARENT, "PID", OPTION_HIDDEN, 0, 0},
    {"half", KEY_HALF, 0, OPTION_HIDDEN, 0, 0},
    {"trial", KEY_TRIAL, "K", OPTION_HIDDEN, 0, 0},
    {"threads", KEY_THREADS, "N", OPTION_HIDDEN, 0, 0},
    {"judged", KEY_JUDGED, 0, OPTION_HIDDEN, 0, 0},
    {0},
};

static const char doc[] =
    "Says what `ovseg-train CONFIG`, or `ovseg sweep SWEEP`, would take on this machine: for each "
    "stage that would run its "
    "steps or pictures, parameters, work, time, peak memory, disk, and how many samples at once "
    "(batch.micro) the memory available now has room for. What is reused takes nothing, a shared "
    "stage counts "
    "once.\v"
    "It is measured: each stage is begun at its real shapes, for a few seconds, in a folder that "
    "is "
    "removed again; before it the stages that it needs are made small. A stage `prepare` is not "
    "probed: it would take all of its set; nor are stages for a GPU, as yet: of these, and with "
    "--probe none, there are counts. Of a sweep the stages of all trials are joined; those that do "
    "the same work, with another seed or other rates, are timed once.\n\n"
    "Exit status: 0 done, 64 usage, 65 bad data, 66 missing input, 74 input "
    "or output, 78 bad config, 130 and 143 stopped by a signal.";

static double number(struct argp_state *state, const char *option, const char *text, double hi) {
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !(x > 0) || !(x <= hi))
        argp_error(state, "%s %s: is no number above 0, up to %g", option, text, hi);
    return x;
}

static void add_override(struct arguments *a, const char *text, const char *next,
                         struct argp_state *state) {
    if (overrides_add(&a->overrides, text, next)) argp_error(state, "%s", error_message());
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_PROBE:
        a->plan.probe = strcmp(arg, "none") != 0;
        if (a->plan.probe) a->plan.budget = number(state, "--probe", arg, 600);
        break;
    case KEY_SHARE: a->plan.share = number(state, "--share", arg, 1); break;
    case KEY_MEMORY: a->plan.memory = (double)argument_bytes(state, "--memory", arg); break;
    case KEY_JSON: a->json = true; break;
    case 'q': log_set_level(LOG_WARN); break;
    case KEY_NODE: a->node = arg; break;
    case KEY_DIR: a->dir = arg; break;
    case KEY_PARENT: child_of(strtol(arg, NULL, 10)); break;
    case KEY_HALF: a->half = true; break;
    case 'j': a->plan.jobs = argument_int(state, "-j", arg, 1, 256); break;
    case KEY_SEEDS: argument_seeds(state, arg, &a->seeds); break;
    case KEY_TRIAL: a->plan.trial = argument_int(state, "--trial", arg, 1, SWEEP_MAX_TRIALS); break;
    case KEY_THREADS: a->plan.threads = argument_int(state, "--threads", arg, 1, 4096); break;
    case KEY_JUDGED: a->plan.judged = true; break;
    case KEY_SET: add_override(a, arg, NULL, state); break;
    case ARGP_KEY_ARG:
        if (a->config)
            add_override(a, arg, state->argv[state->next], state);
        else
            a->config = arg;
        break;
    case ARGP_KEY_END:
        if (!a->config) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int plan_chain(const struct arguments *a) {
    struct graph g = {0};
    struct plan p = {0};
    struct str text = {0};
    int status = graph_open(&g, a->config, a->overrides.at, a->overrides.n);
    if (!status && a->node) status = plan_child(&g, a->node, a->dir, a->half);
    if (!status && !a->node) {
        status = graph_check_inputs(&g);
        if (!status) plan_open(&p, &g);
        if (!status && a->plan.probe) status = plan_measure(&p, &a->plan);
        if (!status) plan_forecast(&p, &a->plan);
        if (!status && a->json) plan_json(&p, &text);
        if (!status && !a->json) plan_print(&p, &a->plan, &text);
        if (!status) status = print_and_free(&text);
        plan_close(&p);
    }
    graph_close(&g);
    return status;
}

static int plan_trial(const struct arguments *a, const struct sweep *s) {
    struct graph g = {0};
    int status = plan_sweep_graph(s, a->plan.trial, a->plan.judged, a->plan.threads, &g);
    if (!status) status = plan_child(&g, a->node, a->dir, a->half);
    graph_close(&g);
    return status;
}

static int plan_all_trials(struct arguments *a, struct sweep *s) {
    struct plan_sweep p = {0};
    struct str text = {0};
    int64_t cores = run_cores();
    if (!a->plan.jobs) a->plan.jobs = cores > 0 ? cores : 1;
    int status = sweep_build(s);
    if (!status) status = plan_sweep_open(&p, s, &a->plan);
    if (!status && a->json) plan_sweep_json(&p, &a->plan, &text);
    if (!status && !a->json) plan_sweep_print(&p, &a->plan, &text);
    if (!status) status = print_and_free(&text);
    plan_sweep_close(&p);
    return status;
}

static int plan(struct arguments *a) {
    struct sweep s = {0};
    if (!sweep_file_is(a->config)) {
        if (a->plan.jobs || a->seeds.n)
            return error_set(ERR_USAGE, "-j, --seeds: go with a sweep, and %s is none", a->config);
        return plan_chain(a);
    }
    int status = sweep_read(&s, a->config, &a->overrides, &a->seeds);
    if (!status) status = a->node ? plan_trial(a, &s) : plan_all_trials(a, &s);
    sweep_close(&s);
    return status;
}

int cmd_plan(int argc, char **argv) {
    static const struct argp argp = {options, parse, "CONFIG|SWEEP [KEY=VALUE...]", doc, 0, 0, 0};
    signals_install();
    struct arguments a = {
        .plan = {.probe = true, .budget = 4, .share = 1, .argc = argc, .argv = argv}};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = plan(&a);
    if (status) status = cmd_failed();
    overrides_free(&a.overrides);
    free(a.seeds.at);
    return status;
}
