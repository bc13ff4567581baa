/* ovseg runs show RUN: all that a run says of itself. */
#include <argp.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/figure.h"
#include "base/file.h"
#include "base/json.h"
#include "checkpoints/history.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_runs.h"
#include "train/places.h"
#include "train/run/run_settings.h"

struct arguments {
    const char *run, *runs;
    bool json, all;
};

enum { KEY_JSON = 256, KEY_RUNS, KEY_ALL };

static const struct argp_option options[] = {
    {"all", KEY_ALL, 0, 0, "All settings, also those that have their defaults", 0},
    {"json", KEY_JSON, 0, 0, "Print a JSON object", 0},
    {"runs", KEY_RUNS, "DIR", 0,
     "Where a NAME or a HASH is looked for (default: paths.runs, or runs)", 0},
    {0},
};

static const char doc[] =
    "Shows a run: its state, the settings that differ from their defaults and where each was said, "
    "what it was made from, what uses it, checkpoints, last figures, its result, and what its "
    "identity is a hash of. RUN is its folder, NAME-HASH, or a NAME or the first 4 digits of a "
    "HASH that only one run has.\v"
    "Exit status: 0 done, 64 usage, 65 damaged, 66 no such run, 74 output.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_JSON: a->json = true; break;
    case KEY_ALL: a->all = true; break;
    case KEY_RUNS: a->runs = arg; break;
    case ARGP_KEY_ARG:
        if (a->run) argp_usage(state);
        a->run = arg;
        break;
    case ARGP_KEY_END:
        if (!a->run) argp_usage(state);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool shown(const struct arguments *a, const struct said_setting *s) {
    return a->all || strcmp(s->origin, "default") != 0;
}

/* ---- as text ---- */

static void say_state(const struct run_look *r, struct str *out) {
    char size[16], age[16], span[16];
    bytes_text(r->bytes, size);
    age_text(difftime(time(NULL), r->moved), age);
    str_add(out, "%s: stage %s, %s", r->dir, r->stage, run_state_names[r->state]);
    if (!isnan(r->seconds)) {
        clock_span(r->seconds, span);
        str_add(out, " in %s", span);
    }
    str_add(out, "; %s, last changed %s ago\n", size, age);
    if (r->state == RUN_RUNNING)
        str_add(out, "  process %ld on %s%s%s\n", r->holder.pid, r->holder.host,
                *r->holder.job ? ", job " : "", r->holder.job);
    if (r->failed) str_add(out, "  exit %d: %s\n", r->failed_code, r->failed);
}

static void say_settings(const struct arguments *a, const struct said_settings *s,
                         struct str *out) {
    str_add(out, "\nsettings%s\n", a->all ? "" : " that are not defaults");
    for (size_t i = 0; i < s->n; i++)
        if (shown(a, &s->at[i]))
            str_add(out, "  %-28s %-24s %s\n", s->at[i].key, s->at[i].value, s->at[i].origin);
}

static void say_inputs(const struct run_look *r, const struct run_looks *all, struct str *out) {
    str_add(out, "\nmade from\n");
    for (size_t i = 0; i < r->n_inputs; i++) {
        const struct run_input *in = &r->input[i];
        const char *note = in->run && !dir_exists(in->path) ? "  (it is gone)" : "";
        str_add(out, "  %-12s %s%s%s\n", in->name, in->path, in->best ? "@best" : "", note);
    }
    if (!r->n_inputs) str_add(out, "  nothing\n");
    str_add(out, "\nused by\n");
    size_t users = 0;
    for (size_t i = 0; i < all->n; i++)
        if (run_uses(&all->at[i], r->dir)) {
            users++;
            str_add(out, "  %-12s %s\n", all->at[i].config, all->at[i].dir);
        }
    if (!users) str_add(out, "  no run beside it\n");
}

static void say_checkpoints(const struct run_look *r, struct str *out) {
    int64_t *steps = NULL;
    size_t n = 0;
    char *best = history_best(r->dir);
    if (history_list(r->dir, &steps, &n)) error_clear();
    if (n) str_add(out, "\ncheckpoints\n");
    for (size_t i = 0; i < n; i++) {
        char *path = history_path(r->dir, steps[i], ""), size[16];
        bytes_text(tree_bytes(path, NULL), size);
        bool is_best = best && strcmp(path_base(best), path_base(path)) == 0;
        str_add(out, "  step %-10lld %s%s\n", (long long)steps[i], size, is_best ? "  best" : "");
        free(path);
    }
    free(best);
    free(steps);
}

static void say_metrics(const struct run_look *r, const char *kind, struct str *out) {
    cJSON *line = run_last_metrics(r->dir, kind), *x;
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(line, "step");
    if (line) str_add(out, "  %-9s step %.0f:", kind, cJSON_IsNumber(step) ? step->valuedouble : 0);
    cJSON_ArrayForEach(x, line) if (x->string && strcmp(x->string, "step") != 0 &&
                                    strcmp(x->string, "wall") != 0 && cJSON_IsNumber(x))
        str_add(out, " %s %.4g", x->string, x->valuedouble);
    if (line) str_add(out, "\n");
    cJSON_Delete(line);
}

static void say_result(const struct run_look *r, struct str *out) {
    cJSON *json = run_json(r->dir, "evaluation.json");
    const cJSON *row;
    if (json) str_add(out, "\nresult (mIoU all, seen, unseen)\n");
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "rows")) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(row, "name"), *x;
        str_add(out, "  %-12s", cJSON_IsString(name) ? name->valuestring : "?");
        cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(row, "miou"))
            str_add(out, " %6s", figure_text(cJSON_IsNumber(x) ? x->valuedouble : NAN, 1).at);
        str_add(out, "\n");
    }
    cJSON_Delete(json);
    char metric[96];
    metric_text(r, metric);
    if (strcmp(metric, "-") != 0) str_add(out, "\nmain figure: %s\n", metric);
}

/* The lines of the identity that are no settings: stage, revision, device, inputs by their hashes.
 */
static void say_identity(const char *identity, struct str *out) {
    str_add(out, "\nthe hash is over\n");
    for (const char *line = identity; *line;) {
        size_t n = strcspn(line, "\n");
        if (!memchr(line, '=', n)) str_add(out, "  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    str_add(out, "  and the settings of class result (identity.txt)\n");
}

static int say_all(const struct arguments *a, const struct run_look *r, const struct run_looks *all,
                   const char *identity) {
    struct said_settings settings;
    struct str out = {0};
    if (run_settings_read(&settings, r->dir)) return error_status();
    say_state(r, &out);
    say_settings(a, &settings, &out);
    say_inputs(r, all, &out);
    say_checkpoints(r, &out);
    size_t before = out.n;
    str_add(&out, "\nlast figures\n");
    size_t head = out.n;
    say_metrics(r, "train", &out);
    say_metrics(r, "validate", &out);
    if (out.n == head) out.at[out.n = before] = '\0';
    say_result(r, &out);
    say_identity(identity, &out);
    run_settings_free(&settings);
    return print_and_free(&out);
}

/* ---- as JSON ---- */

static void put_settings(const struct arguments *a, const struct said_settings *s,
                         struct json_out *j) {
    json_key(j, "settings");
    json_object(j);
    for (size_t i = 0; i < s->n; i++) {
        if (!shown(a, &s->at[i])) continue;
        json_key(j, s->at[i].key);
        json_object(j);
        json_key_string(j, "value", s->at[i].value);
        json_key_string(j, "origin", s->at[i].origin);
        json_end(j);
    }
    json_end(j);
}

/* A document that another file holds, as it is. */
static void put_json(struct json_out *j, const char *key, cJSON *json) {
    char *text = json ? cJSON_PrintUnformatted(json) : NULL;
    json_key(j, key);
    json_null(j);
    if (text) {
        j->to->n -= strlen("null");
        str_add(j->to, "%s", text);
    }
    free(text);
    cJSON_Delete(json);
}

static int print_json(const struct arguments *a, const struct run_look *r,
                      const struct run_looks *all, const char *identity) {
    struct said_settings settings;
    struct str out = {0};
    struct json_out j = {.to = &out};
    if (run_settings_read(&settings, r->dir)) return error_status();
    json_object(&j);
    json_key(&j, "run");
    run_look_json(r, &j);
    put_settings(a, &settings, &j);
    json_key(&j, "used_by");
    json_array(&j);
    for (size_t i = 0; i < all->n; i++)
        if (run_uses(&all->at[i], r->dir)) json_string(&j, all->at[i].dir);
    json_end(&j);
    put_json(&j, "train", run_last_metrics(r->dir, "train"));
    put_json(&j, "validate", run_last_metrics(r->dir, "validate"));
    put_json(&j, "result", run_json(r->dir, "evaluation.json"));
    json_key_string(&j, "identity", identity);
    json_end(&j);
    str_add(&out, "\n");
    run_settings_free(&settings);
    return print_and_free(&out);
}

static int show(const struct arguments *a) {
    char *dir = run_named(a->run, a->runs);
    if (!dir) return error_status();
    char *file = path_join(dir, "identity.txt"), *parent = path_dir(dir);
    struct bytes identity = {0};
    struct run_looks all = {0};
    struct run_look r;
    run_look(&r, dir);
    int status = file_read(file, 1 << 20, &identity);
    if (!status) status = run_look_all(&all, parent);
    if (!status) status = (a->json ? print_json : say_all)(a, &r, &all, (const char *)identity.at);
    run_look_free(&r);
    run_looks_free(&all);
    bytes_free(&identity);
    free(parent);
    free(file);
    free(dir);
    return status;
}

int cmd_runs_show(int argc, char **argv) {
    static const struct argp argp = {options, parse, "RUN", doc, 0, 0, 0};
    struct arguments a = {.runs = places_runs()};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    return show(&a) ? cmd_failed() : 0;
}
