#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/report/report.h"
#include "train/run/run.h"
#include "train/run/run_meant.h"

static size_t find_run(const struct report *r, const char *real) {
    for (size_t i = 0; i < r->n_runs; i++)
        if (strcmp(r->run[i].real, real) == 0) return i;
    return SIZE_MAX;
}

static bool visit(struct report *r, const char *real) {
    for (size_t i = 0; i < r->visited.n; i++)
        if (strcmp(r->visited.at[i], real) == 0) return false;
    strings_add(&r->visited, real);
    return true;
}

static void read_curves(struct report_run *run) {
    char *first = path_join(run->look.dir, "pretrain");
    run_curves_read(&run->pretrain, first);
    run_curves_read(&run->curves, run->look.dir);
    free(first);
}

static void add_from(struct report_run *run, size_t from) {
    for (size_t i = 0; i < run->n_from; i++)
        if (run->from[i] == from) return;
    run->from = mem_grow(run->from, &run->cap, run->n_from + 1, sizeof *run->from);
    run->from[run->n_from++] = from;
}

/* Inputs first. A folder that names itself as an input, over whatever others, is one run. */
static size_t gather_run(struct report *r, const char *dir) {
    char *real = run_folder(dir) ? realpath(dir, NULL) : NULL;
    if (!real) return SIZE_MAX;
    size_t found = find_run(r, real);
    if (found != SIZE_MAX || !visit(r, real)) {
        free(real);
        return found;
    }
    struct report_run run = {.real = real};
    run_look(&run.look, dir);
    read_curves(&run);
    if (run_settings_read(&run.settings, dir)) error_clear();
    run.blend = report_blend(dir);
    for (size_t i = 0; i < run.look.n_inputs; i++) {
        if (!run.look.input[i].run) continue;
        size_t from = gather_run(r, run.look.input[i].path);
        if (from != SIZE_MAX) add_from(&run, from);
    }
    r->run = mem_grow(r->run, &r->runs_cap, r->n_runs + 1, sizeof *r->run);
    r->run[r->n_runs] = run;
    return r->n_runs++;
}

static bool has_rows(const cJSON *json) {
    return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(json, "rows"));
}

static bool is_label(const struct report *r, const char *label) {
    for (size_t i = 0; i < r->n_results; i++)
        if (strcmp(r->result[i].label, label) == 0) return true;
    return false;
}

/* Runs in different folders may have one name, rows of different sweeps, too: a result has its own.
 */
static void put_result(struct report *r, size_t run, const char *label, cJSON *json) {
    char *own = mem_strdup(label ? label : r->run[run].look.name);
    for (int k = 2; is_label(r, own); k++) {
        free(own);
        own = mem_format("%s (%d)", label ? label : r->run[run].look.name, k);
    }
    r->result = mem_grow(r->result, &r->results_cap, r->n_results + 1, sizeof *r->result);
    r->result[r->n_results++] = (struct report_result){.label = own, .json = json, .run = run};
}

static void add_result(struct report *r, size_t run, const char *label) {
    for (size_t i = 0; i < r->n_results; i++)
        if (r->result[i].run == run) return;
    cJSON *json = run_json(r->run[run].look.dir, "evaluation.json");
    if (has_rows(json))
        put_result(r, run, label, json);
    else
        cJSON_Delete(json);
}

size_t report_add_run(struct report *r, const char *dir, const char *label) {
    size_t run = gather_run(r, dir);
    if (run == SIZE_MAX) return run;
    if (label && !r->run[run].label) r->run[run].label = mem_strdup(label);
    add_result(r, run, label);
    return run;
}

void report_name(struct report *r, size_t run) {
    for (size_t i = 0; i < r->n_named; i++)
        if (r->named[i] == run) return;
    r->named = mem_grow(r->named, &r->named_cap, r->n_named + 1, sizeof *r->named);
    r->named[r->n_named++] = run;
}

static bool has_result(const struct report *r, size_t run) {
    for (size_t i = 0; i < r->n_results; i++)
        if (r->result[i].run == run) return true;
    return false;
}

char *report_closing(const char *dir, const cJSON *result) {
    char *real = realpath(dir, NULL), *parent = path_dir(real ? real : dir), *found = NULL;
    struct strings names = {0};
    if (has_rows(result) && dir_list(parent, &names)) error_clear();
    for (size_t i = 0; i < names.n && !found; i++) {
        char *beside = path_join(parent, names.at[i]);
        cJSON *other = run_folder(beside) ? run_json(beside, "result.json") : NULL;
        char *evaluation = path_join(beside, "evaluation.json");
        if (other && file_exists(evaluation) && cJSON_Compare(result, other, true))
            found = mem_strdup(beside);
        cJSON_Delete(other);
        free(evaluation);
        free(beside);
    }
    strings_free(&names);
    free(parent);
    free(real);
    return found;
}

/* The evaluation stands for the run that it closed: whichever of them is named, a report is the
 * same. */
static void add_named(struct report *r, const char *dir) {
    cJSON *result = run_json(dir, "result.json");
    char *evaluation = path_join(dir, "evaluation.json");
    char *closing = file_exists(evaluation) ? NULL : report_closing(dir, result);
    size_t run = report_add_run(r, closing ? closing : dir, NULL);
    REQUIRE(run != SIZE_MAX, "%s is a run", dir);
    report_name(r, run);
    if (!closing && has_rows(result) && !has_result(r, run))
        put_result(r, run, NULL, result);
    else
        cJSON_Delete(result);
    free(evaluation);
    free(closing);
}

static bool is_sweep(const char *dir) {
    char *logs = path_join(dir, "logs"), *csv = path_join(dir, "sweep.csv");
    bool named = strncmp(path_base(dir), "sweep-", 6) == 0;
    bool is = !run_folder(dir) && (file_exists(csv) || (named && dir_exists(logs)));
    free(logs);
    free(csv);
    return is;
}

static char *without_slashes(const char *word) {
    size_t n = strlen(word);
    while (n > 1 && word[n - 1] == '/') n--;
    return mem_format("%.*s", (int)n, word);
}

int report_add(struct report *r, const char *word, const char *runs) {
    char *dir = without_slashes(word), *below = path_join(runs, dir), *run = NULL;
    int status = 0;
    if (is_sweep(dir)) {
        status = report_add_sweep(r, dir);
    } else if (is_sweep(below)) {
        status = report_add_sweep(r, below);
    } else if (!(run = run_meant(dir, runs))) {
        status = error_status();
    } else {
        add_named(r, run);
    }
    free(run);
    free(below);
    free(dir);
    return status;
}

void report_chain(const struct report *r, size_t run, bool *in) {
    if (run == SIZE_MAX || in[run]) return;
    in[run] = true;
    for (size_t i = 0; i < r->run[run].n_from; i++) report_chain(r, r->run[run].from[i], in);
}

double report_number(const cJSON *json, const char *const *keys) {
    for (; *keys; keys++) json = cJSON_GetObjectItemCaseSensitive(json, *keys);
    return cJSON_IsNumber(json) ? json->valuedouble : NAN;
}

const cJSON *report_protocol(const struct report_result *x) {
    return cJSON_GetObjectItemCaseSensitive(x->json, "protocol");
}

static void run_free(struct report_run *run) {
    run_look_free(&run->look);
    run_curves_free(&run->pretrain);
    run_curves_free(&run->curves);
    run_settings_free(&run->settings);
    cJSON_Delete(run->blend);
    free(run->real);
    free(run->label);
    free(run->from);
}

void report_free(struct report *r) {
    for (size_t i = 0; i < r->n_runs; i++) run_free(&r->run[i]);
    for (size_t i = 0; i < r->n_results; i++) {
        free(r->result[i].label);
        cJSON_Delete(r->result[i].json);
    }
    for (size_t i = 0; i < r->n_sweeps; i++) report_sweep_free(&r->sweep[i]);
    free(r->named);
    free(r->run);
    free(r->result);
    free(r->sweep);
    strings_free(&r->visited);
    *r = (struct report){0};
}
