/* ovseg report RUN...: a page and tables of runs and sweeps; --compare A B: how two results were
 * measured, and why they differ. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_report.h"
#include "train/evaluation/difference.h"
#include "train/places.h"
#include "train/report/report.h"

struct arguments {
    bool compare;
    const char *output, *runs;
    struct report_look look;
    struct strings path, models;
    int64_t resamples, seed;
    bool draws; /* one of these was given */
};

enum {
    KEY_COMPARE = 256,
    KEY_RUNS,
    KEY_PICTURES,
    KEY_CLASSES,
    KEY_PAIRS,
    KEY_MODELS,
    KEY_RESAMPLES,
    KEY_SEED
};

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0,
     "Where report.html, report.md and a CSV file for each table go; made when missing (default: "
     "report)",
     0},
    {"runs", KEY_RUNS, "DIR", 0,
     "Where a NAME or a HASH is looked for, and a config's run (default: paths.runs, or runs)", 0},
    {"pictures", KEY_PICTURES, "N", 0, "Segmented pictures of each evaluation (default: 4)", 0},
    {"classes", KEY_CLASSES, "N", 0,
     "Classes that are drawn of each evaluation; of more the best and the worst (default: 60)", 0},
    {"pairs", KEY_PAIRS, "N", 0, "Pairs of names taken for each other (default: 10)", 0},
    {"compare", KEY_COMPARE, 0, 0,
     "In the place of all that: say in words how the protocols of two results differ, and how sure "
     "the difference of their figures is; with -o DIR also as differences.csv and "
     "class-differences.csv",
     0},
    {"models", KEY_MODELS, "A,B", 0,
     "With --compare: this model of A with that of B, which may be one run (default: every model "
     "that both have)",
     0},
    {"resamples", KEY_RESAMPLES, "N", 0,
     "With --compare: how often the pictures are drawn anew (default: 10000)", 0},
    {"seed", KEY_SEED, "N", 0, "With --compare: of these draws (default: 1)", 0},
    {0},
};

static const char doc[] =
    "Writes a page, report.html, that needs no other file, and its tables as report.md and CSV: of "
    "sweeps mean and deviation over seeds with the paper's figures beside; results, classes, names "
    "taken for others, segmented pictures, curves of every stage that a run was made from, how it "
    "was measured, and what it took. RUN is the folder of a run or of a sweep, NAME-HASH, or a "
    "NAME or the first 4 digits of a HASH that only one run has, or the config of one. Runs may be "
    "unfinished, failed or "
    "at work; nothing in their folders is changed.\n\n"
    "With --compare, of two results of evaluations, each a run, the config of one or of a chain "
    "that ends with one, or a result.json: every "
    "difference of set, names, templates, resize, threshold, ensemble, denominator, checkpoint "
    "rule and further options in words, then the figures side by side, then the differences of the "
    "ensembles with 95 % intervals (paired bootstrap over pictures), when both were counted on the "
    "same pictures.\v"
    "docs/report.md has what each table is.\n\n"
    "Exit status: 0 done (whether results differ or not), 64 usage, 65 not a result, or a damaged "
    "table, 66 no such run, or none that was judged, 74 output, 78 a bad config.";

static void check(const struct arguments *a, struct argp_state *state) {
    if (!a->path.n) argp_usage(state);
    if (a->compare && a->path.n != 2) argp_error(state, "--compare takes two results, A and B");
    if (!a->compare && (a->models.n || a->draws))
        argp_error(state, "--models, --resamples and --seed go with --compare");
}

static void take_models(struct arguments *a, const char *arg, struct argp_state *state) {
    const char *comma = strchr(arg, ',');
    if (!comma || comma == arg || !comma[1] || strchr(comma + 1, ','))
        argp_error(state, "--models %s: two names, A,B", arg);
    char *first = mem_format("%.*s", (int)(comma - arg), arg);
    strings_free(&a->models);
    strings_add(&a->models, first);
    strings_add(&a->models, comma + 1);
    free(first);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_COMPARE: a->compare = true; break;
    case KEY_RUNS: a->runs = arg; break;
    case 'o': a->output = arg; break;
    case KEY_PICTURES:
        a->look.pictures = (size_t)argument_int(state, "--pictures", arg, 0, 1000);
        break;
    case KEY_CLASSES:
        a->look.classes = (size_t)argument_int(state, "--classes", arg, 2, 10000);
        break;
    case KEY_PAIRS: a->look.pairs = (size_t)argument_int(state, "--pairs", arg, 0, 1000); break;
    case KEY_MODELS: take_models(a, arg, state); break;
    case KEY_RESAMPLES:
        a->draws = true;
        a->resamples = argument_int(state, "--resamples", arg, 100, 1000000);
        break;
    case KEY_SEED:
        a->draws = true;
        a->seed = argument_int(state, "--seed", arg, 0, INT64_MAX);
        break;
    case ARGP_KEY_ARG: strings_add(&a->path, arg); break;
    case ARGP_KEY_END: check(a, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int compare(const struct arguments *a) {
    struct report_compare c = {.word = a->path.at,
                               .runs = a->runs,
                               .model_a = a->models.n ? a->models.at[0] : NULL,
                               .model_b = a->models.n ? a->models.at[1] : NULL,
                               .resamples = a->resamples,
                               .seed = (uint64_t)a->seed,
                               .classes = a->look.classes,
                               .output = a->output};
    return report_compare(&c);
}

static int write_report(const struct arguments *a) {
    const char *dir = a->output ? a->output : "report";
    struct report r = {0};
    int status = 0;
    for (size_t i = 0; !status && i < a->path.n; i++)
        status = report_add(&r, a->path.at[i], a->runs);
    if (!status) status = report_write(&r, &a->look, dir);
    if (!status) {
        printf("%zu sweeps, %zu evaluations, %zu runs: %s/report.html\n", r.n_sweeps, r.n_results,
               r.n_runs, dir);
        if (fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    }
    report_free(&r);
    return status;
}

int cmd_report(int argc, char **argv) {
    static const struct argp argp = {options, parse, "RUN...\n--compare A B", doc, 0, 0, 0};
    struct arguments a = {.runs = places_runs(),
                          .look = {.pictures = 4, .classes = 60, .pairs = 10},
                          .resamples = DIFFERENCE_RESAMPLES,
                          .seed = DIFFERENCE_SEED};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = a.compare ? compare(&a) : write_report(&a);
    strings_free(&a.path);
    strings_free(&a.models);
    return status ? cmd_failed() : 0;
}
