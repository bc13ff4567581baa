#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "train/sweep/sweep_table.h"

static void put(struct sweep_figures *f, const char *name, double x) {
    f->at = mem_grow(f->at, &f->cap, f->name.n + 1, sizeof *f->at);
    f->at[f->name.n] = x;
    strings_add(&f->name, name);
}

/* Numbers of an object and of objects in it, "before.key"; lists are of classes and pictures. */
static void put_all(struct sweep_figures *f, const cJSON *o, const char *before) {
    const cJSON *x;
    cJSON_ArrayForEach(x, o) {
        char *name = mem_format("%s%s%s", before, *before ? "." : "", x->string ? x->string : "");
        if (cJSON_IsNumber(x))
            put(f, name, x->valuedouble);
        else if (cJSON_IsObject(x))
            put_all(f, x, name);
        free(name);
    }
}

static void put_evaluation(struct sweep_figures *f, const cJSON *json) {
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "rows")) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(row, "name");
        if (cJSON_IsString(name)) put_all(f, row, name->valuestring);
    }
    const cJSON *ensemble = cJSON_GetObjectItemCaseSensitive(json, "ensemble");
    if (ensemble) put_all(f, ensemble, "ensemble");
}

/* Of the last line that tells of a validation. */
static void put_validation(struct sweep_figures *f, char *text) {
    const char *last = NULL;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (strstr(line, "\"kind\":\"validate\"")) last = line;
    }
    cJSON *json = last ? cJSON_Parse(last) : NULL;
    cJSON_DeleteItemFromObjectCaseSensitive(json, "step");
    cJSON_DeleteItemFromObjectCaseSensitive(json, "wall");
    put_all(f, json, "");
    cJSON_Delete(json);
}

int sweep_figures_read(struct sweep_figures *f, const char *run) {
    char *evaluation = path_join(run, "evaluation.json");
    char *metrics = path_join(run, "metrics.jsonl");
    struct bytes text = {0};
    int status = 0;
    *f = (struct sweep_figures){0};
    if (file_exists(evaluation)) {
        status = file_read(evaluation, 16 << 20, &text);
        cJSON *json = status ? NULL : cJSON_Parse((const char *)text.at);
        if (!status && !json)
            status = error_set(ERR_DATA,
                               "%s: not JSON of ours: remove the folder of this run and "
                               "run the sweep again",
                               evaluation);
        put_evaluation(f, json);
        cJSON_Delete(json);
    } else if (file_exists(metrics)) {
        status = file_read(metrics, (size_t)1 << 30, &text);
        if (!status) put_validation(f, (char *)text.at);
    }
    bytes_free(&text);
    free(evaluation);
    free(metrics);
    return status;
}

void sweep_figures_free(struct sweep_figures *f) {
    strings_free(&f->name);
    free(f->at);
    *f = (struct sweep_figures){0};
}

double sweep_figure(const struct sweep_figures *f, const char *name) {
    size_t n = strlen(name);
    double found = NAN;
    for (size_t i = 0; i < f->name.n; i++) {
        const char *at = f->name.at[i];
        size_t length = strlen(at);
        if (strcmp(at, name) == 0) return f->at[i];
        bool of_row = length > n && at[length - n - 1] == '.' && strcmp(at + length - n, name) == 0;
        if (of_row && strchr(at, '.') == at + length - n - 1) found = f->at[i]; /* the last row's */
    }
    return found;
}
