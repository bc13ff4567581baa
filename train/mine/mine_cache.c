#include "train/mine/mine_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/spans.h"
#include "data/h5_write.h"

enum { CACHE_VERSION = 1 };

/* The kinds of files; also what stands in them as their format. */
static const char PICTURES[] = "pictures", MASKS[] = "masks", FEATURES[] = "features";

void mine_cache_open(struct mine_cache *c, const char *dir) {
    *c = (struct mine_cache){0};
    if (!dir) return;
    if (!dir_make(dir)) {
        dir_sweep(dir);
        c->dir = mem_strdup(dir);
        return;
    }
    log_warn("%s; nothing is kept for another run", error_message());
    error_clear();
}

void mine_cache_close(struct mine_cache *c) {
    free(c->dir);
    *c = (struct mine_cache){0};
}

static char *block_path(const struct mine_cache *c, const char *kind, const char *key) {
    char hex[17];
    hash_hex(hash_string(key), hex);
    char *name = mem_format("%s-%s.h5", kind, hex), *path = path_join(c->dir, name);
    free(name);
    return path;
}

static char *format_of(const char *kind) { return mem_format("ovseg mined %s", kind); }

/* A whole file of this key. Whatever else there is, is as good as nothing. */
static bool block_open(const struct mine_cache *c, const char *kind, const char *key,
                       struct h5_in *f) {
    REQUIRE(!error_status(), "an error is pending: %s", error_message());
    if (!c->dir) return false;
    char *path = block_path(c, kind, key), *format = format_of(kind), *has = NULL;
    bool there = file_exists(path), same = false;
    int status = there ? h5_open(f, path, format, CACHE_VERSION) : ERR_MISSING;
    if (!status) {
        status = h5_text(f, "key", &has);
        same = !status && strcmp(has, key) == 0;
        if (same) status = h5_verify(f);
        if (status || !same) h5_close(f);
    }
    if (there && status) log_warn("%s; it is computed again", error_message());
    error_clear();
    free(has);
    free(path);
    free(format);
    return same && !status;
}

/* After the arrays were read: closes, and says whether all went well. */
static bool block_close(struct h5_in *f, int status) {
    if (status) log_warn("%s; it is computed again", error_message());
    error_clear();
    h5_close(f);
    return !status;
}

static void block_create(const struct mine_cache *c, const char *kind, const char *key,
                         struct h5_out *f) {
    char *path = block_path(c, kind, key), *format = format_of(kind);
    h5_create(f, path, format, CACHE_VERSION, "");
    h5_put_text(f, "key", key);
    free(path);
    free(format);
}

/* Makes the file appear; where that fails once it is not tried again. */
static void block_commit(struct mine_cache *c, struct h5_out *f) {
    if (h5_commit(f)) {
        log_warn("%s; nothing more is kept for another run", error_message());
        error_clear();
        free(c->dir);
        c->dir = NULL;
    }
    h5_drop(f);
}

bool mine_cache_pictures(const struct mine_cache *c, const char *key, struct mine_picture *at,
                         int64_t n) {
    struct h5_in f;
    int span = span_begin("cache");
    bool found = block_open(c, PICTURES, key, &f);
    if (found) {
        uint64_t *hash = NULL;
        int64_t *size = NULL;
        int status = h5_load(&f, "hash", H5_TYPE_U64, (uint64_t)n, 0, NULL, &hash);
        if (!status) status = h5_load(&f, "size", H5_TYPE_I64, (uint64_t)n, 2, NULL, &size);
        for (int64_t i = 0; !status && i < n; i++)
            at[i] = (struct mine_picture){hash[i], size[2 * i], size[2 * i + 1]};
        free(hash);
        free(size);
        found = block_close(&f, status);
    }
    span_end(span);
    return found;
}

void mine_cache_keep_pictures(struct mine_cache *c, const char *key, const struct mine_picture *at,
                              int64_t n) {
    uint64_t hash[MINE_TOGETHER];
    int64_t size[MINE_TOGETHER][2];
    REQUIRE(n <= MINE_TOGETHER, "%lld pictures", (long long)n);
    if (!c->dir) return;
    int span = span_begin("cache");
    for (int64_t i = 0; i < n; i++) {
        hash[i] = at[i].hash;
        size[i][0] = at[i].h;
        size[i][1] = at[i].w;
    }
    struct h5_out f;
    block_create(c, PICTURES, key, &f);
    h5_put(&f, "hash", H5_TYPE_U64, (uint64_t)n, 0, hash);
    h5_put(&f, "size", H5_TYPE_I64, (uint64_t)n, 2, size);
    block_commit(c, &f);
    span_end(span);
}

/* The arrays of masks: those of picture i are begin[i] .. begin[i + 1] - 1. */
struct mask_arrays {
    uint64_t *begin, *offset; /* [n + 1], [R + 1] */
    int64_t *size, *id;       /* [n, 2], [R] */
    uint8_t *bytes;
};

static void arrays_free(struct mask_arrays *a) {
    free(a->begin);
    free(a->offset);
    free(a->size);
    free(a->id);
    free(a->bytes);
}

static int load_arrays(const struct h5_in *f, struct mask_arrays *a, uint64_t n) {
    struct h5_array id = {0}, bytes = {0};
    int status = h5_load(f, "id", H5_TYPE_I64, H5_ANY, 0, &id, &a->id);
    if (!status) status = h5_load(f, "bytes", H5_TYPE_U8, H5_ANY, 0, &bytes, &a->bytes);
    if (!status) status = h5_load_offsets(f, "begin", n, id.rows, &a->begin);
    if (!status) status = h5_load_offsets(f, "offset", id.rows, bytes.rows, &a->offset);
    return status ? status : h5_load(f, "size", H5_TYPE_I64, n, 2, NULL, &a->size);
}

static int take_arrays(const struct h5_in *f, const struct mask_arrays *a, struct region_list *at,
                       int64_t n) {
    enum { SIDE_MAX = 1 << 14 };
    int status = 0;
    for (int64_t i = 0; !status && i < n; i++) {
        int64_t h = a->size[2 * i], w = a->size[2 * i + 1];
        bool empty = a->begin[i] == a->begin[i + 1];
        if (!empty && (h < 1 || h > SIDE_MAX || w < 1 || w > SIDE_MAX))
            status = error_set(ERR_DATA, "%s: masks of an impossible size", f->path);
        for (uint64_t k = a->begin[i]; !status && k < a->begin[i + 1]; k++)
            status = region_list_add_packed(&at[i], a->id[k], a->bytes + a->offset[k],
                                            a->offset[k + 1] - a->offset[k], h, w);
    }
    if (status)
        for (int64_t i = 0; i < n; i++) region_list_free(&at[i]);
    return status;
}

bool mine_cache_masks(const struct mine_cache *c, const char *key, struct region_list *at,
                      int64_t n) {
    struct h5_in f;
    int span = span_begin("cache");
    bool found = block_open(c, MASKS, key, &f);
    if (found) {
        struct mask_arrays a = {0};
        int status = load_arrays(&f, &a, (uint64_t)n);
        if (!status) status = take_arrays(&f, &a, at, n);
        arrays_free(&a);
        found = block_close(&f, status);
    }
    span_end(span);
    return found;
}

void mine_cache_keep_masks(struct mine_cache *c, const char *key, const struct region_list *at,
                           int64_t n) {
    if (!c->dir) return;
    int span = span_begin("cache");
    struct mask_arrays a = {.begin = mem_alloc((size_t)n + 1, sizeof *a.begin),
                            .size = mem_alloc((size_t)n * 2, sizeof *a.size)};
    for (int64_t i = 0; i < n; i++) a.begin[i + 1] = a.begin[i] + at[i].n;
    size_t R = a.begin[n], k = 0;
    struct str bytes = {0};
    a.offset = mem_alloc(R + 1, sizeof *a.offset);
    a.id = mem_alloc(R, sizeof *a.id);
    for (int64_t i = 0; i < n; i++) {
        a.size[2 * i] = at[i].h;
        a.size[2 * i + 1] = at[i].w;
        for (size_t r = 0; r < at[i].n; r++) {
            const struct packed_region *p = &at[i].at[r];
            a.id[k] = p->id;
            str_put(&bytes, at[i].bytes.at + p->at, p->n);
            a.offset[++k] = bytes.n;
        }
    }
    struct h5_out f;
    block_create(c, MASKS, key, &f);
    h5_put(&f, "begin", H5_TYPE_U64, (uint64_t)n + 1, 0, a.begin);
    h5_put(&f, "size", H5_TYPE_I64, (uint64_t)n, 2, a.size);
    h5_put(&f, "id", H5_TYPE_I64, R, 0, a.id);
    h5_put(&f, "offset", H5_TYPE_U64, R + 1, 0, a.offset);
    h5_put(&f, "bytes", H5_TYPE_U8, bytes.n, 0, bytes.at);
    block_commit(c, &f);
    str_free(&bytes);
    arrays_free(&a);
    span_end(span);
}

bool mine_cache_features(const struct mine_cache *c, const char *key, float *at, int64_t rows,
                         int64_t D) {
    struct h5_in f;
    int span = span_begin("cache");
    bool found = block_open(c, FEATURES, key, &f);
    if (found) {
        struct h5_array a;
        int status = h5_find(&f, "feature", H5_TYPE_F32, (uint64_t)D, &a);
        if (!status && a.rows != (uint64_t)rows)
            status = error_set(ERR_DATA, "%s: features of %llu crops, not of %lld", f.path,
                               (unsigned long long)a.rows, (long long)rows);
        if (!status && rows) status = h5_read(&f, &a, 0, (uint64_t)(rows * D), at);
        found = block_close(&f, status);
    }
    span_end(span);
    return found;
}

void mine_cache_keep_features(struct mine_cache *c, const char *key, const float *at, int64_t rows,
                              int64_t D) {
    if (!c->dir) return;
    int span = span_begin("cache");
    struct h5_out f;
    block_create(c, FEATURES, key, &f);
    h5_put(&f, "feature", H5_TYPE_F32, (uint64_t)rows, (uint64_t)D, at);
    block_commit(c, &f);
    span_end(span);
}
