#include "train/evaluation/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/figure.h"
#include "base/file.h"
#include "train/evaluation/result_full.h"

static struct node *last_of(const struct graph *g) {
    return g->named->then ? g->named->then : g->named;
}

/* A JSON file of a run; *out is NULL when it is not there. ERR_DATA tells what to do. */
static int read_json(const struct node *n, const char *name, const char *advice, cJSON **out) {
    char *path = path_join(n->dir, name);
    struct bytes text = {0};
    int status = 0;
    *out = NULL;
    if (file_exists(path)) {
        status = file_read(path, 16 << 20, &text);
        if (!status) *out = cJSON_ParseWithLength((const char *)text.at, text.n);
        if (!status && !cJSON_IsObject(*out))
            status = error_set(ERR_DATA, "%s: not JSON of ours: %s", path, advice);
    }
    if (status) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    bytes_free(&text);
    free(path);
    return status;
}

static int read_result(const struct node *n, cJSON **out) {
    return read_json(n, "result.json", "remove it and run the same command again", out);
}

/* What a finished evaluation found; of other stages an empty object. */
static int read_evaluation(const struct node *n, cJSON **out) {
    static const char advice[] = "remove the folder of this run and run the same command again";
    int status = read_json(n, "evaluation.json", advice, out);
    if (!status && !*out && n->config.run.stage == STAGE_EVALUATE)
        status = error_set(ERR_DATA, "%s/evaluation.json: missing: %s", n->dir, advice);
    if (!status && !*out) *out = cJSON_CreateObject();
    return status;
}

/* Only when it says something new: a chain that is reused may lie where nothing can be written. */
static int write_result(const struct node *n, const cJSON *json) {
    cJSON *old;
    int status = read_result(n, &old);
    if (!status && !cJSON_Compare(old, json, true)) {
        char *path = path_join(n->dir, "result.json"), *text = cJSON_Print(json);
        REQUIRE(text, "out of memory");
        status = file_write(path, text, strlen(text));
        free(text);
        free(path);
    }
    cJSON_Delete(old);
    return status;
}

int result_write(const struct graph *g) {
    struct node *last = last_of(g);
    cJSON *json;
    int status = read_evaluation(last, &json);
    if (status) return status;
    cJSON *stages = cJSON_AddArrayToObject(json, "stages");
    for (size_t i = 0; i < g->n; i++) {
        cJSON *stage = cJSON_CreateObject();
        cJSON_AddStringToObject(stage, "name", g->at[i]->name);
        cJSON_AddNumberToObject(stage, "seconds", g->at[i]->seconds);
        if (config_computes(g->at[i]->config.run.stage))
            cJSON_AddStringToObject(stage, "precision",
                                    precision_names[g->at[i]->config.run.precision]);
        cJSON_AddItemToArray(stages, stage);
    }
    status = write_result(last, json);
    if (!status && last != g->named) status = write_result(g->named, json);
    cJSON_Delete(json);
    return status;
}

static double at(const cJSON *o, const char *key, const char *part) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    if (part) x = cJSON_GetObjectItemCaseSensitive(x, part);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

static void print_split(FILE *to, const cJSON *o, const char *key) {
    fprintf(to, "%7s %7s %7s", figure_text(at(o, key, "all"), 1).at,
            figure_text(at(o, key, "seen"), 1).at, figure_text(at(o, key, "unseen"), 1).at);
}

void result_put_absent(const cJSON *row, struct str *to) {
    static const char *const parts[] = {"seen", "unseen"};
    const cJSON *miou = cJSON_GetObjectItemCaseSensitive(row, "miou");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(miou, parts[i])))
            str_add(to, "\n-: none of the classes in the truth is %s\n", parts[i]);
}

static void print_evaluation(const cJSON *json, FILE *to) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rows"), *row;
    const cJSON *ensemble = cJSON_GetObjectItemCaseSensitive(json, "ensemble");
    double lambda = at(ensemble, "lambda", NULL);
    const char *last = "";
    struct str absent = {0};
    fprintf(to, "\n%-18s  ensemble mIoU, lambda %.2f      mask accuracy\n", "", lambda);
    fprintf(to, "%-18s %7s %7s %7s   %7s %7s %7s\n", "", "all", "seen", "unseen", "all", "seen",
            "unseen");
    cJSON_ArrayForEach(row, rows) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(row, "name");
        last = cJSON_IsString(name) ? name->valuestring : "?";
        fprintf(to, "%-18s ", result_title(last));
        print_split(to, row, "miou");
        fprintf(to, "   ");
        print_split(to, row, "mask_accuracy");
        fprintf(to, "\n");
    }
    fprintf(to, "\n%-18s %7s %7s %7s   (mIoU, %s)\n", "", "all", "seen", "unseen",
            result_title(last));
    static const char *const parts[][2] = {
        {"MaskFormer only", "maskformer_only"}, {"CLIP only", "clip_only"}, {"ensemble", "fused"}};
    for (size_t i = 0; i < 3; i++) {
        fprintf(to, "%-18s ", parts[i][0]);
        print_split(to, ensemble, parts[i][1]);
        fprintf(to, "\n");
    }
    result_put_absent(cJSON_GetArrayItem(rows, 0), &absent);
    if (absent.n) fputs(absent.at, to);
    str_free(&absent);
}

/* A stage that is reused took its time once, some other day. */
static void print_times(const struct graph *g, FILE *to) {
    double total = 0, now = 0;
    size_t reused = 0;
    char span[16];
    fprintf(to, "\n%-18s %12s\n", "stage", "time");
    for (size_t i = 0; i < g->n; i++) {
        const struct node *n = g->at[i];
        clock_span(n->seconds, span);
        total += n->seconds;
        now += n->reused ? 0 : n->seconds;
        reused += n->reused;
        fprintf(to, "%-18s %12s%s\n", n->name, span, n->reused ? "   reused" : "");
    }
    clock_span(total, span);
    fprintf(to, "%-18s %12s", "in all", span);
    clock_span(now, span);
    if (reused == g->n)
        fprintf(to, "   reused");
    else if (reused)
        fprintf(to, "   %s of it not reused", span);
    fprintf(to, "\n");
}

int result_print(const struct graph *g, FILE *to) {
    struct node *last = last_of(g);
    cJSON *json;
    int status = read_result(last, &json);
    if (status) return status;
    const struct measure_options *o = &last->config.measure;
    bool rows = cJSON_GetObjectItemCaseSensitive(json, "rows");
    if (rows) print_evaluation(json, to);
    if (rows && o->table == TABLE_FULL) result_print_full(json, o->lines, to);
    print_times(g, to);
    fprintf(to, "\nresults: %s\n", last->dir);
    cJSON_Delete(json);
    return 0;
}
