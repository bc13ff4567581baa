#include "train/evaluation/eval_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/figure.h"
#include "base/file.h"
#include "train/commands/cmd.h"
#include "train/evaluation/protocol.h"
#include "train/evaluation/result_full.h"
#include "train/package/package.h"
#include "train/run/run.h"

/* A set that is asked for. */
struct wanted {
    char *label;
    char *scenes; /* NULL: that of the config */
    char *set;    /* NULL: eval.set */
};

static void wanted_free(struct wanted *w) {
    free(w->label);
    free(w->scenes);
    free(w->set);
}

/* "NAME", or "PATH[:NAME]" of a config of stage prepare or scenes, or of its run. */
static struct wanted wanted_of(const char *text, size_t n) {
    struct wanted w = {0};
    char *path = mem_format("%.*s", (int)n, text), *colon = strrchr(path, ':');
    if (colon && !strchr(colon, '/')) {
        *colon = '\0';
        w.set = mem_strdup(colon + 1);
    }
    if (strchr(path, '/') || path_is_yaml(path)) {
        char *stem = path_is_yaml(path) ? path_stem(path) : mem_strdup(path_base(path));
        w.label = mem_format("%s%s%s", stem, w.set ? ":" : "", w.set ? w.set : "");
        w.scenes = path;
        free(stem);
    } else {
        free(path);
        free(w.set);
        w.set = mem_format("%.*s", (int)n, text);
        w.label = mem_strdup(w.set);
    }
    return w;
}

struct wanted_sets {
    struct wanted *at;
    size_t n, cap;
};

static void wanted_sets_free(struct wanted_sets *l) {
    for (size_t i = 0; i < l->n; i++) wanted_free(&l->at[i]);
    free(l->at);
}

static int read_sets(const char *text, struct wanted_sets *l) {
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",");
        struct wanted w = wanted_of(at, n);
        bool empty = !n || (w.set && !*w.set);
        for (size_t i = 0; i < l->n; i++)
            if (strcmp(l->at[i].label, w.label) == 0)
                error_set(ERR_USAGE, "--sets %s: \"%s\" stands there twice", text, w.label);
        l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
        l->at[l->n++] = w;
        if (empty) error_set(ERR_USAGE, "--sets %s: names of sets, separated by commas", text);
        at += n;
        if (!*at || error_status()) return error_status();
    }
}

/* ---- the command line of ovseg-train ---- */

static void add_override(struct strings *argv, const char *key, const char *value) {
    char *text = mem_format("%s=%s", key, value);
    strings_add(argv, text);
    free(text);
}

/* A finished evaluation as a config: its settings, with the runs it was made from. */
static int add_run(struct strings *argv, const char *dir) {
    struct graph g = {0};
    const struct node *n = run_node_open(&g, dir);
    if (n && n->config.run.stage != STAGE_EVALUATE)
        error_set(ERR_CONFIG,
                  "%s: a run of stage %s: segmentation is evaluated by a config of stage evaluate, "
                  "or the run of one; pictures are classified with --images DIR",
                  dir, n->stage->name);
    if (n && !error_status()) {
        char *settings = path_join(n->dir, "settings.yaml"), *parent = path_dir(n->dir);
        strings_add(argv, settings);
        add_override(argv, "output_dir", parent);
        add_override(argv, "then", "\"\"");
        for (size_t i = 0; i < n->n_inputs; i++) {
            const struct node_input *in = &n->input[i];
            char *key = mem_format("inputs.%s", in->name);
            char *value =
                mem_format("%s%s", in->node ? in->node->dir : in->path, in->best ? "@best" : "");
            add_override(argv, key, value);
            free(key);
            free(value);
        }
        free(settings);
        free(parent);
    }
    graph_close(&g);
    return error_status();
}

/* Whether the pictures are said, which a package has none of. */
static bool has_pictures(const struct eval_request *r) {
    for (size_t i = 0; i < r->overrides->n; i++)
        if (strcmp(r->overrides->at[i].key, "inputs.scenes") == 0) return true;
    return r->sets && (strchr(r->sets, '/') || strstr(r->sets, ".yaml") || strstr(r->sets, ".yml"));
}

/* A package as a config: its settings, itself as both models. */
static int add_package(struct strings *argv, const struct eval_request *r) {
    struct graph g = {0};
    const struct node *n = package_open(&g, r->model); /* before a config is read out of it */
    if (n && !has_pictures(r))
        error_set(ERR_USAGE,
                  "%s: a package has no pictures in it: --sets CONFIG.yaml or RUN of stage prepare "
                  "or scenes, or inputs.scenes=...; --images DIR classifies",
                  r->model);
    if (n && !error_status()) {
        strings_add(argv, n->path);
        add_override(argv, "inputs.clip", n->dir);
        add_override(argv, "inputs.proposals", n->dir);
        add_override(argv, "output_dir", "runs");
    }
    graph_close(&g);
    return error_status();
}

/* A config must be of stage evaluate; ovseg-train reports what else is wrong with it. */
static int add_config(struct strings *argv, const char *path) {
    struct settings_doc config = {0};
    bool found = file_exists(path) || dir_exists(path);
    if (found && !path_is_yaml(path))
        return error_set(ERR_USAGE,
                         "%s: is no config: segmentation is evaluated by a config (.yaml) of stage "
                         "evaluate, or the run of one; pictures are classified with --images DIR",
                         path);
    int status = settings_read(&config, path);
    const char *stage = status ? NULL : settings_text(&config, "stage");
    if (!status && (!stage || strcmp(stage, "evaluate") != 0))
        status = error_set(ERR_CONFIG,
                           "%s: of stage %s: segmentation is evaluated by a config of "
                           "stage evaluate; pictures are classified with --images DIR",
                           path, stage ? stage : "(none)");
    settings_doc_free(&config);
    strings_add(argv, path);
    return status;
}

static int command_line(const struct eval_request *r, struct strings *argv) {
    strings_add(argv, "train");
    int status = run_folder(r->model)   ? add_run(argv, r->model)
                 : package_is(r->model) ? add_package(argv, r)
                                        : add_config(argv, r->model);
    if (status) return status;
    if (r->quiet) strings_add(argv, "--quiet");
    if (r->dry_run) strings_add(argv, "--dry-run");
    if (r->explain) strings_add(argv, "--explain");
    if (!r->sets) add_override(argv, "measure.table", "full"); /* of several, one table over all */
    for (size_t i = 0; i < r->overrides->n; i++) {             /* later wins */
        const struct override *o = &r->overrides->at[i];
        char *key = mem_format("%s%s%s", o->scope ? o->scope : "", o->scope ? ":" : "", o->key);
        add_override(argv, key, o->value);
        free(key);
    }
    return 0;
}

/* ---- the table over sets ---- */

static int64_t count_of(const cJSON *result, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(result, "protocol");
    x = cJSON_GetObjectItemCaseSensitive(x, key);
    return cJSON_IsNumber(x) ? (int64_t)x->valuedouble : 0;
}

static int label_columns(const struct wanted_sets *sets) {
    int most = 20;
    for (size_t i = 0; i < sets->n; i++) {
        int n = (int)strlen(sets->at[i].label);
        if (n > most) most = n;
    }
    return most;
}

static void print_set(const char *label, int columns, const cJSON *result, struct str *to) {
    static const char *const figures[] = {"miou",  "miou_truth", "miou_all",
                                          "fwiou", "macc",       "pacc"};
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "rows")) {
        str_add(to, "%-*s %-10s %7lld %7lld", columns, label, result_model(row),
                (long long)count_of(result, "classes"), (long long)count_of(result, "images"));
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
            str_add(to, " %7s", figure_text(result_figure(row, figures[i]), 2).at);
        str_add(to, "\n");
    }
}

static void begin_table(int columns, struct str *to) {
    str_add(to, "\n%-*s %-10s %7s %7s %7s %7s %7s %7s %7s %7s\n", columns, "set", "model",
            "classes", "images", "mIoU", "/truth", "/all", "fwIoU", "mACC", "pACC");
}

static const char legend[] =
    "mIoU: mean over the classes in truth or predicted; /truth: over those in the truth; /all: "
    "over all\n";

/* ---- one after the other ---- */

/* Runs ovseg-train with these arguments; *dir: the run of the evaluation, when there is one. */
static int run_train(const struct strings *argv, char **dir) {
    char **copy = mem_alloc(argv->n + 1, sizeof(char *));
    for (size_t i = 0; i < argv->n; i++) copy[i] = argv->at[i];
    int status = train_command((int)argv->n, copy, dir);
    free(copy);
    return status;
}

static int evaluate_set(const struct strings *base, const struct wanted *w, int columns,
                        struct str *table) {
    struct strings argv = {0};
    char *dir = NULL;
    cJSON *result = NULL;
    strings_copy(&argv, base);
    if (w->scenes) add_override(&argv, "inputs.scenes", w->scenes);
    if (w->set) add_override(&argv, "eval.set", w->set);
    printf("\n== %s\n", w->label);
    fflush(stdout); /* before what children print */
    int status = run_train(&argv, &dir);
    if (!status && dir && protocol_read(dir, &result)) status = cmd_failed();
    if (result) print_set(w->label, columns, result, table);
    cJSON_Delete(result);
    strings_free(&argv);
    free(dir);
    return status;
}

static int evaluate_sets(const struct strings *base, const struct wanted_sets *sets, bool dry_run) {
    struct str table = {0};
    int status = 0, columns = label_columns(sets);
    begin_table(columns, &table);
    for (size_t i = 0; !status && i < sets->n; i++)
        status = evaluate_set(base, &sets->at[i], columns, &table);
    if (!status && !dry_run) printf("%s%s", table.at, legend);
    str_free(&table);
    return status;
}

int eval_segmentation(const struct eval_request *r) {
    struct strings argv = {0};
    struct wanted_sets sets = {0};
    int status = r->sets ? read_sets(r->sets, &sets) : 0;
    if (!status) status = command_line(r, &argv);
    if (!status)
        status = r->sets ? evaluate_sets(&argv, &sets, r->dry_run) : run_train(&argv, NULL);
    wanted_sets_free(&sets);
    strings_free(&argv);
    return status;
}
