#include "data/label_maps.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/problems.h"
#include "data/vocabulary.h"

enum { MAP_BYTES_MAX = 64 << 20, VALUES = 1 << 16 };

struct maps {
    struct dataset below; /* source and state of the data set as it was */
    char *dir;
    uint16_t class_of[VALUES]; /* of a raw value */
};

static int maps_image(const struct dataset *d, int64_t i, struct image *out) {
    const struct maps *m = d->state;
    return m->below.source->image(&m->below, i, out);
}

static int maps_labels(const struct dataset *d, int64_t i, struct labels *out) {
    const struct maps *m = d->state;
    *out = (struct labels){0};
    char *path = mem_format("%s/%012lld.png", m->dir, (long long)d->image_id[i]);
    struct bytes b = {0};
    int status = file_read(path, MAP_BYTES_MAX, &b);
    if (!status) status = labels_decode_png(b.at, b.n, path, out);
    for (int64_t k = 0; !status && k < out->h * out->w; k++) out->at[k] = m->class_of[out->at[k]];
    bytes_free(&b);
    free(path);
    return status;
}

static void maps_close(struct dataset *d) {
    struct maps *m = d->state;
    m->below.source->close(&m->below);
    free(m->dir);
    free(m);
}

static const struct dataset_source maps_source = {
    .image = maps_image, .labels = maps_labels, .close = maps_close};

/* ERR_DATA with all classes that have no raw value; that no two share one is seen to already. */
static int fill_table(struct maps *m, const struct vocabulary *v, const char *names,
                      uint16_t ignore) {
    struct problems p = {0};
    for (size_t i = 0; i < VALUES; i++) m->class_of[i] = ignore;
    for (size_t k = 0; k < v->n; k++) {
        int32_t raw = v->at[k].raw;
        if (raw < 0 || raw >= VALUES || raw == ignore)
            problems_add(&p, "%s: class %zu, %s: needs its raw value in the label maps", names,
                         k + 1, v->at[k].name);
        else
            m->class_of[raw] = (uint16_t)k;
    }
    return problems_close(&p, ERR_DATA);
}

static void take_classes(struct dataset *d, struct vocabulary *v) {
    for (int64_t k = 0; k < d->n_classes; k++) free(d->class_name[k]);
    free(d->class_name);
    free(d->class_seen);
    d->n_classes = (int64_t)v->n;
    d->class_name = mem_alloc(v->n + 1, sizeof *d->class_name);
    d->class_seen = mem_alloc(v->n + 1, sizeof *d->class_seen);
    for (size_t k = 0; k < v->n; k++) {
        d->class_name[k] = mem_strdup(v->at[k].name);
        d->class_seen[k] = !v->at[k].unseen;
    }
}

int dataset_use_maps(struct dataset *d, const char *maps_dir, const char *names) {
    struct vocabulary v;
    if (!dir_exists(maps_dir))
        return error_set(ERR_MISSING, "%s: is not a folder; it should hold label maps", maps_dir);
    if (vocabulary_read(&v, names)) return error_status();
    uint16_t ignore = dataset_ignore((int64_t)v.n);
    struct maps *m = mem_alloc(1, sizeof *m);
    int status = fill_table(m, &v, names, ignore);
    if (status) {
        free(m);
    } else {
        m->dir = mem_strdup(maps_dir);
        m->below.source = d->source;
        m->below.state = d->state;
        m->below.n_images = d->n_images;
        take_classes(d, &v);
        d->has_labels = true;
        d->ignore = ignore;
        d->source = &maps_source;
        d->state = m;
    }
    vocabulary_close(&v);
    return status;
}
