#include "train/sweep/sweep_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/setting_rows.h"
#include "base/settings_value.h"
#include "train/sweep/sweep_parameters.h"

/* clang-format off */
#define SETTINGS_OF struct sweep_options
static const char *const methods[] = {"grid", "random", "list", NULL}; /* enum sweep_method */
static const char *const ons[] = {"validation", "test", NULL};         /* enum sweep_on */
static const char *const goals[] = {"max", "min", NULL};               /* enum sweep_goal */
static const struct setting rows[] = {
    STRING("config",           config,      RESULT, NULL,         "the config that every trial runs"),
    CHOICE("method",           method,      RESULT, "grid", methods, "all combinations of the parameters, some drawn at random, or the rows of list"),
    INTS  ("seeds",            seeds,       RESULT, "[1]", 0, 1e15, "every combination is run with each of them"),
    INT   ("trials",           trials,      RESULT, "0", 0, 10000, "method random: combinations to draw"),
    INT   ("random_seed",      random_seed, RESULT, "1", 0, 1e15,  "method random: of the draws"),
    STRING("objective.metric", metric,      RESULT, "",            "what trials are ranked by; empty: nothing"),
    STRING("paper",            paper,       RESULT, "",            "what the figures of the paper are that rows of list may name: \"mIoU on A-150\""),
    CHOICE("objective.on",     on,          RESULT, "validation", ons, "validation: measured on the set val, or by the stage's own validation; test: on what the table is of"),
    CHOICE("objective.goal",   goal,        RESULT, "max", goals,  "what is better: more or less of it"),
};
#undef SETTINGS_OF
/* clang-format on */

static const struct setting_group group = {"", rows, sizeof rows / sizeof *rows, 0};
static const struct settings_table table = {&group, 1};

static bool below(const char *key, const char *name) {
    size_t n = strlen(name);
    return strncmp(key, name, n) == 0 && (!key[n] || key[n] == '.' || key[n] == '[');
}

/* What the table of settings does not know leaves the document; owned. */
static struct setting_entry *take(struct settings_doc *doc, const char *name, size_t *n) {
    struct setting_entry *taken = mem_alloc(doc->n, sizeof *taken);
    size_t kept = 0;
    *n = 0;
    for (size_t i = 0; i < doc->n; i++) {
        if (below(doc->at[i].yaml.key, name))
            taken[(*n)++] = doc->at[i];
        else
            doc->at[kept++] = doc->at[i];
    }
    doc->n = kept;
    return taken;
}

static void drop(struct setting_entry *taken, size_t n) {
    for (size_t i = 0; i < n; i++) yaml_entry_free(&taken[i].yaml);
    free(taken);
}

static void check_seeds(const struct sweep_file *f, struct problems *p) {
    const struct ints *s = &f->opt.seeds;
    if (!s->n) settings_problem(&f->doc, p, "seeds", "there are none");
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = i + 1; k < s->n; k++)
            if (s->at[i] == s->at[k])
                settings_problem(&f->doc, p, "seeds", "%lld is there twice", (long long)s->at[i]);
}

static void check(const struct sweep_file *f, struct problems *p) {
    bool random = f->opt.method == SWEEP_RANDOM, list = f->opt.method == SWEEP_LIST;
    check_seeds(f, p);
    if (random && !f->opt.trials)
        problems_add(p, "%s: missing trials: how many combinations method random draws", f->path);
    if (!random && f->opt.trials) settings_problem(&f->doc, p, "trials", "goes with method random");
    if (list && !f->n_rows) problems_add(p, "%s: missing list: the rows of method list", f->path);
    if (!list && f->n_rows) settings_problem(&f->doc, p, "method", "list goes with method list");
    for (size_t i = 0; i < f->n_axes; i++)
        if (f->axis[i].range && !random)
            problems_add(p, "%s:%zu:%zu: %s: a range goes with method random", f->path,
                         f->axis[i].mark.line, f->axis[i].mark.column, f->axis[i].key);
}

bool sweep_file_is(const char *path) {
    struct settings_doc doc = {0};
    bool is = !error_status() && !settings_read(&doc, path) && settings_find(&doc, "config") &&
              !settings_find(&doc, "stage");
    error_clear(); /* who opens it tells */
    settings_doc_free(&doc);
    return is;
}

int sweep_file_read(struct sweep_file *f, const char *path) {
    struct problems p = {0};
    *f = (struct sweep_file){.path = mem_strdup(path), .name = path_stem(path)};
    int status = settings_read(&f->doc, path);
    if (status) return status;
    size_t n_parameters, n_list;
    struct setting_entry *parameters = take(&f->doc, "parameters", &n_parameters);
    struct setting_entry *list = take(&f->doc, "list", &n_list);
    settings_assign(&f->doc, table, table, "a sweep", &f->opt, &p);
    sweep_read_parameters(f, parameters, n_parameters, &p);
    sweep_read_list(f, list, n_list, &p);
    if (!p.n) check(f, &p);
    f->config = settings_path(&f->doc, "config");
    drop(parameters, n_parameters);
    drop(list, n_list);
    return problems_close(&p, ERR_CONFIG);
}

void sweep_file_close(struct sweep_file *f) {
    for (size_t i = 0; i < f->n_axes; i++) {
        free(f->axis[i].key);
        overrides_free(&f->axis[i].values);
    }
    for (size_t i = 0; i < f->n_rows; i++) {
        free(f->row[i].name);
        overrides_free(&f->row[i].set);
    }
    free(f->axis);
    free(f->row);
    free(f->path);
    free(f->name);
    free(f->config);
    settings_free(table, &f->opt);
    settings_doc_free(&f->doc);
    *f = (struct sweep_file){0};
}
