/* ovseg runs diff A B: what differs between two runs. */
#include <argp.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings_text.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_runs.h"
#include "train/evaluation/protocol.h"
#include "train/places.h"
#include "train/run/identity.h"
#include "train/run/run_settings.h"

struct arguments {
    const char *a, *b, *runs;
    bool exit_code;
};

enum { KEY_RUNS = 256, KEY_EXIT_CODE };

static const struct argp_option options[] = {
    {"runs", KEY_RUNS, "DIR", 0,
     "Where a NAME or a HASH is looked for (default: paths.runs, or runs)", 0},
    {"exit-code", KEY_EXIT_CODE, 0, 0, "Exit with 1 when what decides results differs", 0},
    {0},
};

static const char doc[] =
    "Says what differs between two runs: what decides results (as `ovseg-train --explain` has it), "
    "further settings, the files and runs they were made from, and their figures side by side; of "
    "two evaluations also how they were measured, in words.\v"
    "Exit status: 0 done, also when they differ (1 with --exit-code), 64 usage, 65 damaged, 66 no "
    "such run, 74 output.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_RUNS: a->runs = arg; break;
    case KEY_EXIT_CODE: a->exit_code = true; break;
    case ARGP_KEY_ARG: argument_of_two(state, arg, &a->a, &a->b); break;
    case ARGP_KEY_END:
        if (!a->b) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* One side. */
struct side {
    char *dir;
    struct run_look look;
    struct bytes identity;
    struct said_settings settings;
};

static int side_open(struct side *s, const char *text, const char *runs) {
    *s = (struct side){.dir = run_named(text, runs)};
    if (!s->dir) return error_status();
    char *file = path_join(s->dir, "identity.txt");
    run_look(&s->look, s->dir);
    int status = file_read(file, 1 << 20, &s->identity);
    if (!status) status = run_settings_read(&s->settings, s->dir);
    free(file);
    return status;
}

static void side_close(struct side *s) {
    if (s->dir) run_look_free(&s->look);
    bytes_free(&s->identity);
    run_settings_free(&s->settings);
    free(s->dir);
}

/* Settings that do not decide results, or that only one of two stages has. */
static void say_settings(const struct side *a, const struct side *b, const char *said,
                         struct str *out) {
    struct str x = {0}, y = {0};
    struct setting_changes changes;
    size_t head = out->n;
    run_settings_lines(&a->settings, &x);
    run_settings_lines(&b->settings, &y);
    settings_diff(x.at, y.at, &changes);
    str_add(out, "\nfurther settings\n");
    size_t first = out->n;
    for (size_t i = 0; i < changes.n; i++) {
        const struct setting_change *c = &changes.at[i];
        char *named = mem_format(" %s=", c->key);
        if (!strstr(said, named) && strncmp(c->key, "inputs.", 7) != 0)
            str_add(out, "    %-28s %s -> %s\n", c->key, c->old ? c->old : "(not there)",
                    c->new ? c->new : "(not there)");
        free(named);
    }
    if (out->n == first) out->at[out->n = head] = '\0';
    setting_changes_free(&changes);
    str_free(&x);
    str_free(&y);
}

static const struct run_input *input_of(const struct run_look *r, const char *name) {
    for (size_t i = 0; i < r->n_inputs; i++)
        if (strcmp(r->input[i].name, name) == 0) return &r->input[i];
    return NULL;
}

static void say_input(const char *name, const struct run_input *a, const struct run_input *b,
                      struct str *out) {
    const char *x = !a ? "(none)" : a->run ? path_base(a->path) : a->path;
    const char *y = !b ? "(none)" : b->run ? path_base(b->path) : b->path;
    if (strcmp(x, y) == 0 && (!a || !b || a->best == b->best)) return;
    str_add(out, "    %-12s %s%s -> %s%s\n", name, x, a && a->best ? "@best" : "", y,
            b && b->best ? "@best" : "");
}

static void say_inputs(const struct run_look *a, const struct run_look *b, struct str *out) {
    size_t head = out->n;
    str_add(out, "\nmade from\n");
    size_t first = out->n;
    for (size_t i = 0; i < a->n_inputs; i++)
        say_input(a->input[i].name, &a->input[i], input_of(b, a->input[i].name), out);
    for (size_t i = 0; i < b->n_inputs; i++)
        if (!input_of(a, b->input[i].name)) say_input(b->input[i].name, NULL, &b->input[i], out);
    if (out->n == first) out->at[out->n = head] = '\0';
}

static double number(const cJSON *o, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

static void say_figures(const struct side *a, const struct side *b, const char *kind,
                        struct str *out) {
    cJSON *x = run_last_metrics(a->dir, kind), *y = run_last_metrics(b->dir, kind), *item;
    if (x && y) str_add(out, "\n%-30s %12s %12s\n", kind, "A", "B");
    cJSON_ArrayForEach(
        item, x) if (y && item->string && cJSON_IsNumber(item) && strcmp(item->string, "wall") != 0)
        str_add(out, "    %-26s %12.6g %12.6g\n", item->string, item->valuedouble,
                number(y, item->string));
    cJSON_Delete(x);
    cJSON_Delete(y);
}

static int say_results(const struct side *a, const struct side *b, struct str *out) {
    bool both = strcmp(a->look.metric, "mIoU") == 0 && strcmp(b->look.metric, "mIoU") == 0;
    char x[96], y[96];
    metric_text(&a->look, x);
    metric_text(&b->look, y);
    str_add(out, "\nmain figure: %s -> %s\n", x, y);
    if (!both) return 0;
    cJSON *p = NULL, *q = NULL;
    int status = protocol_read(a->dir, &p);
    if (!status) status = protocol_read(b->dir, &q);
    if (!status) {
        str_add(out, "\n");
        protocol_compare(p, q, out);
    }
    cJSON_Delete(p);
    cJSON_Delete(q);
    return status;
}

static int diff(const struct side *a, const struct side *b, bool *differ) {
    struct str out = {0}, said = {0};
    str_add(&out, "A: %s (%s)\nB: %s (%s)\n", a->dir, run_state_names[a->look.state], b->dir,
            run_state_names[b->look.state]);
    str_put(&said, "", 0);
    *differ = identity_diff((char *)a->identity.at, (char *)b->identity.at, &said) > 0;
    if (*differ)
        str_add(&out, "\nwhat decides results (was: A, now: B)\n%s", said.at);
    else
        str_add(&out, "\nnothing that decides results differs\n");
    say_settings(a, b, said.at, &out);
    say_inputs(&a->look, &b->look, &out);
    say_figures(a, b, "train", &out);
    say_figures(a, b, "validate", &out);
    int status = say_results(a, b, &out);
    str_free(&said);
    if (!status) return print_and_free(&out);
    str_free(&out);
    return status;
}

int cmd_runs_diff(int argc, char **argv) {
    static const struct argp argp = {options, parse, "A B", doc, 0, 0, 0};
    struct arguments a = {.runs = places_runs()};
    struct side x = {0}, y = {0};
    bool differ = false;
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = side_open(&x, a.a, a.runs);
    if (!status) status = side_open(&y, a.b, a.runs);
    if (!status) status = diff(&x, &y, &differ);
    side_close(&x);
    side_close(&y);
    if (status) return cmd_failed();
    return a.exit_code && differ;
}
