#include "train/plan/plan_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

static void add_line(struct plan_rows *r, const char *line) {
    const char *wall = strstr(line, "\"wall\":");
    if (!wall) return;
    struct plan_row row = {.train = strstr(line, "\"kind\":\"train\"") != NULL,
                           .wall = strtod(wall + 7, NULL)};
    if (!row.train && r->n) r->validate = row.wall - r->at[r->n - 1].wall;
    r->at = mem_grow(r->at, &r->cap, r->n + 1, sizeof *r->at);
    r->at[r->n++] = row;
    r->trained += row.train;
}

void plan_rows_read(struct plan_rows *r, const char *dir) {
    char *path = path_join(dir, "metrics.jsonl"), *end;
    struct bytes text = {0};
    *r = (struct plan_rows){0};
    if (file_exists(path) && !file_read(path, 64 << 20, &text))
        for (char *line = (char *)text.at; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0'; /* a line that is being written has no end yet */
            add_line(r, line);
        }
    error_clear();
    bytes_free(&text);
    free(path);
}

void plan_rows_free(struct plan_rows *r) {
    free(r->at);
    *r = (struct plan_rows){0};
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double plan_rows_unit(const struct plan_rows *r, int64_t ahead) {
    double *step = mem_alloc(r->n + 1, sizeof *step), sum = 0;
    size_t n = 0, skip = r->trained > 4 * (ahead + 2) ? (size_t)ahead + 2 : 1;
    for (size_t i = skip; i < r->n; i++)
        if (r->at[i].train) step[n++] = r->at[i].wall - r->at[i - 1].wall;
    qsort(step, n, sizeof *step, compare);
    size_t kept = n - n / 10;
    for (size_t i = 0; i < kept; i++) sum += step[i];
    free(step);
    return kept ? sum / (double)kept : 0;
}
