/* ovseg sweep FILE: many trials of one config, their shared stages computed once. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "train/cluster/slurm_text.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/device.h"
#include "train/run/run.h"
#include "train/run/scheduler.h"
#include "train/signals.h"
#include "train/sweep/sweep_print.h"
#include "train/sweep/sweep_run.h"
#include "train/sweep/sweep_submit.h"
#include "train/sweep/sweep_table.h"
#include "train/time_limit.h"

enum where { ON_LOCAL, ON_SLURM };

struct arguments {
    const char *file;
    bool status, dry_run, shared;
    enum where on;
    int64_t jobs, trial, threads; /* trial 0: all */
    struct ints seeds;
    struct overrides overrides;
    struct strings given; /* --seeds and settings, as they were written */
    struct submit_flags flags;
    const char *make; /* in a process of sweep_run(): the run folder */
    int argc;
    char **argv;
};

enum {
    KEY_ON = 256,
    KEY_DRY_RUN,
    KEY_TRIAL,
    KEY_SHARED,
    KEY_SEEDS,
    KEY_SET,
    KEY_MAKE,
    KEY_THREADS,
    KEY_PARENT,
};

static const struct argp_option options[] = {
    {"on", KEY_ON, "WHERE", 0,
     "local: here (the default). slurm: as jobs of a cluster, with the options below: what several "
     "trials need, then an array of the trials, then the table",
     0},
    {"jobs", 'j', "N", 0,
     "Stages side by side, each a process with its share of the cores (default: one a core); on "
     "slurm: tasks of the array at a time",
     0},
    {"dry-run", KEY_DRY_RUN, 0, 0, "Check everything, print trials, stages and what is reused", 0},
    {"seeds", KEY_SEEDS, "A,B,...", 0, "These in the place of the file's", 0},
    {"trial", KEY_TRIAL, "K", 0, "All that trial K lacks, one stage after the other", 0},
    {"shared", KEY_SHARED, 0, 0, "Only stages that several trials need", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "The same as KEY=VALUE by itself", 0},
    {"resume", 'r', 0, 0, "What is done is reused: this is so without it, too", 0},
    {"verbose", 'v', 0, 0, "Also messages for debugging", 0},
    {"quiet", 'q', 0, 0, "Warnings and errors only", 0},
    {"make", KEY_MAKE, "RUN", OPTION_HIDDEN, 0,
     0}, /* train/sweep/sweep_run.c starts itself with these */
    {"threads", KEY_THREADS, "N", OPTION_HIDDEN, 0, 0},
    {"parent", KEY_PARENT, "PID", OPTION_HIDDEN, 0, 0},
    {0},
};

static const char doc[] =
    "Runs the config of FILE once for each trial that FILE describes: combinations of settings, "
    "and seeds. Stages that trials have in common run once; what is done is reused, so the same "
    "command goes on where it was stopped, and tries again what failed. `status` prints what is "
    "done and writes the table anew.\v"
    "key=value, NAME:key=value and *:key=value are for all trials. The table: "
    "OUTPUT_DIR/sweep-NAME-HASH/sweep.md and sweep.csv; what stages said: logs/ beside it. "
    "docs/sweeps.md has the form of FILE. With --on slurm the script of the jobs is printed, and "
    "sent with --go (docs/cluster.md).\n\n"
    "Exit status: 0 every trial is done; when some failed that of the first, the others were run; "
    "64 usage, 66 missing input, 69 device or sbatch unavailable, 74 input or output, 75 stopped: "
    "run "
    "it again, 78 bad config, 129, "
    "130 and 143 stopped by a signal, after checkpoints.";

static void read_seeds(struct arguments *a, const char *text, struct argp_state *state) {
    argument_seeds(state, text, &a->seeds);
    strings_add(&a->given, "--seeds");
    strings_add(&a->given, text);
}

static void add_override(struct arguments *a, const char *text, const char *next,
                         struct argp_state *state) {
    if (overrides_add(&a->overrides, text, next)) argp_error(state, "%s", error_message());
    strings_add(&a->given, text);
}

static void read_where(struct arguments *a, const char *text, struct argp_state *state) {
    if (strcmp(text, "local") != 0 && strcmp(text, "slurm") != 0)
        argp_error(state, "--on %s: is neither local nor slurm", text);
    a->on = *text == 's' ? ON_SLURM : ON_LOCAL;
}

static void check(const struct arguments *a, struct argp_state *state) {
    if (!a->file) argp_usage(state);
    if (a->make && !a->trial) argp_error(state, "--make goes with --trial");
    if (a->make) return; /* with the options of the sweep that it is of */
    if (a->trial && a->shared) argp_error(state, "--trial or --shared, not both");
    if (a->on == ON_SLURM && (a->trial || a->shared))
        argp_error(state, "--on slurm makes the jobs; --trial and --shared are what they call");
    if (a->on == ON_SLURM && a->status) argp_error(state, "status is the same everywhere");
    if (a->on != ON_SLURM && a->flags.first)
        argp_error(state, "--%s: goes with --on slurm", a->flags.first);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->flags; break;
    case KEY_ON: read_where(a, arg, state); break;
    case 'j': a->jobs = argument_int(state, "-j", arg, 1, 256); break;
    case KEY_DRY_RUN: a->dry_run = true; break;
    case KEY_TRIAL: a->trial = argument_int(state, "--trial", arg, 1, SWEEP_MAX_TRIALS); break;
    case KEY_SHARED: a->shared = true; break;
    case KEY_SEEDS: read_seeds(a, arg, state); break;
    case KEY_SET: add_override(a, arg, NULL, state); break;
    case KEY_MAKE: a->make = arg; break;
    case KEY_THREADS: a->threads = argument_int(state, "--threads", arg, 1, 4096); break;
    case KEY_PARENT: child_of(strtol(arg, NULL, 10)); break;
    case 'r': break;
    case 'v': log_set_level(LOG_DEBUG); break;
    case 'q': log_set_level(LOG_WARN); break;
    case ARGP_KEY_ARG:
        if (!a->file && !a->status && strcmp(arg, "status") == 0)
            a->status = true;
        else if (!a->file)
            a->file = arg;
        else
            add_override(a, arg, state->argv[state->next], state);
        break;
    case ARGP_KEY_END: check(a, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print(struct str *text) {
    if (text->at) fputs(text->at, stdout);
    str_free(text);
}

static void print_table(const struct sweep_table *t) {
    const struct sweep *s = t->sweep;
    struct str text = {0};
    sweep_table_print(t, &text);
    str_add(&text, "\ntable: %s/sweep.md\n", s->dir);
    print(&text);
    size_t n = 0, without = 0;
    for (size_t k = 0; k < s->n_trials; k++) {
        bool done = s->stage[s->trial[k].judged].state == SWEEP_DONE;
        n += done;
        without += done && isnan(t->objective[k]);
    }
    if (*s->file.opt.metric && n && n == without) {
        for (size_t i = 0; i < t->columns.n && i < 12; i++)
            str_add(&text, "%s%s", i ? ", " : "", t->columns.at[i]);
        log_warn("objective.metric: no trial has a %s; there are %s, ...", s->file.opt.metric,
                 text.at ? text.at : "none");
        str_free(&text);
    }
}

/* The status of a sweep that ran through: of the first stage that failed. */
static int outcome(const struct sweep *s) {
    size_t failed = 0, stopped = 0;
    const struct sweep_stage *first = NULL;
    for (size_t k = 0; k < s->n_trials; k++) failed += sweep_trial_failed(s, k) != SIZE_MAX;
    for (size_t i = 0; i < s->n_stages; i++) {
        if (s->stage[i].state == SWEEP_FAILED && !first) first = &s->stage[i];
        stopped += s->stage[i].state == SWEEP_STOPPED;
    }
    if (failed && first)
        return error_set(first->code,
                         "%zu of %zu trials failed, %s first: %s; the same command "
                         "tries them again",
                         failed, s->n_trials, path_base(first->dir),
                         first->message ? first->message : "");
    if (stopped)
        return error_set(ERR_AGAIN, "%zu stages were stopped; the same command goes on", stopped);
    return 0;
}

static int run_here(struct sweep *s, const struct arguments *a) {
    int64_t cores = run_cores();
    struct sweep_work w = {.jobs = a->jobs     ? a->jobs
                                   : cores > 0 ? cores
                                               : 1,
                           .shared_only = a->shared,
                           .argc = a->argc,
                           .argv = a->argv};
    time_limit_start(s->time_limit);
    int status = sweep_run(s, &w);
    struct sweep_table t = {0};
    struct str text = {0};
    if (status) return status;
    if (!a->shared) {
        sweep_print_states(s, &text);
        str_add(&text, "\n");
        print(&text);
        status = sweep_table_open(&t, s);
        if (!status) print_table(&t);
        sweep_table_close(&t);
    }
    return status ? status : outcome(s);
}

static int print_status(struct sweep *s) {
    struct str text = {0};
    struct sweep_table t;
    int status = sweep_table_open(&t, s);
    if (!status) status = sweep_table_write(&t);
    sweep_print_states(s, &text);
    str_add(&text, "\n");
    print(&text);
    if (!status) print_table(&t);
    sweep_table_close(&t);
    return status;
}

static void print_plan(const struct sweep *s) {
    struct str text = {0};
    sweep_print_plan(s, &text);
    print(&text);
}

/* Where the results are hashed with another device than that of this machine, `status` must be told
 * so, too. */
static void tell_status(const struct sweep *s, const struct arguments *a) {
    struct str words = {0};
    for (size_t i = 0; i < a->given.n; i++) {
        char *word = shell_word(a->given.at[i]);
        str_add(&words, " %s", word);
        free(word);
    }
    log_info("the table, at any time: ovseg sweep status %s%s", s->file.path,
             words.at ? words.at : "");
    str_free(&words);
}

/* As jobs of a cluster. */
static int on_slurm(struct sweep *s, struct arguments *a) {
    struct submission jobs = {0};
    struct resources_options r = {0};
    int status = submit_open(&jobs, &a->flags, "sweep", a->file);
    if (!status) status = sweep_resources(s, &a->flags, &jobs, &r, &a->given);
    s->check = device_check_graph; /* a trial is one process */
    if (!status) status = sweep_build(s);
    if (!status && a->dry_run) print_plan(s);
    if (!status && !a->dry_run) status = sweep_submit(s, &r, &a->given, a->jobs, &jobs);
    if (!status && !a->dry_run) status = submit_deliver(&jobs, &a->flags);
    if (!status && jobs.n && a->flags.go) tell_status(s, a);
    submission_free(&jobs);
    return status;
}

static int here(struct sweep *s, const struct arguments *a) {
    bool runs = !a->status && !a->dry_run && !a->trial;
    if (runs) s->check = device_usable; /* a trial of its own looks for it itself */
    int status = sweep_build(s);
    if (status) return status;
    if (a->status) return print_status(s);
    if (a->dry_run) {
        print_plan(s);
        return 0;
    }
    return a->trial ? sweep_run_trial(s, (size_t)a->trial - 1) : run_here(s, a);
}

static int sweep(struct arguments *a, struct sweep *s) {
    int status = sweep_read(s, a->file, &a->overrides, &a->seeds);
    if (!status && a->trial > (int64_t)s->n_trials)
        status =
            error_set(ERR_USAGE, "--trial %lld: there are %zu", (long long)a->trial, s->n_trials);
    if (status) return status;
    if (a->make) return sweep_make(s, (size_t)a->trial - 1, a->make, a->threads);
    return a->on == ON_SLURM ? on_slurm(s, a) : here(s, a);
}

int cmd_sweep(int argc, char **argv) {
    static const struct argp_child children[] = {{&submit_flags_argp, 0, "On slurm:", 1}, {0}};
    static const struct argp argp = {
        options, parse, "FILE [KEY=VALUE...]\nstatus FILE [KEY=VALUE...]", doc, children, 0, 0};
    signals_install();
    struct arguments a = {.argc = argc, .argv = argv};
    struct sweep s = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = sweep(&a, &s);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    if (status) status = cmd_failed();
    sweep_close(&s);
    free(a.seeds.at);
    strings_free(&a.given);
    submit_flags_free(&a.flags);
    overrides_free(&a.overrides);
    return status;
}
