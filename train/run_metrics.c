#include "train/run_metrics.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
