#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/evaluation/analysis.h"

static int read_names(struct analysis *a) {
    int status = h5_load_strings(&a->file, "judge", H5_ANY, &a->judges);
    if (!status) status = h5_load_strings(&a->file, "class", H5_ANY, &a->classes);
    a->K = (int64_t)a->classes.n;
    if (!status && (a->K == 0 || a->K > UINT16_MAX))
        return error_set(ERR_DATA, "%s: %zu classes", a->file.path, a->classes.n);
    return status;
}

static int read_seen(struct analysis *a) {
    uint8_t *seen = NULL;
    int status = h5_load(&a->file, "class_seen", H5_TYPE_U8, (uint64_t)a->K, 0, NULL, &seen);
    a->seen = mem_alloc((size_t)a->K, sizeof *a->seen);
    for (int64_t k = 0; !status && k < a->K; k++) a->seen[k] = seen[k] != 0;
    free(seen);
    return status;
}

static int read_images(struct analysis *a) {
    struct h5_array found = {0};
    int status = h5_load(&a->file, "image_id", H5_TYPE_I64, H5_ANY, 0, &found, &a->image_id);
    if (status) return status;
    a->N = (int64_t)found.rows;
    if (a->N == 0 || a->N > UINT32_MAX)
        return error_set(ERR_DATA, "%s: %lld pictures", a->file.path, (long long)a->N);
    status = h5_load(&a->file, "image_labels", H5_TYPE_U64, found.rows, 0, NULL, &a->labels);
    if (!status && h5_has(&a->file, "image_name_text"))
        status = h5_load_strings(&a->file, "image_name", found.rows, &a->image_names);
    return status;
}

static int read_offsets(struct analysis *a) {
    size_t J = a->judges.n;
    struct h5_array lines, cells;
    int status = h5_find(&a->file, "counts_image", H5_TYPE_U32, 0, &lines);
    if (!status) status = h5_find(&a->file, "confusion_pixels", H5_TYPE_I64, 0, &cells);
    if (!status) status = h5_load_offsets(&a->file, "counts_at", J, lines.rows, &a->counts_at);
    if (!status)
        status = h5_load_offsets(&a->file, "confusion_at", J, cells.rows, &a->confusion_at);
    return status;
}

int analysis_read(struct analysis *a, const char *path) {
    *a = (struct analysis){.file.fd = -1};
    int status = h5_open(&a->file, path, ANALYSIS_FORMAT, ANALYSIS_VERSION);
    if (status) return status;
    status = read_names(a);
    if (!status) status = read_seen(a);
    if (!status) status = read_images(a);
    if (!status) status = read_offsets(a);
    if (status) analysis_free(a);
    return status;
}

void analysis_free(struct analysis *a) {
    if (a->file.path) h5_close(&a->file);
    strings_free(&a->judges);
    strings_free(&a->classes);
    strings_free(&a->image_names);
    free(a->seen);
    free(a->image_id);
    free(a->labels);
    free(a->counts_at);
    free(a->confusion_at);
    *a = (struct analysis){.file.fd = -1};
}

size_t analysis_judge(const struct analysis *a, const char *name) {
    size_t j = 0;
    while (j < a->judges.n && strcmp(a->judges.at[j], name) != 0) j++;
    return j;
}

/* Elements first .. first + n - 1 of an array as long as counts_image. */
static int read_part(const struct analysis *a, const char *name, enum h5_type type, uint64_t first,
                     uint64_t n, void *to) {
    struct h5_array found;
    int status = h5_find(&a->file, name, type, 0, &found);
    if (status) return status;
    if (first + n > found.rows)
        return error_set(ERR_DATA, "%s: %s is shorter than counts_at says", a->file.path, name);
    return h5_read(&a->file, &found, first, n, to);
}

static int check_lines(const struct analysis *a, const struct counted *c) {
    for (size_t i = 0; i < c->n; i++)
        if (c->image[i] >= a->N || c->class[i] >= a->K || c->intersection[i] > c->truth[i] ||
            c->truth[i] > c->unions[i])
            return error_set(ERR_DATA, "%s: damaged: line %zu of a judge's counts", a->file.path,
                             i);
    return 0;
}

int analysis_counts(const struct analysis *a, size_t judge, struct analysis_counts *out) {
    static const char *const names[4] = {"counts_image", "counts_intersection", "counts_union",
                                         "counts_truth"};
    uint64_t first = a->counts_at[judge], n = a->counts_at[judge + 1] - first;
    *out = (struct analysis_counts){.number = mem_try(4 * n + 1, sizeof *out->number),
                                    .class = mem_try(n + 1, sizeof *out->class)};
    int status = out->number && out->class ? 0 : error_status();
    for (int i = 0; !status && i < 4; i++)
        status = read_part(a, names[i], H5_TYPE_U32, first, n, out->number + (uint64_t)i * n);
    if (!status) status = read_part(a, "counts_class", H5_TYPE_U16, first, n, out->class);
    out->lines = (struct counted){.n = n,
                                  .image = out->number,
                                  .class = out->class,
                                  .intersection = out->number + n,
                                  .unions = out->number + 2 * n,
                                  .truth = out->number + 3 * n};
    if (!status) status = check_lines(a, &out->lines);
    if (status) analysis_counts_free(out);
    return status;
}

void analysis_counts_free(struct analysis_counts *c) {
    free(c->number);
    free(c->class);
    *c = (struct analysis_counts){0};
}
