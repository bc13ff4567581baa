#include "train/result.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

static struct node *last_of(const struct graph *g) {
    return g->named->then ? g->named->then : g->named;
}

static cJSON *read_json(const struct node *n, const char *name) {
    char *path = path_join(n->dir, name);
    struct bytes text;
    cJSON *json = NULL;
    if (file_exists(path) && !file_read(path, 16 << 20, &text)) {
        json = cJSON_ParseWithLength((const char *)text.at, text.n);
        bytes_free(&text);
    }
    free(path);
    return json;
}

static int write_json(const struct node *n, const cJSON *json) {
    char *path = path_join(n->dir, "result.json"), *text = cJSON_Print(json);
    REQUIRE(text, "out of memory");
    int status = file_write(path, text, strlen(text));
    free(text);
    free(path);
    return status;
}

int result_write(const struct graph *g) {
    struct node *last = last_of(g);
    cJSON *json = read_json(last, "evaluation.json");
    if (error_status()) return error_status();
    if (!json) json = cJSON_CreateObject();
    cJSON *stages = cJSON_AddArrayToObject(json, "stages");
    for (size_t i = 0; i < g->n; i++) {
        cJSON *stage = cJSON_CreateObject();
        cJSON_AddStringToObject(stage, "name", g->at[i]->name);
        cJSON_AddNumberToObject(stage, "seconds", g->at[i]->seconds);
        cJSON_AddItemToArray(stages, stage);
    }
    int status = write_json(last, json);
    if (!status && last != g->named) status = write_json(g->named, json);
    cJSON_Delete(json);
    return status;
}

static double at(const cJSON *o, const char *key, const char *part) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    if (part) x = cJSON_GetObjectItemCaseSensitive(x, part);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

static void print_split(FILE *to, const cJSON *o, const char *key) {
    fprintf(to, "%7.1f %7.1f %7.1f", at(o, key, "all"), at(o, key, "seen"), at(o, key, "unseen"));
}

static const char *title(const char *name) {
    static const char *const titles[][2] = {
        {"raw", "raw CLIP"}, {"mpt", "MPT only"}, {"ft", "FT only"}, {"ft+mpt", "FT+MPT"}};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(titles[i][0], name) == 0) return titles[i][1];
    return name;
}

static void print_evaluation(const cJSON *json, FILE *to) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rows"), *row;
    const cJSON *ensemble = cJSON_GetObjectItemCaseSensitive(json, "ensemble");
    double lambda = at(ensemble, "lambda", NULL);
    const char *last = "";
    fprintf(to, "\n%-18s  ensemble mIoU, lambda %.2f      mask accuracy\n", "", lambda);
    fprintf(to, "%-18s %7s %7s %7s   %7s %7s %7s\n", "", "all", "seen", "unseen", "all", "seen",
            "unseen");
    cJSON_ArrayForEach(row, rows) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(row, "name");
        last = cJSON_IsString(name) ? name->valuestring : "?";
        fprintf(to, "%-18s ", title(last));
        print_split(to, row, "miou");
        fprintf(to, "   ");
        print_split(to, row, "mask_accuracy");
        fprintf(to, "\n");
    }
    fprintf(to, "\n%-18s %7s %7s %7s   (mIoU, %s)\n", "", "all", "seen", "unseen", title(last));
    static const char *const parts[][2] = {
        {"MaskFormer only", "maskformer_only"}, {"CLIP only", "clip_only"}, {"ensemble", "fused"}};
    for (size_t i = 0; i < 3; i++) {
        fprintf(to, "%-18s ", parts[i][0]);
        print_split(to, ensemble, parts[i][1]);
        fprintf(to, "\n");
    }
}

int result_print(const struct graph *g, FILE *to) {
    struct node *last = last_of(g);
    cJSON *json = read_json(last, "result.json");
    if (error_status()) return error_status();
    if (cJSON_GetObjectItemCaseSensitive(json, "rows")) print_evaluation(json, to);
    double total = 0;
    fprintf(to, "\n%-18s %12s\n", "stage", "time");
    for (size_t i = 0; i < g->n; i++) {
        char span[16];
        clock_span(g->at[i]->seconds, span);
        total += g->at[i]->seconds;
        fprintf(to, "%-18s %12s%s\n", g->at[i]->name, span, g->at[i]->reused ? "   reused" : "");
    }
    char span[16];
    clock_span(total, span);
    fprintf(to, "%-18s %12s\n\nresults: %s\n", "in all", span, last->dir);
    cJSON_Delete(json);
    return 0;
}
