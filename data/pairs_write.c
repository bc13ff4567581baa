#include "data/pairs_write.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/h5_write.h"
#include "data/pairs_internal.h"

void pairs_shard_open(struct pairs_shard *s, const char *dir, int64_t k, int64_t first,
                      int64_t n_images, const struct pairs_source *source) {
    *s = (struct pairs_shard){
        .path = pairs_shard_path(dir, k), .source = source, .first = first, .n_images = n_images};
}

void pairs_shard_add(struct pairs_shard *s, const struct pair *p, const char *noun,
                     const void *mask, size_t mask_n) {
    REQUIRE(p->image >= s->first && p->image - s->first < s->n_images,
            "image %lld of another shard", (long long)p->image);
    if (s->n) {
        const struct pair *last = &s->at[s->n - 1];
        bool same = last->image == p->image && last->caption == p->caption;
        REQUIRE(same ? strcmp(s->noun.at[s->n - 1], noun) <= 0
                     : last->image < p->image ||
                           (last->image == p->image && last->caption < p->caption),
                "pairs come by image, caption, noun");
    }
    s->at = mem_grow(s->at, &s->cap, s->n + 1, sizeof *s->at);
    s->mask_end = mem_grow(s->mask_end, &s->mask_cap, s->n + 1, sizeof *s->mask_end);
    str_put(&s->mask, mask, mask_n);
    strings_add(&s->noun, noun);
    s->at[s->n] = *p;
    s->mask_end[s->n++] = s->mask.n;
}

/* The sorted nouns of the shard, each once, and every pair's place among them. */
static void put_nouns(struct h5_out *f, struct pairs_shard *s) {
    struct strings table = {0};
    strings_copy(&table, &s->noun);
    strings_settle(&table);
    for (size_t i = 0; i < s->n; i++) s->at[i].noun = strings_find(&table, s->noun.at[i]);
    h5_put_strings(f, "nouns", table.at, table.n);
    strings_free(&table);
}

static void put_columns(struct h5_out *f, const struct pairs_shard *s) {
    int64_t *integer = mem_alloc(s->n * 4, sizeof *integer); /* boxes are the widest */
    for (int c = 0; c < PAIRS_INTEGERS; c++) {
        const struct pairs_column *col = &pairs_integers[c];
        size_t width = col->cols ? col->cols : 1;
        for (size_t i = 0; i < s->n; i++)
            memcpy(integer + i * width, (const char *)&s->at[i] + col->offset,
                   width * sizeof *integer);
        h5_put(f, col->name, H5_TYPE_I64, s->n, col->cols, integer);
    }
    float *real = mem_alloc(s->n, sizeof *real);
    for (int c = 0; c < PAIRS_REALS; c++) {
        for (size_t i = 0; i < s->n; i++)
            memcpy(real + i, (const char *)&s->at[i] + pairs_reals[c].offset, sizeof *real);
        h5_put(f, pairs_reals[c].name, H5_TYPE_F32, s->n, 0, real);
    }
    free(real);
    free(integer);
}

static void put_masks(struct h5_out *f, const struct pairs_shard *s) {
    uint64_t *offset = mem_alloc(s->n + 1, sizeof *offset);
    if (s->n) memcpy(offset + 1, s->mask_end, s->n * sizeof *offset);
    h5_put(f, "mask_offset", H5_TYPE_U64, s->n + 1, 0, offset);
    h5_put(f, "mask_bytes", H5_TYPE_U8, s->mask.n, 0, s->mask.at);
    free(offset);
}

void pairs_shard_ids(struct pairs_shard *s, const int64_t *id) {
    free(s->id);
    s->id = mem_alloc(s->n + 1, sizeof *s->id);
    if (s->n) memcpy(s->id, id, s->n * sizeof *id);
}

void pairs_shard_damaged(struct pairs_shard *s, const int64_t *image, size_t n) {
    s->damaged = mem_alloc(n, sizeof *s->damaged);
    memcpy(s->damaged, image, n * sizeof *image);
    s->n_damaged = n;
}

int pairs_shard_commit(struct pairs_shard *s) {
    struct h5_out f;
    const char *config = s->source->at[PAIRS_SOURCES - 1];
    int status = h5_create(&f, s->path, PAIRS_FORMAT, PAIRS_VERSION, config);
    if (!status) {
        char block[64];
        snprintf(block, sizeof block, "%lld %lld", (long long)s->first, (long long)s->n_images);
        h5_put_text(&f, "block", block);
        for (int i = 0; i < PAIRS_SOURCES; i++)
            h5_put_text(&f, pairs_source_names[i], s->source->at[i]);
        put_nouns(&f, s);
        put_columns(&f, s);
        put_masks(&f, s);
        if (s->id) h5_put(&f, "id", H5_TYPE_I64, s->n, 0, s->id);
        if (s->n_damaged) h5_put(&f, "damaged", H5_TYPE_I64, s->n_damaged, 0, s->damaged);
        status = h5_commit(&f);
    }
    h5_drop(&f);
    return status;
}

void pairs_shard_drop(struct pairs_shard *s) {
    free(s->path);
    free(s->at);
    free(s->mask_end);
    free(s->id);
    free(s->damaged);
    str_free(&s->mask);
    strings_free(&s->noun);
    *s = (struct pairs_shard){0};
}

static int load_damaged(const struct h5_in *f, int64_t first, int64_t n_images, int64_t **damaged,
                        size_t *n) {
    struct h5_array found = {0};
    if (!h5_has(f, "damaged")) return 0;
    int status = h5_load(f, "damaged", H5_TYPE_I64, H5_ANY, 0, &found, damaged);
    *n = status ? 0 : found.rows;
    for (size_t i = 0; i < *n; i++)
        if ((*damaged)[i] < first || (*damaged)[i] - first >= n_images)
            return error_set(ERR_DATA, "damaged image %lld of another shard",
                             (long long)(*damaged)[i]);
    return status;
}

bool pairs_shard_done(const char *dir, int64_t k, int64_t first, int64_t n_images,
                      const struct pairs_source *source, int64_t **damaged, size_t *n) {
    REQUIRE(!error_status(), "an error is pending: %s", error_message());
    char *path = pairs_shard_path(dir, k);
    struct h5_in f;
    int64_t has_first = 0, has_n = 0, *list = NULL;
    size_t listed = 0;
    int status = h5_open(&f, path, PAIRS_FORMAT, PAIRS_VERSION);
    if (!status) {
        status = pairs_check_source(&f, source);
        if (!status) status = pairs_load_block(&f, &has_first, &has_n);
        if (!status) status = h5_verify(&f);
        if (!status) status = load_damaged(&f, has_first, has_n, &list, &listed);
        h5_close(&f);
    }
    error_clear(); /* whatever is wrong with it, it is made anew */
    free(path);
    bool done = !status && has_first == first && has_n == n_images;
    if (!done || !damaged) {
        free(list);
        list = NULL;
    }
    if (damaged) {
        *damaged = list;
        *n = list ? listed : 0;
    }
    return done;
}

static int list_shard(const char *path, const struct pairs_source *source, cJSON *list) {
    struct h5_in f;
    if (h5_open(&f, path, PAIRS_FORMAT, PAIRS_VERSION)) return error_status();
    struct h5_array image = {0};
    int64_t first = 0, n = 0;
    uint64_t hash = 0;
    int status = pairs_check_source(&f, source);
    if (!status) status = pairs_load_block(&f, &first, &n);
    if (!status) status = h5_find(&f, "image", H5_TYPE_I64, 0, &image);
    if (!status) status = hash_file(path, &hash);
    if (!status) {
        char hex[17];
        hash_hex(hash, hex);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "file", path_base(path));
        cJSON_AddStringToObject(item, "hash", hex);
        cJSON_AddNumberToObject(item, "pairs", (double)image.rows);
        cJSON_AddNumberToObject(item, "first_image", (double)first);
        cJSON_AddNumberToObject(item, "images", (double)n);
        cJSON_AddItemToArray(list, item);
    }
    h5_close(&f);
    return status;
}

int pairs_manifest(const char *dir, int64_t n_shards, const struct pairs_source *source) {
    return pairs_manifest_edited(dir, n_shards, source, NULL);
}

int pairs_manifest_edited(const char *dir, int64_t n_shards, const struct pairs_source *source,
                          const char *edits) {
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", PAIRS_FORMAT);
    cJSON_AddNumberToObject(root, "version", PAIRS_VERSION);
    cJSON_AddStringToObject(root, "tool", "ovseg " OVSEG_VERSION);
    for (int i = 0; i < PAIRS_SOURCES; i++)
        cJSON_AddStringToObject(root, pairs_source_names[i], source->at[i]);
    if (edits) {
        cJSON *said = cJSON_Parse(edits);
        REQUIRE(cJSON_IsArray(said), "edits are a JSON array");
        cJSON_AddItemToObject(root, "edits", said);
    }
    cJSON *list = cJSON_AddArrayToObject(root, "shards");
    int status = 0;
    for (int64_t k = 0; !status && k < n_shards; k++) {
        char *path = pairs_shard_path(dir, k);
        status = list_shard(path, source, list);
        free(path);
    }
    if (!status) {
        char *text = cJSON_Print(root), *path = path_join(dir, PAIRS_MANIFEST);
        REQUIRE(text, "out of memory");
        status = file_write(path, text, strlen(text));
        cJSON_free(text);
        free(path);
    }
    cJSON_Delete(root);
    return status;
}
