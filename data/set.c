#include "data/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/error.h"
#include "data/set_internal.h"

#define SET_FORMAT "ovseg set"
enum { SET_VERSION = 1, SIDE_MAX = 16384 };

/* ---- writing ---- */

#define APPEND(w, list, cap, i, value)                                                             \
    ((w)->list = mem_grow((w)->list, &(w)->cap, (size_t)(i) + 1, sizeof *(w)->list),               \
     (w)->list[i] = (value))

int set_create(struct set_writer *w, const char *path, const struct set_info *info) {
    *w = (struct set_writer){.images.fd = -1, .labels.fd = -1};
    w->n_classes = info->n_classes;
    w->ignore = info->ignore;
    w->label_bits = info->n_classes <= 255 && info->ignore <= 255 ? 8 : 16;
    APPEND(w, image_offset, image_offset_cap, 0, 0);
    APPEND(w, label_offset, label_offset_cap, 0, 0);
    APPEND(w, caption_at, caption_at_cap, 0, 0);
    if (h5_create(&w->file, path, SET_FORMAT, SET_VERSION, info->config_hash))
        return error_status();
    char number[16];
    snprintf(number, sizeof number, "%u", (unsigned)info->ignore);
    h5_put_text(&w->file, "ignore", number);
    h5_put_text(&w->file, "label_bits", w->label_bits == 8 ? "8" : "16");
    h5_put_strings(&w->file, "class", info->class_name, (uint64_t)info->n_classes);
    uint8_t *seen = mem_alloc((size_t)info->n_classes, 1);
    for (int64_t i = 0; i < info->n_classes; i++) seen[i] = info->class_seen[i];
    h5_put(&w->file, "class_seen", H5_TYPE_U8, (uint64_t)info->n_classes, 0, seen);
    free(seen);
    if (w->file.status) return w->file.status;
    int status = spool_open(&w->images, path);
    return status ? status : spool_open(&w->labels, path);
}

/* One zstd frame with its checksum: damage is found when the map is read. */
int set_pack(const struct set_writer *w, const struct labels *l, struct bytes *out) {
    *out = (struct bytes){0};
    size_t n = (size_t)(l->h * l->w), width = (size_t)w->label_bits / 8;
    size_t room = ZSTD_compressBound(n * width);
    uint8_t *raw = mem_try(n, width), *packed = mem_try(room, 1);
    ZSTD_CCtx *z = ZSTD_createCCtx();
    int status = !raw || !packed || !z ? error_set(ERR_INTERNAL, "out of memory") : 0;
    for (size_t i = 0; !status && i < n; i++) {
        REQUIRE(l->at[i] < w->n_classes || l->at[i] == w->ignore, "label %d", l->at[i]);
        if (width == 1)
            raw[i] = (uint8_t)l->at[i];
        else
            memcpy(raw + 2 * i, &l->at[i], 2);
    }
    if (!status) {
        ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, 1);
        ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
        size_t k = ZSTD_compress2(z, packed, room, raw, n * width);
        status = ZSTD_isError(k) ? error_set(ERR_INTERNAL, "zstd: %s", ZSTD_getErrorName(k)) : 0;
        *out = (struct bytes){packed, k};
    }
    ZSTD_freeCCtx(z);
    free(raw);
    if (!status) return 0;
    free(packed);
    *out = (struct bytes){0};
    return status;
}

static int add_labels(struct set_writer *w, const struct labels *l) {
    struct bytes packed;
    int status = set_pack(w, l, &packed);
    if (!status) status = spool_put(&w->labels, packed.at, packed.n);
    bytes_free(&packed);
    return status;
}

int set_add(struct set_writer *w, const struct set_item *item) {
    if (w->file.status) return w->file.status;
    REQUIRE(item->h > 0 && item->h <= SIDE_MAX && item->w > 0 && item->w <= SIDE_MAX,
            "an image of %lld x %lld", (long long)item->h, (long long)item->w);
    int status = spool_put(&w->images, item->bytes, item->n);
    if (!status && item->labels) {
        REQUIRE(item->labels->h == item->h && item->labels->w == item->w, "labels of another size");
        status = add_labels(w, item->labels);
    } else if (!status && item->packed) {
        status = spool_put(&w->labels, item->packed->at, item->packed->n);
    }
    if (status) {
        error_context("%s", w->file.path);
        return w->file.status = status;
    }
    int64_t i = w->n++;
    REQUIRE(w->name.n == (item->name ? (size_t)i : 0), "names of some pictures only");
    if (item->name) strings_add(&w->name, item->name);
    APPEND(w, image_offset, image_offset_cap, i + 1, w->images.n);
    APPEND(w, label_offset, label_offset_cap, i + 1, w->labels.n);
    APPEND(w, id, id_cap, i, item->id);
    APPEND(w, size, size_cap, 2 * i, (uint32_t)item->h);
    APPEND(w, size, size_cap, 2 * i + 1, (uint32_t)item->w);
    for (int64_t k = 0; k < item->n_captions; k++) {
        strings_add(&w->caption, item->caption[k]);
        APPEND(w, caption_id, caption_id_cap, w->n_captions, item->caption_id[k]);
        w->n_captions++;
    }
    APPEND(w, caption_at, caption_at_cap, i + 1, (uint64_t)w->n_captions);
    return 0;
}

int set_finish(struct set_writer *w) {
    struct h5_out *f = &w->file;
    uint64_t n = (uint64_t)w->n, c = (uint64_t)w->n_captions;
    h5_put_spool(f, "image_bytes", &w->images);
    h5_put(f, "image_offset", H5_TYPE_U64, n + 1, 0, w->image_offset);
    h5_put(f, "image_size", H5_TYPE_U32, n, 2, w->size);
    h5_put(f, "image_id", H5_TYPE_I64, n, 0, w->id);
    h5_put_spool(f, "label_bytes", &w->labels);
    h5_put(f, "label_offset", H5_TYPE_U64, n + 1, 0, w->label_offset);
    h5_put_strings(f, "caption", w->caption.at, c);
    h5_put(f, "caption_at", H5_TYPE_U64, n + 1, 0, w->caption_at);
    h5_put(f, "caption_id", H5_TYPE_I64, c, 0, w->caption_id);
    if (w->name.n) h5_put_strings(f, "name", w->name.at, n);
    return h5_commit(f);
}

void set_drop(struct set_writer *w) {
    h5_drop(&w->file);
    spool_close(&w->images);
    spool_close(&w->labels);
    free(w->image_offset);
    free(w->label_offset);
    free(w->caption_at);
    free(w->size);
    free(w->id);
    free(w->caption_id);
    strings_free(&w->caption);
    strings_free(&w->name);
    *w = (struct set_writer){.images.fd = -1, .labels.fd = -1, .file.id = -1};
}

/* ---- reading ---- */

struct set {
    struct h5_in file;
    struct h5_array image_bytes, label_bytes;
    uint64_t *image_offset, *label_offset; /* [n_images + 1] */
    uint32_t *size;                        /* [n_images, 2] */
    size_t label_width;                    /* bytes */
};

static int set_bytes(const struct dataset *d, int64_t i, struct bytes *out) {
    const struct set *s = d->state;
    REQUIRE(i >= 0 && i < d->n_images, "image %lld of %lld", (long long)i, (long long)d->n_images);
    size_t n = s->image_offset[i + 1] - s->image_offset[i];
    *out = (struct bytes){mem_try(n, 1), n};
    int status = out->at ? h5_read(&s->file, &s->image_bytes, s->image_offset[i], n, out->at)
                         : error_status();
    if (status) bytes_free(out);
    return status;
}

static int set_image(const struct dataset *d, int64_t i, struct image *out) {
    const struct set *s = d->state;
    REQUIRE(i >= 0 && i < d->n_images, "image %lld of %lld", (long long)i, (long long)d->n_images);
    *out = (struct image){0};
    struct bytes b;
    int status = set_bytes(d, i, &b);
    if (status) return status;
    char *name = mem_format("%s: image %lld", s->file.path, (long long)d->image_id[i]);
    status = image_decode_upright(b.at, b.n, name, out);
    bytes_free(&b);
    if (!status && (out->h != s->size[2 * i] || out->w != s->size[2 * i + 1])) {
        status = error_set(ERR_DATA, "%s: is not of the size the set says", name);
        image_free(out);
    }
    free(name);
    return status;
}

static void widen(const uint8_t *restrict from, size_t n, uint16_t *restrict to) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) to[i] = from[i];
}

/* Looks at all of them, wrong or not: several at once. */
static int check_labels(const struct dataset *d, const struct labels *l) {
    size_t n = (size_t)(l->h * l->w);
    int K = (int)d->n_classes, ignore = d->ignore, wrong = 0;
#pragma omp simd reduction(| : wrong)
    for (size_t i = 0; i < n; i++) wrong |= (l->at[i] >= K) & (l->at[i] != ignore);
    for (size_t i = 0; wrong && i < n; i++)
        if (l->at[i] >= K && l->at[i] != ignore)
            return error_set(ERR_DATA, "has label %u; there are %d classes", (unsigned)l->at[i], K);
    return 0;
}

static int unpack_labels(const struct set *s, const struct dataset *d, const void *packed, size_t n,
                         struct labels *out) {
    size_t pixels = (size_t)(out->h * out->w), size = pixels * s->label_width;
    bool wide = s->label_width == sizeof *out->at;
    if (ZSTD_getFrameContentSize(packed, n) != size)
        return error_set(ERR_DATA, "is not of the size of its image");
    uint8_t *raw = wide ? NULL : mem_try(size, 1);
    if (!wide && !raw) return error_status();
    size_t k = ZSTD_decompress(wide ? (void *)out->at : raw, size, packed, n);
    int status = k != size ? error_set(ERR_DATA, "damaged: %s", ZSTD_getErrorName(k)) : 0;
    if (!status && !wide) widen(raw, pixels, out->at);
    free(raw);
    return status ? status : check_labels(d, out);
}

static int set_labels(const struct dataset *d, int64_t i, struct labels *out) {
    const struct set *s = d->state;
    REQUIRE(i >= 0 && i < d->n_images, "image %lld of %lld", (long long)i, (long long)d->n_images);
    *out = (struct labels){0};
    size_t n = s->label_offset[i + 1] - s->label_offset[i];
    int status;
    uint8_t *packed = NULL;
    if (!n)
        status = error_set(ERR_MISSING, "has no labels");
    else if (!(packed = mem_try(n, 1)))
        status = error_status();
    else if (!(status = h5_read(&s->file, &s->label_bytes, s->label_offset[i], n, packed)) &&
             !(status = labels_alloc(out, s->size[2 * i], s->size[2 * i + 1])))
        status = unpack_labels(s, d, packed, n, out);
    free(packed);
    if (!status) return 0;
    labels_free(out);
    error_context("%s: labels of image %lld", s->file.path, (long long)d->image_id[i]);
    return status;
}

static void set_close(struct dataset *d) {
    struct set *s = d->state;
    h5_close(&s->file);
    free(s->image_offset);
    free(s->label_offset);
    free(s->size);
    free(s);
}

static const struct dataset_source set_source = {
    .image = set_image, .labels = set_labels, .close = set_close, .bytes = set_bytes};

static int load_number(const struct h5_in *f, const char *name, long max, long *out) {
    char *text, *end;
    if (h5_text(f, name, &text)) return error_status();
    *out = strtol(text, &end, 10);
    bool good = *text >= '0' && *text <= '9' && !*end && *out <= max;
    int status = good ? 0 : error_set(ERR_DATA, "%s: attribute %s is \"%s\"", f->path, name, text);
    free(text);
    return status;
}

int set_load_classes(struct dataset *d, const struct h5_in *f) {
    struct strings name;
    uint8_t *seen = NULL;
    int status = h5_load_strings(f, "class", H5_ANY, &name);
    if (!status && name.n > UINT16_MAX)
        status = error_set(ERR_DATA, "%s: has %zu classes", f->path, name.n);
    if (!status) status = h5_load(f, "class_seen", H5_TYPE_U8, name.n, 0, NULL, &seen);
    if (!status) {
        d->n_classes = (int64_t)name.n;
        d->class_name = name.at;
        name = (struct strings){0};
        d->class_seen = mem_alloc((size_t)d->n_classes, sizeof *d->class_seen);
        for (int64_t i = 0; i < d->n_classes; i++) d->class_seen[i] = seen[i] != 0;
    }
    free(seen);
    strings_free(&name);
    return status;
}

int set_load_captions(struct dataset *d, const struct h5_in *f) {
    struct strings text;
    uint64_t *at = NULL;
    int status = h5_load_strings(f, "caption", H5_ANY, &text);
    if (!status) {
        d->n_captions = (int64_t)text.n;
        d->caption = text.at;
        text = (struct strings){0};
        status =
            h5_load_offsets(f, "caption_at", (uint64_t)d->n_images, (uint64_t)d->n_captions, &at);
    }
    if (!status)
        status =
            h5_load(f, "caption_id", H5_TYPE_I64, (uint64_t)d->n_captions, 0, NULL, &d->caption_id);
    if (!status) {
        d->caption_at = mem_alloc((size_t)d->n_images + 1, sizeof *d->caption_at);
        for (int64_t i = 0; i <= d->n_images; i++) d->caption_at[i] = (int64_t)at[i];
    }
    free(at);
    strings_free(&text);
    return status;
}

static int load_names(struct dataset *d, const struct h5_in *f) {
    struct strings name;
    if (!h5_has(f, "name_text")) return 0;
    int status = h5_load_strings(f, "name", (uint64_t)d->n_images, &name);
    if (status)
        strings_free(&name);
    else
        d->image_name = name.at;
    return status;
}

static int load_images(struct dataset *d, struct set *s) {
    const struct h5_in *f = &s->file;
    struct h5_array ids;
    long ignore = 0, bits = 0;
    int status = h5_load(f, "image_id", H5_TYPE_I64, H5_ANY, 0, &ids, &d->image_id);
    if (status) return status;
    d->n_images = (int64_t)ids.rows;
    if (!status) status = h5_find(f, "image_bytes", H5_TYPE_U8, 0, &s->image_bytes);
    if (!status)
        status =
            h5_load_offsets(f, "image_offset", ids.rows, s->image_bytes.rows, &s->image_offset);
    if (!status) status = h5_load(f, "image_size", H5_TYPE_U32, ids.rows, 2, NULL, &s->size);
    if (!status) status = h5_find(f, "label_bytes", H5_TYPE_U8, 0, &s->label_bytes);
    if (!status)
        status =
            h5_load_offsets(f, "label_offset", ids.rows, s->label_bytes.rows, &s->label_offset);
    if (!status) status = load_number(f, "ignore", UINT16_MAX, &ignore);
    if (!status) status = load_number(f, "label_bits", 16, &bits);
    if (!status && bits != 8 && bits != 16)
        status = error_set(ERR_DATA, "%s: labels of %ld bits", f->path, bits);
    for (uint64_t i = 0; !status && i < 2 * ids.rows; i++)
        if (!s->size[i] || s->size[i] > SIDE_MAX)
            status = error_set(ERR_DATA, "%s: image %lld has a side of %u", f->path,
                               (long long)d->image_id[i / 2], s->size[i]);
    d->size = s->size;
    d->ignore = (uint16_t)ignore;
    s->label_width = (size_t)bits / 8;
    d->has_labels = s->label_bytes.rows > 0;
    return status;
}

int set_open(struct dataset *d, const char *path) {
    struct set *s = mem_alloc(1, sizeof *s);
    *d = (struct dataset){.source = &set_source, .state = s};
    int status = h5_open(&s->file, path, SET_FORMAT, SET_VERSION);
    if (!status) status = load_images(d, s);
    if (!status) status = set_load_classes(d, &s->file);
    if (!status) status = set_load_captions(d, &s->file);
    if (!status) status = load_names(d, &s->file);
    d->hash = s->file.hash;
    h5_detach(&s->file);
    if (status) dataset_close(d);
    return status;
}

bool set_is(const char *path) { return h5_is(path, SET_FORMAT); }

int set_verify(const char *path) {
    struct h5_in f;
    int status = h5_open(&f, path, SET_FORMAT, SET_VERSION);
    if (status) return status;
    status = h5_verify(&f);
    h5_close(&f);
    return status;
}

int set_copy(struct set_writer *w, const struct dataset *d, int64_t i) {
    REQUIRE(d->source->bytes, "a data set of pixels only");
    struct bytes picture = {0};
    struct labels l = {0};
    int64_t c = d->caption_at ? d->caption_at[i] : 0;
    struct set_item item = {.id = d->image_id[i],
                            .name = d->image_name ? d->image_name[i] : NULL,
                            .caption = d->caption + c,
                            .caption_id = d->caption_id + c,
                            .n_captions = d->caption_at ? d->caption_at[i + 1] - c : 0};
    int status = d->source->bytes(d, i, &picture);
    if (!status && d->has_labels && d->source->labels(d, i, &l)) {
        status = error_status() == ERR_MISSING ? 0 : error_status(); /* a picture may have none */
        if (!status) error_clear();
    }
    if (!status) {
        item.bytes = picture.at;
        item.n = picture.n;
        item.labels = l.at ? &l : NULL;
        status = image_size_upright(picture.at, picture.n, w->file.path, &item.h, &item.w);
    }
    if (!status) status = set_add(w, &item);
    bytes_free(&picture);
    labels_free(&l);
    return status;
}
