#include "data/file_set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/problems.h"
#include "data/captions_file.h"
#include "data/file_set_internal.h"
#include "data/mat_labels.h"
#include "data/resize_cv.h"
#include "data/vocabulary.h"

/* ---- reading ---- */

/* The reference's short side becomes 512 when it is longer; Python rounds halves to even. */
static bool shrunk_size(int64_t h, int64_t w, int64_t *out_h, int64_t *out_w) {
    int64_t small = h < w ? h : w, large = h < w ? w : h;
    if (small <= SHRUNK_SIDE) return false;
    int64_t side = (int64_t)rint((double)large / (double)small * SHRUNK_SIDE);
    *out_h = h < w ? SHRUNK_SIDE : side;
    *out_w = h < w ? side : SHRUNK_SIDE;
    return true;
}

/* The reference's picture: what its JPEG holds. EXIF is not looked at there. */
static int shrink(struct bytes *b, const char *path) {
    struct image im, small;
    int64_t h, w;
    int status = image_decode(b->at, b->n, path, &im);
    if (status) return status;
    if (shrunk_size(im.h, im.w, &h, &w)) {
        status = image_resize_cv_linear(&im, h, w, &small);
        image_free(&im);
        im = small;
    }
    bytes_free(b);
    if (!status) status = image_encode_jpeg(&im, SHRUNK_QUALITY, b);
    image_free(&im);
    return status;
}

static int file_bytes(const struct dataset *d, int64_t i, struct bytes *out) {
    const struct file_set *s = d->state;
    char *path = path_join(s->images, s->at[i].image);
    int status = file_read(path, FILE_SET_BYTES_MAX, out);
    if (!status && s->shrunk) status = shrink(out, path);
    if (status) bytes_free(out);
    free(path);
    return status;
}

static int file_image(const struct dataset *d, int64_t i, struct image *out) {
    const struct file_set *s = d->state;
    struct bytes b;
    *out = (struct image){0};
    int status = file_bytes(d, i, &b);
    if (status) return status;
    char *path = path_join(s->images, s->at[i].image);
    status = image_decode_upright(b.at, b.n, path, out);
    bytes_free(&b);
    free(path);
    return status;
}

static int read_map(const struct file_set *s, const char *path, struct labels *out) {
    *out = (struct labels){0};
    if (s->kind == MAPS_MAT) return labels_read_mat(path, out);
    struct bytes b;
    int status = file_read(path, FILE_SET_BYTES_MAX, &b);
    if (status) return status;
    if (s->kind == MAPS_TIFF)
        status = labels_decode_tiff(b.at, b.n, path, out);
    else if (s->kind == MAPS_ADE_FULL)
        status = labels_decode_ade_full(b.at, b.n, path, out);
    else if (s->kind == MAPS_COLOUR)
        status = labels_decode_colours(b.at, b.n, path, &s->colours, out);
    else
        status = labels_decode_png(b.at, b.n, path, out);
    bytes_free(&b);
    return status;
}

static int to_classes(const struct file_set *s, const char *path, struct labels *l) {
    if (s->kind == MAPS_COLOUR) return 0;
    for (int64_t k = 0; k < l->h * l->w; k++) {
        uint16_t class = s->class_of[l->at[k]];
        if (class == RAW_MISTAKE)
            return error_set(ERR_DATA,
                             "%s: value %u at row %lld, column %lld stands for no class: the names "
                             "and the maps are not of one data set",
                             path, l->at[k], (long long)(k / l->w), (long long)(k % l->w));
        l->at[k] = class;
    }
    return 0;
}

static int file_labels(const struct dataset *d, int64_t i, struct labels *out) {
    const struct file_set *s = d->state;
    *out = (struct labels){0};
    if (!s->at[i].map) return error_set(ERR_MISSING, "%s: has no label map", s->at[i].image);
    char *path = path_join(s->maps, s->at[i].map);
    int64_t h, w;
    struct labels small;
    int status = read_map(s, path, out);
    if (!status) status = to_classes(s, path, out);
    if (!status && s->shrunk && shrunk_size(out->h, out->w, &h, &w)) {
        status = labels_resize_cv_nearest(out, h, w, &small);
        labels_free(out);
        *out = small;
    }
    free(path);
    if (status) labels_free(out);
    return status;
}

static void file_close(struct dataset *d) {
    struct file_set *s = d->state;
    for (size_t i = 0; i < s->n; i++) {
        free(s->at[i].image);
        free(s->at[i].map);
    }
    free(s->at);
    free(s->images);
    free(s->maps);
    free(s->size);
    colour_table_free(&s->colours);
    free(s);
}

static const struct dataset_source file_source = {
    .image = file_image, .labels = file_labels, .close = file_close, .bytes = file_bytes};

const struct file_set *file_set_of(const struct dataset *d) {
    return d->source == &file_source ? d->state : NULL;
}

static void hash_change(struct hasher *h, const char *dir, const char *name) {
    struct stat st = {0};
    char *path = path_join(dir, name);
    if (stat(path, &st) == 0) {
        hasher_add(h, &st.st_mtim, sizeof st.st_mtim);
        hasher_add(h, &st.st_size, sizeof st.st_size);
    }
    free(path);
}

void file_set_hash_change(const struct dataset *d, int64_t i, struct hasher *h) {
    const struct file_set *s = file_set_of(d);
    if (!s) return;
    hash_change(h, s->images, s->at[i].image);
    if (s->at[i].map) hash_change(h, s->maps, s->at[i].map);
}

void file_set_put(struct dataset *d, struct file_set *s) {
    d->source = &file_source;
    d->state = s;
}

/* ---- opening ---- */

/* ERR_DATA with all classes that have no place among the values. */
static int fill_values(struct file_set *s, const struct file_set_options *o,
                       const struct vocabulary *v, uint16_t ignore) {
    struct problems p = {0};
    bool raw = false, strict;
    for (size_t k = 0; !o->by_index && k < v->n; k++) raw |= v->at[k].raw >= 0;
    strict = !raw || o->zero_is_none;
    for (size_t i = 0; i < RAW_VALUES; i++) s->class_of[i] = strict ? RAW_MISTAKE : ignore;
    if (raw) s->class_of[0] = ignore;
    s->class_of[ignore] = ignore;
    if (raw && o->zero_is_none) s->class_of[255] = ignore;
    for (size_t k = 0; k < v->n; k++) {
        int32_t value = raw ? v->at[k].raw : (int32_t)k;
        if (value < 0 || value == ignore)
            problems_add(&p, "%s: class %zu, %s: needs its raw value in the label maps", o->names,
                         k + 1, v->at[k].name);
        else
            s->class_of[value] = (uint16_t)k;
    }
    return problems_close(&p, ERR_DATA);
}

static int take_classes(struct dataset *d, struct file_set *s, const struct file_set_options *o) {
    struct vocabulary v;
    int status = vocabulary_read(&v, o->names);
    if (status) return status;
    d->ignore = dataset_ignore((int64_t)v.n);
    d->n_classes = (int64_t)v.n;
    d->class_name = mem_alloc(v.n + 1, sizeof *d->class_name);
    d->class_seen = mem_alloc(v.n + 1, sizeof *d->class_seen);
    for (size_t k = 0; k < v.n; k++) {
        d->class_name[k] = mem_strdup(v.at[k].name);
        d->class_seen[k] = !v.at[k].unseen;
    }
    if (o->maps && o->kind == MAPS_COLOUR)
        status = colour_table_of(&s->colours, &v, o->names, d->ignore);
    else if (o->maps)
        status = fill_values(s, o, &v, d->ignore);
    vocabulary_close(&v);
    return status;
}

static int by_number(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The number that the digits of a name make; -1 when there are none, or too many. */
static int64_t digits_of(const char *name) {
    int64_t number = 0;
    int n = 0;
    for (; *name; name++) {
        if (*name < '0' || *name > '9') continue;
        number = number * 10 + (*name - '0');
        if (++n > 18) return -1;
    }
    return n ? number : -1;
}

static void fill_ids(struct dataset *d) {
    size_t n = (size_t)d->n_images;
    d->image_id = mem_alloc(n, sizeof *d->image_id);
    for (size_t i = 0; i < n; i++) d->image_id[i] = digits_of(d->image_name[i]);
    int64_t *sorted = mem_alloc(n, sizeof *sorted);
    memcpy(sorted, d->image_id, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_number);
    bool good = sorted[0] >= 0;
    for (size_t i = 1; i < n; i++) good &= sorted[i] != sorted[i - 1];
    free(sorted);
    for (size_t i = 0; !good && i < n; i++) d->image_id[i] = (int64_t)i;
}

static void hash_file_of(struct hasher *hash, const char *dir, const char *name) {
    char *path = path_join(dir, name);
    int64_t size = file_size(path);
    hasher_add_string(hash, name);
    hasher_add(hash, &size, sizeof size);
    free(path);
}

static void hash_files(struct hasher *hash, const struct dataset *d, const struct file_set *s) {
    for (size_t i = 0; i < s->n; i++) {
        hash_file_of(hash, s->images, s->at[i].image);
        if (s->at[i].map) hash_file_of(hash, s->maps, s->at[i].map);
    }
    for (int64_t k = 0; k < d->n_classes; k++) hasher_add_string(hash, d->class_name[k]);
    hasher_add(hash, s->class_of, sizeof s->class_of);
    colour_table_hash(&s->colours, hash);
    hasher_add(hash, &s->shrunk, sizeof s->shrunk);
}

static int check_folder(const char *dir, const char *what) {
    if (!dir || dir_exists(dir)) return 0;
    return error_set(ERR_MISSING, "%s: is not a folder; it should hold %s", dir, what);
}

int file_set_open(struct dataset *d, const struct file_set_options *o) {
    REQUIRE(!o->maps || o->names, "label maps without names");
    *d = (struct dataset){0};
    int status = check_folder(o->images, "the pictures");
    if (!status) status = check_folder(o->maps, "the label maps");
    if (status) return status;
    struct file_set *s = mem_alloc(1, sizeof *s);
    struct strings names = {0};
    struct hasher hash;
    hasher_open(&hash);
    s->images = mem_strdup(o->images);
    s->maps = o->maps ? mem_strdup(o->maps) : NULL;
    s->kind = o->kind;
    s->shrunk = o->shrunk;
    file_set_put(d, s);
    d->ignore = dataset_ignore(0);
    d->has_labels = o->maps != NULL;
    if (o->names) status = take_classes(d, s, o);
    if (!status) status = file_set_pair(s, o, &names);
    d->n_images = (int64_t)names.n;
    d->image_name = names.at;
    if (!status) fill_ids(d);
    if (!status) hash_files(&hash, d, s);
    if (!status && o->captions) status = captions_attach(d, o->captions, o->only, &hash);
    d->hash = hasher_close(&hash);
    if (status) dataset_close(d);
    return status;
}
