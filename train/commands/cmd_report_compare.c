#include "train/commands/cmd_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/evaluation/difference.h"
#include "train/evaluation/protocol.h"
#include "train/evaluation/result_full.h"
#include "train/report/report.h"
#include "train/run/run_meant.h"

struct work {
    const struct report_compare *c;
    char *const *path; /* [2] what c->word means: of a run its folder */
    char *dir[2];
    struct table figures, classes;
    bool told; /* the head of the table of intervals */
};

/* Where the evaluation of a result lies; owned. */
static char *evaluation_of(const char *path, const cJSON *result) {
    char *dir = dir_exists(path) ? mem_strdup(path) : path_dir(path);
    char *file = path_join(dir, ANALYSIS_FILE);
    char *closing = file_exists(file) ? NULL : report_closing(dir, result);
    free(file);
    if (!closing) return dir;
    free(dir);
    return closing;
}

static void open_tables(struct work *w) {
    struct table *const both[] = {&w->figures, &w->classes};
    table_open(&w->figures, "differences", "Differences");
    table_open(&w->classes, "class-differences", "Differences of classes");
    for (size_t i = 0; i < 2; i++) {
        static const char *const numbers[] = {"a", "b", "gain", "low", "high", "better", "draws"};
        table_column(both[i], COLUMN_TEXT, "model_a");
        table_column(both[i], COLUMN_TEXT, "model_b");
        table_column(both[i], COLUMN_TEXT, i ? "class" : "figure");
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            table_column(both[i], COLUMN_NUMBER, numbers[k]);
    }
}

static void put(struct table *t, const char *const model[2], const char *name,
                const struct interval *v) {
    const double numbers[] = {v->a,    v->b,      interval_gain(v), v->low,
                              v->high, v->better, (double)v->draws};
    table_text(t, model[0]);
    table_text(t, model[1]);
    table_text(t, name);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) table_number(t, numbers[k]);
}

static void print_head(struct work *w, const struct difference *d) {
    if (w->told) return;
    w->told = true;
    printf(
        "\nB - A with 95 %% intervals: the %lld pictures drawn anew with replacement, %lld times, "
        "and both counted on the same draws\n%-52s %8s %8s %8s  %s\n",
        (long long)d->N, (long long)w->c->resamples, "", "B - A", "from", "to", "B better");
}

static void print_figures(const char *label, const struct difference *d) {
    for (int f = 0; f < BOOTSTRAP_FIGURES; f++) {
        const struct interval *v = &d->figure[f];
        if (!v->draws) continue;
        char *text = mem_format("%s: %s", label, difference_title((enum bootstrap_figure)f));
        printf("%-52s %+8.2f %+8.2f %+8.2f  %6.1f %%\n", text, interval_gain(v), v->low, v->high,
               100 * v->better);
        free(text);
    }
}

struct class_gain {
    const struct interval *v;
    const char *name;
};

static int by_gain(const void *a, const void *b) {
    const struct class_gain *x = a, *y = b;
    double p = fabs(interval_gain(x->v)), q = fabs(interval_gain(y->v));
    return p != q ? (p < q ? 1 : -1) : (x->v > y->v) - (x->v < y->v);
}

static void print_classes(const struct work *w, const char *label, const struct difference *d) {
    struct class_gain *sure = mem_alloc((size_t)d->K, sizeof *sure);
    size_t n = 0, there = 0;
    for (int64_t k = 0; k < d->K; k++) {
        const struct interval *v = &d->class[k];
        bool both = v->draws && !isnan(interval_gain(v));
        there += both;
        if (both && interval_says(v)) sure[n++] = (struct class_gain){v, d->classes.at[k]};
    }
    if (n) qsort(sure, n, sizeof *sure, by_gain);
    printf("%s: IoU of classes, whose interval leaves out 0: %zu of %zu\n", label, n, there);
    for (size_t i = 0; i < n && i < w->c->classes; i++)
        printf("  %+8.2f %+8.2f %+8.2f  %s\n", interval_gain(sure[i].v), sure[i].v->low,
               sure[i].v->high, sure[i].name);
    free(sure);
}

static int tell_pair(struct work *w, const char *a, const char *b) {
    const char *const model[2] = {a, b};
    struct difference d;
    int status = difference_of(&d, (struct difference_side){w->dir[0], a},
                               (struct difference_side){w->dir[1], b}, w->c->resamples, w->c->seed);
    if (status) return status;
    if (d.why) {
        printf("\nno intervals: %s\n", d.why);
    } else {
        char *label = strcmp(a, b) == 0 ? mem_strdup(a) : mem_format("%s - %s", b, a);
        print_head(w, &d);
        print_figures(label, &d);
        print_classes(w, label, &d);
        for (int f = 0; f < BOOTSTRAP_FIGURES; f++)
            put(&w->figures, model, bootstrap_figures[f], &d.figure[f]);
        for (int64_t k = 0; k < d.K; k++) put(&w->classes, model, d.classes.at[k], &d.class[k]);
        free(label);
    }
    difference_free(&d);
    return 0;
}

static bool has_model(const cJSON *result, const char *name) {
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "rows")) {
        if (strcmp(result_model(row), name) == 0) return true;
    }
    return false;
}

/* The models that were named, or each that both have. */
static int tell_pairs(struct work *w, cJSON *const result[2]) {
    const char *const named[2] = {w->c->model_a, w->c->model_b};
    const cJSON *row;
    int status = 0, pairs = 0;
    for (int i = 0; named[0] && i < 2; i++)
        if (!has_model(result[i], named[i]))
            return error_set(ERR_USAGE, "--models: %s has no model \"%s\"", w->path[i], named[i]);
    if (named[0]) return tell_pair(w, named[0], named[1]);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result[0], "rows")) {
        if (status || !has_model(result[1], result_model(row))) continue;
        status = tell_pair(w, result_model(row), result_model(row));
        pairs++;
    }
    if (!pairs) printf("\nno intervals: no model is in both: --models A,B names one of each\n");
    return status;
}

static int write_tables(const struct work *w) {
    const struct table *const both[] = {&w->figures, &w->classes};
    int status = dir_make(w->c->output);
    for (size_t i = 0; !status && i < 2; i++) {
        struct str csv = {0};
        char *name = mem_format("%s.csv", both[i]->name), *path = path_join(w->c->output, name);
        table_csv(both[i], &csv);
        status = file_write(path, csv.at, csv.n);
        str_free(&csv);
        free(name);
        free(path);
    }
    return status;
}

static int tell(const struct report_compare *c, char *const path[2], cJSON *const result[2]) {
    struct work w = {.c = c, .path = path};
    struct str text = {0};
    for (int i = 0; i < 2; i++) w.dir[i] = evaluation_of(path[i], result[i]);
    open_tables(&w);
    protocol_compare(result[0], result[1], &text);
    printf("A: %s\nB: %s\n\n%s", path[0], path[1], text.at);
    int status = tell_pairs(&w, result);
    if (!status && c->output) status = write_tables(&w);
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    table_free(&w.figures);
    table_free(&w.classes);
    free(w.dir[0]);
    free(w.dir[1]);
    str_free(&text);
    return status;
}

static bool is_evaluation(const char *dir) {
    char *path = path_join(dir, "evaluation.json");
    bool is = file_exists(path);
    free(path);
    return is;
}

/* Its own, or that of the evaluation that closed it; other stages have a result.json, too. */
static bool has_result(const char *dir) {
    cJSON *closing = run_json(dir, "result.json");
    bool has = cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(closing, "rows"));
    cJSON_Delete(closing);
    return has || is_evaluation(dir);
}

/* Of a run that was not judged itself: evaluations beside it that it went into. */
static int no_result(const char *word, const char *dir) {
    char *runs = path_dir(dir);
    struct run_looks all = {0};
    struct str judged = {0};
    if (run_look_all(&all, runs)) error_clear();
    for (size_t i = 0; i < all.n; i++)
        if (is_evaluation(all.at[i].dir) && run_uses(&all.at[i], dir))
            str_add(&judged, "%s%s", judged.n ? ", " : "", all.at[i].dir);
    if (judged.n)
        error_set(ERR_MISSING, "%s: %s has no result; it went into these: name one: %s", word, dir,
                  judged.at);
    else
        error_set(ERR_MISSING,
                  "%s: %s has no result: name the run or the config of an evaluation; ovseg eval "
                  "CONFIG makes one",
                  word, dir);
    str_free(&judged);
    run_looks_free(&all);
    free(runs);
    return ERR_MISSING;
}

/* What a word means, owned: a result.json, or the folder of a run, of a config that of the last of
 * its chain. */
static int find_result(const char *word, const char *runs, char **path) {
    bool json = file_exists(word) && !path_is_yaml(word);
    *path = json ? mem_strdup(word) : run_meant_end(word, runs);
    if (!*path) return error_status();
    return json || has_result(*path) ? 0 : no_result(word, *path);
}

int report_compare(const struct report_compare *c) {
    char *path[2] = {NULL, NULL};
    cJSON *result[2] = {NULL, NULL};
    int status = 0;
    for (int i = 0; i < 2 && !status; i++) {
        status = find_result(c->word[i], c->runs, &path[i]);
        if (!status) status = protocol_read(path[i], &result[i]);
    }
    if (!status) status = tell(c, path, result);
    for (int i = 0; i < 2; i++) {
        cJSON_Delete(result[i]);
        free(path[i]);
    }
    return status;
}
