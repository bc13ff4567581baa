#include "data/pairs.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/pairs_internal.h"

enum { MANIFEST_MAX = 64 << 20, SHARDS_MAX = 1 << 16, SIDE_MAX = 16384 };

const char *const pairs_source_names[PAIRS_SOURCES] = {"proposals", "clip", "captions", "settings"};

#define COLUMN(member, cols)                                                                       \
    { #member, offsetof(struct pair, member), cols }
const struct pairs_column pairs_integers[PAIRS_INTEGERS] = {
    COLUMN(image, 0),
    COLUMN(image_id, 0),
    COLUMN(caption, 0),
    COLUMN(caption_id, 0),
    COLUMN(noun, 0),
    COLUMN(proposal, 0),
    {"size", offsetof(struct pair, h), 2},
    COLUMN(area, 0),
    COLUMN(box, 4),
};
const struct pairs_column pairs_reals[PAIRS_REALS] = {COLUMN(similarity, 0), COLUMN(margin, 0)};
_Static_assert(offsetof(struct pair, w) == offsetof(struct pair, h) + 8, "size is h, w");
_Static_assert(sizeof(struct box) == 32, "box is x0, y0, x1, y1");

/* An open shard: its masks stay in the file. */
struct pairs_file {
    struct h5_in file;
    struct h5_array mask_bytes;
    uint64_t *mask_offset; /* [n + 1] */
    int64_t first, n;      /* rows of struct pairs */
    int64_t first_image, n_images;
};

enum { ID_ROW_BITS = 32 };

int64_t pair_id(int64_t shard, int64_t row) { return shard << ID_ROW_BITS | row; }

void pair_id_print(int64_t id, char out[24]) {
    snprintf(out, 24, "%lld:%lld", (long long)(id >> ID_ROW_BITS), (long long)(uint32_t)id);
}

int pair_id_parse(const char *text, int64_t *id) {
    char *colon, *end = NULL;
    long long shard = strtoll(text, &colon, 10), row = -1;
    bool digits =
        *text >= '0' && *text <= '9' && *colon == ':' && colon[1] >= '0' && colon[1] <= '9';
    if (digits) row = strtoll(colon + 1, &end, 10);
    if (!digits || *end || shard >= SHARDS_MAX || row > UINT32_MAX)
        return error_set(ERR_USAGE, "\"%s\": is no id of a pair: they look like 3:17", text);
    *id = pair_id(shard, row);
    return 0;
}

char *pairs_shard_path(const char *dir, int64_t k) {
    char name[48];
    snprintf(name, sizeof name, "pairs-%05lld.h5", (long long)k);
    return path_join(dir, name);
}

int pairs_check_source(const struct h5_in *f, const struct pairs_source *source) {
    for (int i = 0; i < PAIRS_SOURCES; i++) {
        char *has;
        if (h5_text(f, pairs_source_names[i], &has)) return error_status();
        int same = strcmp(has, source->at[i]) == 0;
        if (!same)
            error_set(ERR_DATA, "%s: was mined with other %s (%s, not %s): mine again", f->path,
                      pairs_source_names[i], has, source->at[i]);
        free(has);
        if (!same) return error_status();
    }
    return 0;
}

int pairs_load_block(const struct h5_in *f, int64_t *first, int64_t *n_images) {
    char *text, *end;
    if (h5_text(f, "block", &text)) return error_status();
    *first = strtoll(text, &end, 10);
    *n_images = *end == ' ' ? strtoll(end + 1, &end, 10) : -1;
    bool good = !*end && *first >= 0 && *n_images >= 0 && *n_images <= INT64_MAX - *first;
    int status = good ? 0 : error_set(ERR_DATA, "%s: attribute block is \"%s\"", f->path, text);
    free(text);
    return status;
}

int pairs_compare(const struct pair *a, const struct pair *b) {
    if (a->image != b->image) return a->image < b->image ? -1 : 1;
    if (a->caption != b->caption) return a->caption < b->caption ? -1 : 1;
    return a->noun < b->noun ? -1 : a->noun > b->noun;
}

static int load_columns(const struct h5_in *f, struct pair *at, uint64_t n) {
    for (int c = 0; c < PAIRS_INTEGERS; c++) {
        const struct pairs_column *col = &pairs_integers[c];
        size_t width = col->cols ? col->cols : 1;
        int64_t *value;
        if (h5_load(f, col->name, H5_TYPE_I64, n, col->cols, NULL, &value)) return error_status();
        for (uint64_t i = 0; i < n; i++)
            memcpy((char *)&at[i] + col->offset, value + i * width, width * sizeof *value);
        free(value);
    }
    for (int c = 0; c < PAIRS_REALS; c++) {
        float *value;
        if (h5_load(f, pairs_reals[c].name, H5_TYPE_F32, n, 0, NULL, &value)) return error_status();
        for (uint64_t i = 0; i < n; i++)
            memcpy((char *)&at[i] + pairs_reals[c].offset, value + i, sizeof *value);
        free(value);
    }
    return 0;
}

static const char *pair_fault(const struct pair *p, int64_t first, int64_t n_images,
                              size_t n_nouns) {
    const struct box *b = &p->box;
    if (p->image < first || p->image - first >= n_images) return "an image of another shard";
    if (p->noun < 0 || (uint64_t)p->noun >= n_nouns) return "a noun that is not listed";
    if (p->caption < 0 || p->proposal < 0) return "a negative index";
    if (p->h < 1 || p->h > SIDE_MAX || p->w < 1 || p->w > SIDE_MAX) return "an impossible size";
    if (b->x0 < 0 || b->x0 >= b->x1 || b->x1 > p->w || b->y0 < 0 || b->y0 >= b->y1 || b->y1 > p->h)
        return "a box outside the image";
    if (p->area < 1 || p->area > (b->x1 - b->x0) * (b->y1 - b->y0)) return "an impossible area";
    if (!isfinite(p->similarity)) return "a similarity that is not a number";
    return NULL;
}

/* Where the pairs of a shard were mined: its own rows, unless it was edited. */
static int load_ids(struct pairs *p, const struct pairs_file *s, int64_t k) {
    int64_t *id = p->id + s->first, *stored = NULL;
    int status = 0;
    if (p->edits) status = h5_load(&s->file, "id", H5_TYPE_I64, (uint64_t)s->n, 0, NULL, &stored);
    for (int64_t i = 0; !status && i < s->n; i++) {
        id[i] = stored ? stored[i] : pair_id(k, i);
        if (id[i] < 0 || id[i] >> ID_ROW_BITS != k)
            status = error_set(ERR_DATA, "%s: pair %lld has an id of another shard", s->file.path,
                               (long long)i);
    }
    free(stored);
    return status;
}

/* Appends the rows of a shard; their nouns are still those of the shard. */
static int load_shard(struct pairs *p, struct pairs_file *s, struct strings *noun) {
    const struct h5_in *f = &s->file;
    struct h5_array image = {0};
    int status = pairs_check_source(f, &p->source);
    if (!status) status = pairs_load_block(f, &s->first_image, &s->n_images);
    if (!status) status = h5_find(f, "image", H5_TYPE_I64, 0, &image);
    if (!status && image.rows != (uint64_t)s->n)
        status = error_set(ERR_DATA, "%s: has %llu pairs, the manifest says %lld", f->path,
                           (unsigned long long)image.rows, (long long)s->n);
    if (!status) status = h5_load_strings(f, "nouns", H5_ANY, noun);
    if (!status) status = h5_find(f, "mask_bytes", H5_TYPE_U8, 0, &s->mask_bytes);
    if (!status)
        status = h5_load_offsets(f, "mask_offset", image.rows, s->mask_bytes.rows, &s->mask_offset);
    struct pair *at = p->at + s->first;
    if (!status) status = load_columns(f, at, image.rows);
    for (int64_t i = 0; !status && i < s->n; i++) {
        const char *fault = pair_fault(&at[i], s->first_image, s->n_images, noun->n);
        if (!fault && i && pairs_compare(&at[i - 1], &at[i]) > 0) fault = "a place out of order";
        if (fault)
            status = error_set(ERR_DATA, "%s: pair %lld has %s", f->path, (long long)i, fault);
    }
    return status;
}

/* One sorted list of all nouns, and the pairs' nouns as places in it. */
static void unite_nouns(struct pairs *p, const struct strings *noun) {
    for (int64_t k = 0; k < p->n_shards; k++)
        for (size_t i = 0; i < noun[k].n; i++) strings_add(&p->noun, noun[k].at[i]);
    strings_settle(&p->noun);
    for (int64_t k = 0; k < p->n_shards; k++) {
        const struct pairs_file *s = &p->file[k];
        for (int64_t i = s->first; i < s->first + s->n; i++)
            p->at[i].noun = strings_find(&p->noun, noun[k].at[p->at[i].noun]);
    }
}

static const char *json_text(const cJSON *o, const char *name) {
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
    return s ? s : "";
}

static int64_t json_count(const cJSON *o, const char *name) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, name);
    bool good = cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble < 1e15 &&
                x->valuedouble == floor(x->valuedouble);
    return good ? (int64_t)x->valuedouble : -1;
}

/* The file of shard k is the one that the manifest means: same name, same bytes. */
static int check_shard(const char *dir, int64_t k, const cJSON *item, struct pairs_file *s) {
    char *path = pairs_shard_path(dir, k), hex[17];
    uint64_t hash;
    s->n = json_count(item, "pairs");
    int status = 0;
    if (strcmp(json_text(item, "file"), path_base(path)) != 0 || s->n < 0)
        status =
            error_set(ERR_DATA, "%s: the manifest's entry for it is damaged: mine again", path);
    if (!status) status = hash_file(path, &hash);
    if (!status) {
        hash_hex(hash, hex);
        if (strcmp(json_text(item, "hash"), hex) != 0)
            status =
                error_set(ERR_DATA, "%s: is not the file the manifest lists: mine again", path);
    }
    if (!status) status = h5_open(&s->file, path, PAIRS_FORMAT, PAIRS_VERSION);
    free(path);
    return status;
}

static int read_manifest(struct pairs *p, const char *path, const cJSON *root) {
    if (strcmp(json_text(root, "format"), PAIRS_FORMAT) != 0)
        return error_set(ERR_DATA, "%s: is not a manifest of mined pairs", path);
    int64_t version = json_count(root, "version");
    if (version > PAIRS_VERSION)
        return error_set(ERR_DATA, "%s: version %lld; this program knows %d: use a newer ovseg",
                         path, (long long)version, PAIRS_VERSION);
    const cJSON *shards = cJSON_GetObjectItemCaseSensitive(root, "shards");
    int n = cJSON_GetArraySize(shards);
    if (version < 1 || !cJSON_IsArray(shards) || n > SHARDS_MAX)
        return error_set(ERR_DATA, "%s: damaged: mine again", path);
    for (int i = 0; i < PAIRS_SOURCES; i++)
        p->source.at[i] = mem_strdup(json_text(root, pairs_source_names[i]));
    const cJSON *edits = cJSON_GetObjectItemCaseSensitive(root, "edits");
    if (edits && !cJSON_IsArray(edits))
        return error_set(ERR_DATA, "%s: damaged: its edits are no list", path);
    if (edits && !(p->edits = cJSON_PrintUnformatted(edits)))
        return error_set(ERR_INTERNAL, "%s: no memory for its edits", path);
    p->n_shards = n;
    p->file = mem_alloc((size_t)n, sizeof *p->file);
    for (int k = 0; k < n; k++) p->file[k].file = (struct h5_in){.fd = -1, .id = -1};
    return 0;
}

static int load_all(struct pairs *p, const char *dir, const cJSON *root) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "shards")->child;
    size_t total = 0;
    for (int64_t k = 0; k < p->n_shards; k++, item = item->next) {
        struct pairs_file *s = &p->file[k];
        if (check_shard(dir, k, item, s)) return error_status();
        s->first = (int64_t)total;
        if (!size_add(total, (size_t)s->n, &total) || (uint64_t)s->n > s->file.size)
            return error_set(ERR_DATA, "%s: the manifest counts too many pairs", s->file.path);
    }
    p->at = mem_try(total, sizeof *p->at);
    p->id = mem_try(total, sizeof *p->id);
    if (!p->at || !p->id) return error_status();
    p->n = (int64_t)total;
    struct strings *noun = mem_alloc((size_t)p->n_shards, sizeof *noun);
    struct hasher h;
    hasher_open(&h);
    int status = 0;
    for (int64_t k = 0; !status && k < p->n_shards; k++) {
        struct pairs_file *s = &p->file[k];
        status = load_shard(p, s, &noun[k]);
        if (!status) status = load_ids(p, s, k);
        h5_detach(&s->file); /* halves the open files */
        hasher_add(&h, &s->file.hash, sizeof s->file.hash);
        if (!status && k && s->n && s->first && p->at[s->first - 1].image >= p->at[s->first].image)
            status = error_set(ERR_DATA, "%s: its images come before the last shard's: mine again",
                               s->file.path);
    }
    p->hash = hasher_close(&h);
    if (!status) unite_nouns(p, noun);
    for (int64_t k = 0; k < p->n_shards; k++) strings_free(&noun[k]);
    free(noun);
    return status;
}

/* The manifest, and with `shards` all that it lists. */
static int open_manifest(struct pairs *p, const char *dir, bool shards) {
    *p = (struct pairs){0};
    char *path = path_join(dir, PAIRS_MANIFEST);
    struct bytes text;
    cJSON *root = NULL;
    int status = file_read(path, MANIFEST_MAX, &text);
    if (!status && !(root = cJSON_ParseWithLength((const char *)text.at, text.n)))
        status = error_set(ERR_DATA, "%s: is not JSON: mine again", path);
    if (!status) status = read_manifest(p, path, root);
    if (!status && shards) status = load_all(p, dir, root);
    cJSON_Delete(root);
    bytes_free(&text);
    free(path);
    if (status) pairs_close(p);
    return status;
}

int pairs_open(struct pairs *p, const char *dir) { return open_manifest(p, dir, true); }

bool pairs_folder(const char *path) {
    char *manifest = path_join(path, PAIRS_MANIFEST);
    bool there = file_exists(manifest);
    free(manifest);
    return there;
}

int pairs_peek(const char *dir, struct pairs_source *source) {
    struct pairs p;
    *source = (struct pairs_source){0};
    int status = open_manifest(&p, dir, false);
    if (status) return status;
    *source = p.source;
    p.source = (struct pairs_source){0};
    pairs_close(&p);
    return 0;
}

void pairs_source_free(struct pairs_source *s) {
    for (int i = 0; i < PAIRS_SOURCES; i++) free(s->at[i]);
    *s = (struct pairs_source){0};
}

struct pairs_block pairs_block(const struct pairs *p, int64_t shard) {
    REQUIRE(shard >= 0 && shard < p->n_shards, "shard %lld of %lld", (long long)shard,
            (long long)p->n_shards);
    const struct pairs_file *s = &p->file[shard];
    return (struct pairs_block){s->first_image, s->n_images, s->first, s->n};
}

int pairs_mask(const struct pairs *p, int64_t i, struct bytes *out) {
    REQUIRE(i >= 0 && i < p->n, "pair %lld of %lld", (long long)i, (long long)p->n);
    int64_t lo = 0, hi = p->n_shards; /* the last shard that begins at or before i */
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (p->file[mid].first <= i)
            lo = mid;
        else
            hi = mid;
    }
    const struct pairs_file *s = &p->file[lo];
    uint64_t at = s->mask_offset[i - s->first], n = s->mask_offset[i - s->first + 1] - at;
    *out = (struct bytes){.at = mem_try(n, 1), .n = n};
    int status = out->at ? h5_read(&s->file, &s->mask_bytes, at, n, out->at) : error_status();
    if (status) bytes_free(out);
    return status;
}

void pairs_close(struct pairs *p) {
    for (int64_t k = 0; k < p->n_shards; k++) {
        h5_close(&p->file[k].file);
        free(p->file[k].mask_offset);
    }
    free(p->file);
    free(p->at);
    free(p->id);
    free(p->edits);
    strings_free(&p->noun);
    pairs_source_free(&p->source);
    *p = (struct pairs){0};
}
