#include "train/run/run_metrics.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* The end of a file: of a long run a line that is asked for stands there. */
static char *tail(const char *path, off_t most) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    off_t from = !fstat(fd, &st) && st.st_size > most ? st.st_size - most : 0;
    char *text = mem_alloc((size_t)most + 1, 1);
    ssize_t n = pread(fd, text, (size_t)most, from);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static cJSON *last_of(char *text, const char *kind) {
    char *wanted = mem_format("\"kind\":\"%s\"", kind);
    cJSON *found = NULL;
    for (char *end = strrchr(text, '\n');
         end && !found;) { /* a line that is half written has none */
        *end = '\0';
        char *before = strrchr(text, '\n'), *line = before ? before + 1 : text;
        if (strstr(line, wanted)) found = cJSON_Parse(line);
        end = before;
    }
    free(wanted);
    return found;
}

struct cJSON *run_last_metrics(const char *dir, const char *kind) {
    char *path = path_join(dir, "metrics.jsonl");
    cJSON *found = NULL;
    for (off_t most = 64 << 10; most <= 64 << 20 && !found; most *= 32) {
        char *text = tail(path, most);
        if (!text) break;
        found = last_of(text, kind);
        free(text);
    }
    free(path);
    return found;
}

static void put(struct run_look *r, const char *name, const cJSON *value) {
    if (!cJSON_IsNumber(value)) return;
    snprintf(r->metric, sizeof r->metric, "%s", name);
    r->value = value->valuedouble;
}

static void of_evaluation(struct run_look *r) {
    cJSON *json = run_json(r->dir, "evaluation.json");
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rows");
    const cJSON *row = cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);
    const cJSON *miou = cJSON_GetObjectItemCaseSensitive(row, "miou");
    put(r, "mIoU", cJSON_GetObjectItemCaseSensitive(miou, "all"));
    cJSON_Delete(json);
}

/* The first figure behind kind, step and wall. */
static void of_validation(struct run_look *r) {
    cJSON *line = run_last_metrics(r->dir, "validate"), *x;
    cJSON_ArrayForEach(x, line) {
        if (*r->metric || !x->string || strcmp(x->string, "step") == 0 ||
            strcmp(x->string, "wall") == 0)
            continue;
        put(r, x->string, x);
    }
    cJSON_Delete(line);
}

static void of_key(struct run_look *r, const char *name, cJSON *json, const char *key) {
    put(r, name, cJSON_GetObjectItemCaseSensitive(json, key));
    cJSON_Delete(json);
}

void run_main_metric(struct run_look *r) {
    of_evaluation(r);
    if (!*r->metric) of_validation(r);
    if (!*r->metric) of_key(r, "pairs", run_json(r->dir, "mining.json"), "pairs");
    if (!*r->metric) of_key(r, "loss", run_last_metrics(r->dir, "train"), "loss");
}

/* ---- all of it ---- */

static struct run_curve *curve_of(struct run_curves *c, const char *kind, const char *name) {
    struct run_curve *found = run_curve(c, kind, name);
    if (found) return found;
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    c->at[c->n] = (struct run_curve){.kind = mem_strdup(kind), .name = mem_strdup(name)};
    return &c->at[c->n++];
}

static void add_point(struct run_curve *c, double step, double x) {
    c->step = mem_grow(c->step, &c->steps_cap, c->n + 1, sizeof *c->step);
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    c->step[c->n] = step;
    c->at[c->n++] = x;
}

static void add_line(struct run_curves *c, const cJSON *line) {
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(line, "kind"), *x;
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(line, "step");
    if (!cJSON_IsString(kind) || !cJSON_IsNumber(step)) return;
    cJSON_ArrayForEach(x, line) {
        if (!x->string || x == step || strcmp(x->string, "wall") == 0) continue;
        if (!cJSON_IsNumber(x) && !cJSON_IsNull(x)) continue;
        add_point(curve_of(c, kind->valuestring, x->string), step->valuedouble,
                  cJSON_IsNumber(x) ? x->valuedouble : NAN);
    }
}

void run_curves_read(struct run_curves *c, const char *dir) {
    char *path = path_join(dir, "metrics.jsonl");
    struct bytes text = {0};
    *c = (struct run_curves){0};
    if (!error_status() && file_exists(path) && file_read(path, (size_t)1 << 30, &text))
        error_clear();
    char *line = (char *)text.at, *end;
    for (; line && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        cJSON *json = cJSON_Parse(line);
        add_line(c, json);
        cJSON_Delete(json);
    }
    bytes_free(&text);
    free(path);
}

void run_curves_free(struct run_curves *c) {
    for (size_t i = 0; i < c->n; i++) {
        free(c->at[i].kind);
        free(c->at[i].name);
        free(c->at[i].step);
        free(c->at[i].at);
    }
    free(c->at);
    *c = (struct run_curves){0};
}

struct run_curve *run_curve(const struct run_curves *c, const char *kind, const char *name) {
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->at[i].kind, kind) == 0 && (!name || strcmp(c->at[i].name, name) == 0))
            return &c->at[i];
    return NULL;
}
