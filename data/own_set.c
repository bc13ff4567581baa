#include "data/own_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text_file.h"
#include "data/captions_file.h"
#include "data/coco.h"
#include "data/file_set_internal.h"
#include "data/vocabulary.h"

enum { LIST_BYTES_MAX = 64 << 20 };

static const char map_suffix[] = ".png";

/* ---- COCO's instances for pictures that are known by name ---- */

struct instances {
    struct dataset pictures; /* source and state of the pictures */
    struct dataset coco;
    int64_t *at;     /* [n_images]: index in `coco`; -1: not in it */
    uint16_t *class; /* [categories]: class, or `ignore` */
};

static const struct dataset_source instances_source;

static const struct dataset *pictures_of(const struct dataset *d) {
    return d->source == &instances_source ? &((const struct instances *)d->state)->pictures : d;
}

static int instances_image(const struct dataset *d, int64_t i, struct image *out) {
    const struct instances *s = d->state;
    return s->pictures.source->image(&s->pictures, i, out);
}

static int instances_bytes(const struct dataset *d, int64_t i, struct bytes *out) {
    const struct instances *s = d->state;
    return s->pictures.source->bytes(&s->pictures, i, out);
}

static int instances_labels(const struct dataset *d, int64_t i, struct labels *out) {
    const struct instances *s = d->state;
    *out = (struct labels){0};
    if (s->at[i] < 0) return error_set(ERR_MISSING, "%s: has no annotations", own_set_file(d, i));
    int status = s->coco.source->labels(&s->coco, s->at[i], out);
    if (status) return status;
    for (int64_t k = 0; k < out->h * out->w; k++) {
        uint16_t category = out->at[k];
        out->at[k] = category < s->coco.n_classes ? s->class[category] : d->ignore;
    }
    return 0;
}

static void instances_close(struct dataset *d) {
    struct instances *s = d->state;
    s->pictures.source->close(&s->pictures);
    dataset_close(&s->coco);
    free(s->at);
    free(s->class);
    free(s);
}

static const struct dataset_source instances_source = {.image = instances_image,
                                                       .labels = instances_labels,
                                                       .close = instances_close,
                                                       .bytes = instances_bytes};

static int64_t find_name(const struct dataset *d, const char *name) {
    int64_t lo = 0, hi = d->n_images;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (strcmp(d->image_name[mid], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < d->n_images && strcmp(d->image_name[lo], name) == 0 ? lo : -1;
}

static void take_classes(struct dataset *d, const struct vocabulary *v) {
    d->n_classes = (int64_t)v->n;
    d->class_name = mem_alloc(v->n + 1, sizeof *d->class_name);
    d->class_seen = mem_alloc(v->n + 1, sizeof *d->class_seen);
    for (size_t k = 0; k < v->n; k++) {
        d->class_name[k] = mem_strdup(v->at[k].name);
        d->class_seen[k] = !v->at[k].unseen;
    }
    d->ignore = dataset_ignore((int64_t)v->n);
    d->has_labels = true;
}

/* Of two entries of one picture the masks of one would be lost. */
static int pair_instances(const struct dataset *d, struct instances *s, const char *path) {
    const struct dataset *coco = &s->coco;
    for (int64_t i = 0; i < d->n_images; i++) s->at[i] = -1;
    for (int64_t i = 0; i < coco->n_images; i++) {
        char *name = image_name_said(dataset_coco_file(coco, i));
        int64_t at = find_name(d, name);
        free(name);
        if (at < 0) continue;
        if (s->at[at] >= 0) {
            char *text = dataset_coco_twice(coco, s->at[at], i);
            error_set(ERR_DATA, "%s: %s", path, text);
            free(text);
            return ERR_DATA;
        }
        s->at[at] = i;
    }
    return 0;
}

static int use_instances(struct dataset *d, const struct own_files *f) {
    struct vocabulary v;
    struct dataset coco;
    int status = vocabulary_read(&v, f->names);
    if (status) return status;
    status = dataset_open_coco(&coco, f->images, NULL, f->masks);
    if (!status) {
        struct instances *s = mem_alloc(1, sizeof *s);
        take_classes(d, &v);
        s->pictures =
            (struct dataset){.n_images = d->n_images, .source = d->source, .state = d->state};
        s->coco = coco;
        s->at = mem_alloc((size_t)d->n_images + 1, sizeof *s->at);
        s->class = mem_alloc((size_t)coco.n_classes + 1, sizeof *s->class);
        status = pair_instances(d, s, f->masks);
        for (int64_t k = 0; k < coco.n_classes; k++) {
            size_t class = vocabulary_find(&v, coco.class_name[k]);
            s->class[k] = class < v.n ? (uint16_t) class : d->ignore;
        }
        d->source = &instances_source;
        d->state = s;
        d->hash ^= coco.hash;
    }
    vocabulary_close(&v);
    return status;
}

/* ---- opening ---- */

/* Colours and no values: the maps are painted. */
static int is_painted(const char *names, bool *painted) {
    struct vocabulary v;
    int status = vocabulary_read(&v, names);
    if (status) return status;
    bool raw = false, colour = false;
    for (size_t k = 0; k < v.n; k++) {
        raw |= v.at[k].raw >= 0;
        colour |= v.at[k].has_colour;
    }
    *painted = colour && !raw;
    vocabulary_close(&v);
    return 0;
}

int own_set_open(struct dataset *d, const struct own_files *f) {
    *d = (struct dataset){0};
    bool folder = f->masks && dir_exists(f->masks), painted = false;
    REQUIRE(!f->masks || f->names, "masks without names");
    int status = folder ? is_painted(f->names, &painted) : 0;
    struct file_set_options o = {.images = f->images,
                                 .captions = f->captions,
                                 .maps = folder ? f->masks : NULL,
                                 .names = folder ? f->names : NULL,
                                 .map_suffix = map_suffix,
                                 .kind = painted ? MAPS_COLOUR : MAPS_PNG,
                                 .only = f->only,
                                 .keep_alone = true,
                                 .deep = true};
    if (!status) status = file_set_open(d, &o);
    if (!status && f->masks && !folder) {
        status = use_instances(d, f);
        if (status) dataset_close(d);
    }
    return status;
}

int own_set_files(const struct own_files *f, enum own_part part, struct strings *files,
                  size_t *beside) {
    const char *const folder[] = {
        [OWN_IMAGES] = f->images, [OWN_CAPTIONS] = f->captions, [OWN_MASKS] = f->masks};
    *beside = 0;
    if (part == OWN_CAPTIONS) return captions_texts(f->captions, f->only, files);
    struct file_filter filter = {
        .suffix = part == OWN_MASKS ? map_suffix : NULL, .deep = true, .only = f->only};
    struct found_files found;
    int status = found_files_list(&found, folder[part], &filter, beside);
    *files = (struct strings){0};
    for (size_t i = 0; i < found.n; i++) strings_add(files, found.at[i].path);
    found_files_free(&found);
    return status;
}

const char *own_set_file(const struct dataset *d, int64_t i) {
    const struct file_set *s = file_set_of(pictures_of(d));
    REQUIRE(s, "a data set of own files");
    return s->at[i].image;
}

bool own_set_has_mask(const struct dataset *d, int64_t i) {
    if (!d->has_labels) return false;
    if (d->source == &instances_source) return ((const struct instances *)d->state)->at[i] >= 0;
    return file_set_of(d)->at[i].map != NULL;
}

/* ---- lists ---- */

static int by_index(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int own_list_read(const char *path, struct strings *lines) {
    struct bytes file;
    int status = text_file_read(path, LIST_BYTES_MAX, &file, NULL);
    if (status) return status;
    for (const char *at = (const char *)file.at; *at;) {
        size_t length = strcspn(at, "\n"), k = length;
        while (k && strchr(" \t\r", at[k - 1])) k--;
        char *line = mem_format("%.*s", (int)k, at);
        strings_add(lines, line);
        free(line);
        at += length + (at[length] == '\n');
    }
    bytes_free(&file);
    return 0;
}

static int find_listed(const struct dataset *d, const char *path, const struct strings *lines,
                       int64_t *out, int64_t *n, struct problems *gone) {
    for (size_t i = 0; i < lines->n; i++) {
        if (!*lines->at[i]) continue;
        char *name = image_name_bare(lines->at[i]);
        int64_t at = find_name(d, name);
        free(name);
        if (at >= 0)
            out[(*n)++] = at;
        else
            problems_add(gone, "%s: line %zu: there is no picture %s", path, i + 1, lines->at[i]);
    }
    if (*n) qsort(out, (size_t)*n, sizeof *out, by_index);
    for (int64_t i = 1; i < *n; i++)
        if (out[i] == out[i - 1])
            return error_set(ERR_DATA, "%s: names %s twice", path, own_set_file(d, out[i]));
    return 0;
}

int own_set_list(const struct dataset *d, const char *path, int64_t **out, int64_t *n,
                 struct problems *gone) {
    struct strings lines = {0};
    *out = NULL;
    *n = 0;
    int status = own_list_read(path, &lines);
    if (!status) *out = mem_alloc(lines.n + 1, sizeof **out);
    if (!status) status = find_listed(d, path, &lines, *out, n, gone);
    if (status) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    strings_free(&lines);
    return status;
}
