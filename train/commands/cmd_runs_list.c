/* ovseg runs list [DIR]: the runs of a folder, a line each. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "configs/config.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_runs.h"
#include "train/places.h"

struct arguments {
    const char *dir, *stage, *state;
    bool json;
};

enum { KEY_STAGE = 256, KEY_STATE, KEY_JSON, KEY_RUNS };

static const struct argp_option options[] = {
    {"stage", KEY_STAGE, "STAGE", 0, "Only runs of this stage: mine, mask-prompt, ...", 0},
    {"state", KEY_STATE, "STATE", 0, "Only done, running, unfinished or failed ones", 0},
    {"json", KEY_JSON, 0, 0, "Print a JSON array of objects", 0},
    {"runs", KEY_RUNS, "DIR", 0, "The same as DIR", 0},
    {0},
};

static const char doc[] =
    "Lists the runs in DIR (paths.runs, or \"runs\", when it is not given): config, stage, state, "
    "seconds, main figure, size, age, the runs it was made from, folder; separated by tabs where "
    "stdout is no terminal.\v"
    "States: done; running (a process holds its lock and lives; of another host, while its files "
    "move); unfinished (stopped or killed: its command goes on); failed (its last life ended with "
    "an error: `ovseg runs show` has it). The main figure is the mIoU of the last model of an "
    "evaluation, else the last validation, the pairs mined, the last loss.\n\n"
    "Exit status: 0 done, 64 usage, 66 no such folder, 74 output.";

static bool is_one_of(const char *text, const char *const *names) {
    while (*names && strcmp(*names, text) != 0) names++;
    return *names;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_STAGE:
        a->stage = arg;
        if (!is_one_of(arg, stage_names))
            argp_error(state,
                       "--stage %s: there is no such stage; `ovseg settings stage` lists them",
                       arg);
        break;
    case KEY_STATE:
        a->state = arg;
        if (!is_one_of(arg, run_state_names))
            argp_error(state, "--state %s: is none of done, running, unfinished, failed", arg);
        break;
    case KEY_JSON: a->json = true; break;
    case KEY_RUNS: /* as the other parts have it */
    case ARGP_KEY_ARG:
        if (a->dir) argp_usage(state);
        a->dir = arg;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* A table of texts, its columns as wide as they must be, or with tabs between. */
enum { COLUMNS = 9 };

struct table {
    char *(*row)[COLUMNS];
    size_t n, cap;
};

static char **table_row(struct table *t) {
    t->row = mem_grow(t->row, &t->cap, t->n + 1, sizeof *t->row);
    return t->row[t->n++];
}

static void table_print(const struct table *t, bool aligned, struct str *out) {
    int width[COLUMNS] = {0};
    for (size_t i = 0; aligned && i < t->n; i++)
        for (int k = 0; k < COLUMNS; k++) {
            int n = (int)strlen(t->row[i][k]);
            if (n > width[k]) width[k] = n;
        }
    for (size_t i = 0; i < t->n; i++)
        for (int k = 0; k < COLUMNS; k++)
            if (k + 1 == COLUMNS)
                str_add(out, "%s\n", t->row[i][k]);
            else if (aligned)
                str_add(out, "%-*s  ", width[k], t->row[i][k]);
            else
                str_add(out, "%s\t", t->row[i][k]);
}

static void table_free(struct table *t) {
    for (size_t i = 0; i < t->n; i++)
        for (int k = 0; k < COLUMNS; k++) free(t->row[i][k]);
    free(t->row);
}

static void add_head(struct table *t) {
    static const char *const names[COLUMNS] = {"name", "stage", "state", "seconds", "figure",
                                               "size", "age",   "from",  "folder"};
    char **row = table_row(t);
    for (int k = 0; k < COLUMNS; k++) row[k] = mem_strdup(names[k]);
}

static void add_run(struct table *t, const struct run_look *r) {
    char size[16], age[16], metric[96];
    struct str from = {0};
    bytes_text(r->bytes, size);
    age_text(difftime(time(NULL), r->moved), age);
    metric_text(r, metric);
    for (size_t i = 0; i < r->n_inputs; i++)
        if (r->input[i].run)
            str_add(&from, "%s%s%s", from.n ? "," : "", path_base(r->input[i].path),
                    r->input[i].best ? "@best" : "");
    char **row = table_row(t);
    row[0] = mem_strdup(r->config);
    row[1] = mem_strdup(r->stage);
    row[2] = mem_strdup(run_state_names[r->state]);
    row[3] = isnan(r->seconds) ? mem_strdup("-") : mem_format("%.1f", r->seconds);
    row[4] = mem_strdup(metric);
    row[5] = mem_strdup(size);
    row[6] = mem_strdup(age);
    row[7] = mem_strdup(from.n ? from.at : "-");
    row[8] = mem_strdup(r->dir);
    str_free(&from);
}

static bool wanted(const struct arguments *a, const struct run_look *r) {
    return (!a->stage || strcmp(a->stage, r->stage) == 0) &&
           (!a->state || strcmp(a->state, run_state_names[r->state]) == 0);
}

static int list(const struct arguments *a) {
    struct run_looks all;
    struct table table = {0};
    struct str text = {0};
    struct json_out j = {.to = &text};
    int status = run_look_all(&all, a->dir ? a->dir : places_runs());
    bool aligned = !a->json && isatty(STDOUT_FILENO);
    if (aligned) add_head(&table);
    if (a->json) json_array(&j);
    for (size_t i = 0; !status && i < all.n; i++) {
        if (!wanted(a, &all.at[i])) continue;
        if (a->json)
            run_look_json(&all.at[i], &j);
        else
            add_run(&table, &all.at[i]);
    }
    if (a->json) {
        json_end(&j);
        str_add(&text, "\n");
    }
    table_print(&table, aligned, &text);
    table_free(&table);
    run_looks_free(&all);
    if (!status) return print_and_free(&text);
    str_free(&text);
    return status;
}

int cmd_runs_list(int argc, char **argv) {
    static const struct argp argp = {options, parse, "[DIR]", doc, 0, 0, 0};
    struct arguments a = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return list(&a) ? cmd_failed() : 0;
}
