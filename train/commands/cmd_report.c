/* ovseg report RUN...: a page and tables of runs and sweeps; --compare A B: how two results were
 * measured, and why they differ. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/places.h"
#include "train/protocol.h"
#include "train/report/report.h"

struct arguments {
    bool compare;
    const char *output, *runs;
    struct report_look look;
    struct strings path;
};

enum { KEY_COMPARE = 256, KEY_RUNS, KEY_PICTURES, KEY_CLASSES, KEY_PAIRS };

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0,
     "Where report.html, report.md and a CSV file for each table go; made when missing (default: "
     "report)",
     0},
    {"runs", KEY_RUNS, "DIR", 0,
     "Where a NAME or a HASH is looked for (default: paths.runs, or runs)", 0},
    {"pictures", KEY_PICTURES, "N", 0, "Segmented pictures of each evaluation (default: 4)", 0},
    {"classes", KEY_CLASSES, "N", 0,
     "Classes that are drawn of each evaluation; of more the best and the worst (default: 60)", 0},
    {"pairs", KEY_PAIRS, "N", 0, "Pairs of names taken for each other (default: 10)", 0},
    {"compare", KEY_COMPARE, 0, 0,
     "In the place of all that: say in words how the protocols of two results differ", 0},
    {0},
};

static const char doc[] =
    "Writes a page, report.html, that needs no other file, and its tables as report.md and CSV: of "
    "sweeps mean and deviation over seeds with the paper's figures beside; results, classes, names "
    "taken for others, segmented pictures, curves of every stage that a run was made from, how it "
    "was measured, and what it took. RUN is the folder of a run or of a sweep, NAME-HASH, or a "
    "NAME or the first 4 digits of a HASH that only one run has. Runs may be unfinished, failed or "
    "at work; nothing in their folders is changed.\n\n"
    "With --compare, of two results of evaluations, each a run or its result.json: every "
    "difference of set, names, templates, resize, threshold, ensemble, denominator, checkpoint "
    "rule and further options in words, then the figures side by side.\v"
    "docs/report.md has what each table is.\n\n"
    "Exit status: 0 done (whether results differ or not), 64 usage, 65 not a result, or a damaged "
    "table, 66 no such run, 74 output.";

static void check(const struct arguments *a, struct argp_state *state) {
    if (!a->path.n) argp_usage(state);
    if (a->compare && a->path.n != 2) argp_error(state, "--compare takes two results, A and B");
    if (a->compare && a->output) argp_error(state, "--compare writes no files: without -o");
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
    case ARGP_KEY_ARG: strings_add(&a->path, arg); break;
    case ARGP_KEY_END: check(a, state); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int compare(char *const path[2]) {
    cJSON *a = NULL, *b = NULL;
    int status = protocol_read(path[0], &a);
    if (!status) status = protocol_read(path[1], &b);
    if (!status) {
        struct str text = {0};
        protocol_compare(a, b, &text);
        printf("A: %s\nB: %s\n\n%s", path[0], path[1], text.at);
        str_free(&text);
        if (fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    }
    cJSON_Delete(a);
    cJSON_Delete(b);
    return status;
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
                          .look = {.pictures = 4, .classes = 60, .pairs = 10}};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = a.compare ? compare(a.path.at) : write_report(&a);
    strings_free(&a.path);
    return status ? cmd_failed() : 0;
}
