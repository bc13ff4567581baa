#include "data/set_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/progress.h"
#include "data/file_set.h"
#include "data/h5_write.h"
#include "data/set.h"
#include "data/set_internal.h"

#define INDEX_FORMAT "ovseg index"
enum { INDEX_VERSION = 1, CHUNK = 64 };

static const char *const kinds[] = {"none", "png", "tiff", "mat", "ade-full"};

/* ---- writing ---- */

/* What is found out of each picture. */
struct found {
    bool keep; /* it is good, and not left out */
    uint32_t h, w;
};

static int examine(struct set_prepare *p, const struct dataset *d, struct found *found) {
    struct progress bar;
    int status = 0;
    progress_open(&bar, path_base(p->path), "pictures", 0, d->n_images, 30);
    for (int64_t first = 0; first < d->n_images && !status; first += CHUNK) {
        int64_t n = d->n_images - first < CHUNK ? d->n_images - first : CHUNK;
        struct prepared_item it[CHUNK];
#pragma omp parallel for schedule(dynamic, 1)
        for (int64_t k = 0; k < n; k++) {
            prepared_item_read(&it[k], d, first + k, p->training);
            if (it[k].status) it[k].damage = mem_strdup(error_message());
            error_clear();
            bytes_free(&it[k].picture);
            labels_free(&it[k].labels);
        }
        for (int64_t k = 0; k < n; k++) {
            if (!status && it[k].status)
                status = error_set(it[k].status, "%s", it[k].damage);
            else if (!status)
                found[first + k] =
                    (struct found){.keep = !set_prepare_leaves_out(p, &it[k], &status),
                                   .h = (uint32_t)it[k].h,
                                   .w = (uint32_t)it[k].w};
            prepared_item_free(&it[k]);
        }
        progress_at(&bar, first + n, NULL);
        if (!status && p->stop) status = p->stop();
    }
    progress_close(&bar);
    return status;
}

static void put_folder(struct h5_out *f, const char *name, const char *path) {
    char *full = path ? realpath(path, NULL) : NULL;
    h5_put_text(f, name, full ? full : path ? path : "");
    free(full);
}

static void put_classes(struct h5_out *f, const struct dataset *d) {
    uint8_t *seen = mem_alloc((size_t)d->n_classes, 1);
    for (int64_t k = 0; k < d->n_classes; k++) seen[k] = d->class_seen[k];
    h5_put_strings(f, "class", d->class_name, (uint64_t)d->n_classes);
    h5_put(f, "class_seen", H5_TYPE_U8, (uint64_t)d->n_classes, 0, seen);
    free(seen);
}

/* The pictures that are kept, and their captions. */
static void put_kept(struct h5_out *f, const struct dataset *d, const struct found *found,
                     uint64_t n) {
    const struct file_set *s = file_set_of(d);
    struct strings image = {0}, map = {0}, name = {0}, caption = {0};
    uint32_t *size = mem_alloc(n, 2 * sizeof *size);
    int64_t *id = mem_alloc(n, sizeof *id), *caption_id;
    uint64_t *at = mem_alloc(n + 1, sizeof *at), kept = 0;
    caption_id = mem_alloc((size_t)d->n_captions + 1, sizeof *caption_id);
    for (int64_t i = 0; i < d->n_images; i++) {
        if (!found[i].keep) continue;
        strings_add(&image, s->at[i].image);
        strings_add(&map, s->at[i].map ? s->at[i].map : "");
        strings_add(&name, d->image_name[i]);
        size[2 * kept] = found[i].h;
        size[2 * kept + 1] = found[i].w;
        id[kept++] = d->image_id[i];
        for (int64_t c = d->caption_at ? d->caption_at[i] : 0;
             d->caption_at && c < d->caption_at[i + 1]; c++) {
            caption_id[caption.n] = d->caption_id[c];
            strings_add(&caption, d->caption[c]);
        }
        at[kept] = caption.n;
    }
    h5_put_strings(f, "image", image.at, n);
    h5_put_strings(f, "map", map.at, n);
    h5_put_strings(f, "name", name.at, n);
    h5_put_strings(f, "caption", caption.at, caption.n);
    h5_put(f, "image_id", H5_TYPE_I64, n, 0, id);
    h5_put(f, "image_size", H5_TYPE_U32, n, 2, size);
    h5_put(f, "caption_at", H5_TYPE_U64, n + 1, 0, at);
    h5_put(f, "caption_id", H5_TYPE_I64, caption.n, 0, caption_id);
    free(size);
    free(id);
    free(at);
    free(caption_id);
    strings_free(&image);
    strings_free(&map);
    strings_free(&name);
    strings_free(&caption);
}

static int put_index(const struct set_prepare *p, const struct dataset *d,
                     const struct found *found) {
    const struct file_set *s = file_set_of(d);
    struct h5_out f;
    char number[16];
    if (!h5_create(&f, p->path, INDEX_FORMAT, INDEX_VERSION, p->config_hash)) {
        snprintf(number, sizeof number, "%u", (unsigned)d->ignore);
        h5_put_text(&f, "ignore", number);
        h5_put_text(&f, "kind", kinds[s->maps ? s->kind : MAPS_NONE]);
        h5_put_text(&f, "shrunk", s->shrunk ? "1" : "0");
        put_folder(&f, "images", s->images);
        put_folder(&f, "maps", s->maps);
        put_kept(&f, d, found, (uint64_t)p->n);
        put_classes(&f, d);
        h5_put(&f, "class_of", H5_TYPE_U16, RAW_VALUES, 0, s->class_of);
        h5_commit(&f);
    }
    h5_drop(&f);
    return error_status();
}

int set_index_write(struct set_prepare *p, const struct dataset *d) {
    if (!file_set_of(d))
        return error_set(ERR_USAGE,
                         "%s: an index names pictures that lie in folders, and those of a set lie "
                         "in the set: make a set of it, or export it first",
                         p->path);
    for (int64_t k = 0; p->training && k < d->n_classes; k++)
        if (!d->class_seen[k])
            return error_set(
                ERR_USAGE,
                "%s: an index keeps maps as they are, but class \"%s\" has no masks in "
                "training: make a set of it",
                p->path, d->class_name[k]);
    struct found *found = mem_alloc((size_t)d->n_images, sizeof *found);
    int status = examine(p, d, found);
    for (int64_t i = 0; i < d->n_images; i++) p->n += found[i].keep;
    if (!status && !p->n)
        status =
            error_set(ERR_DATA,
                      "%s: none of %lld pictures is left: %lld damaged, %lld without "
                      "a labelled pixel",
                      p->path, (long long)d->n_images, (long long)p->damaged, (long long)p->empty);
    if (!status) status = put_index(p, d, found);
    free(found);
    return status;
}

/* ---- reading ---- */

/* Sizes, which older indices do not have: who needs them decodes then. */
static int load_sizes(struct dataset *d, struct file_set *s, const struct h5_in *f) {
    uint64_t n = (uint64_t)d->n_images;
    if (!h5_has(f, "image_size")) return 0;
    int status = h5_load(f, "image_size", H5_TYPE_U32, n, 2, NULL, &s->size);
    d->size = s->size;
    return status;
}

/* Which of the texts an attribute is. */
static int load_choice(const struct h5_in *f, const char *name, const char *const *of, int n,
                       int *out) {
    char *text;
    if (h5_text(f, name, &text)) return error_status();
    for (*out = 0; *out < n && strcmp(of[*out], text) != 0;) ++*out;
    int status =
        *out < n ? 0 : error_set(ERR_DATA, "%s: attribute %s is \"%s\"", f->path, name, text);
    free(text);
    return status;
}

static int load_settings(struct dataset *d, struct file_set *s, const struct h5_in *f) {
    static const char *const ignores[] = {"255", "65535"}, *const flags[] = {"0", "1"};
    int ignore = 0, kind = 0, shrunk = 0;
    int status = load_choice(f, "ignore", ignores, 2, &ignore);
    if (!status) status = load_choice(f, "kind", kinds, sizeof kinds / sizeof *kinds, &kind);
    if (!status) status = load_choice(f, "shrunk", flags, 2, &shrunk);
    if (!status) status = h5_text(f, "images", &s->images);
    if (!status) status = h5_text(f, "maps", &s->maps);
    d->ignore = ignore ? UINT16_MAX : 255;
    d->has_labels = kind != MAPS_NONE;
    s->kind = (enum map_kind)kind;
    s->shrunk = shrunk;
    return status;
}

static int load_names(struct dataset *d, struct file_set *s, const struct h5_in *f) {
    struct strings image = {0}, map = {0}, name = {0};
    int status = h5_load_strings(f, "image", H5_ANY, &image);
    if (!status) status = h5_load_strings(f, "map", image.n, &map);
    if (!status) status = h5_load_strings(f, "name", image.n, &name);
    if (!status) status = h5_load(f, "image_id", H5_TYPE_I64, image.n, 0, NULL, &d->image_id);
    for (size_t i = 0; i < image.n && !status; i++)
        if (!path_is_below(image.at[i]) || !path_is_below(map.at[i]))
            status =
                error_set(ERR_DATA, "%s: picture %zu is a file outside of the folders", f->path, i);
    if (!status) {
        s->at = mem_alloc(image.n, sizeof *s->at);
        s->n = image.n;
        d->n_images = (int64_t)image.n;
        d->image_name = name.at;
        name = (struct strings){0};
        for (size_t i = 0; i < s->n; i++)
            s->at[i] = (struct file_pair){mem_strdup(image.at[i]),
                                          *map.at[i] ? mem_strdup(map.at[i]) : NULL};
    }
    strings_free(&image);
    strings_free(&map);
    strings_free(&name);
    return status;
}

static int load_values(const struct dataset *d, struct file_set *s, const struct h5_in *f) {
    uint16_t *class_of;
    int status = h5_load(f, "class_of", H5_TYPE_U16, RAW_VALUES, 0, NULL, &class_of);
    if (status) return status;
    for (size_t v = 0; v < RAW_VALUES && !status; v++)
        if (class_of[v] >= d->n_classes && class_of[v] != d->ignore && class_of[v] != RAW_MISTAKE)
            status = error_set(ERR_DATA, "%s: class_of: value %zu is class %u of %lld", f->path, v,
                               class_of[v], (long long)d->n_classes);
    memcpy(s->class_of, class_of, sizeof s->class_of);
    free(class_of);
    return status;
}

int set_index_open(struct dataset *d, const char *path) {
    struct file_set *s = mem_alloc(1, sizeof *s);
    struct h5_in f;
    *d = (struct dataset){0};
    file_set_put(d, s);
    int status = h5_open(&f, path, INDEX_FORMAT, INDEX_VERSION);
    if (!status) status = load_settings(d, s, &f);
    if (!status) status = load_names(d, s, &f);
    if (!status) status = load_sizes(d, s, &f);
    if (!status) status = set_load_classes(d, &f);
    if (!status) status = set_load_captions(d, &f);
    if (!status) status = load_values(d, s, &f);
    d->hash = f.hash;
    h5_close(&f);
    if (status) dataset_close(d);
    return status;
}

bool set_index_is(const char *path) { return h5_is(path, INDEX_FORMAT); }

int set_or_index_open(struct dataset *d, const char *path) {
    return set_index_is(path) ? set_index_open(d, path) : set_open(d, path);
}
