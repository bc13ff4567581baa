#include "checkpoints/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "checkpoints/import_parts.h"

/* Bytes: those of some 20000 tensors; parsed, its text takes up to 40 times as much. Files. */
enum { INDEX_MAX = 2 << 20, SHARDS_MAX = 256 };

/* The files of weights in a folder, by preference. */
static const char *const names[] = {
    "model.safetensors",           "model.safetensors.index.json",
    "pytorch_model.bin",           "pytorch_model.bin.index.json",
    "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
};

static int add_file(struct import *im, const char *path, const char *part) {
    int status = tensor_file_open(&im->file[im->files], path, part);
    if (!status) im->files++;
    return status;
}

/* The names of the shards, each once. */
static int list_shards(const char *path, struct strings *out) {
    struct bytes text;
    if (file_read(path, INDEX_MAX, &text)) return error_status();
    cJSON *json = cJSON_ParseWithLength((const char *)text.at, text.n);
    bytes_free(&text);
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(json, "weight_map"), *one;
    if (!cJSON_IsObject(map)) error_set(ERR_DATA, "%s: holds no weight_map", path);
    cJSON_ArrayForEach(one, map) {
        const char *name = cJSON_GetStringValue(one);
        bool known = false;
        if (!name || strchr(name, '/') || name[0] == '.') {
            error_set(ERR_DATA, "%s: %s is not in a file beside it", path, one->string);
            break;
        }
        for (size_t i = 0; !known && i < out->n; i++) known = strcmp(out->at[i], name) == 0;
        if (!known && out->n == SHARDS_MAX) {
            error_set(ERR_DATA, "%s: more than %d files", path, SHARDS_MAX);
            break;
        }
        if (!known) strings_add(out, name);
    }
    cJSON_Delete(json);
    return error_status();
}

/* Every shard is read in full, so the index itself need say no more than which they are. */
static int open_shards(struct import *im, const char *dir, const char *index, const char *part) {
    struct strings shards = {0};
    int status = list_shards(index, &shards);
    im->file = mem_alloc(shards.n + 1, sizeof *im->file);
    for (size_t i = 0; !status && i < shards.n; i++) {
        char *path = path_join(dir, shards.at[i]);
        status = add_file(im, path, part);
        free(path);
    }
    if (!status && !im->files) status = error_set(ERR_DATA, "%s: names no files", index);
    strings_free(&shards);
    return status;
}

bool import_folder(const char *dir) {
    bool yes = false;
    for (size_t i = 0; !yes && i < sizeof names / sizeof *names; i++) {
        char *path = path_join(dir, names[i]);
        yes = file_exists(path);
        free(path);
    }
    char *manifest = path_join(dir, "manifest.json"); /* a checkpoint of ours */
    yes = yes && !file_exists(manifest);
    free(manifest);
    return yes;
}

bool import_is_weights(const char *path) {
    return (file_exists(path) && !dir_exists(path)) || import_folder(path);
}

static int open_folder(struct import *im, const char *dir, const char *part) {
    int status = import_check_folder(dir);
    for (size_t i = 0; !status && i < sizeof names / sizeof *names; i++) {
        char *path = path_join(dir, names[i]);
        bool there = file_exists(path), index = strstr(names[i], ".index.json") != NULL;
        if (there && index) {
            status = open_shards(im, dir, path, part);
        } else if (there) {
            im->file = mem_alloc(1, sizeof *im->file);
            status = add_file(im, path, part);
        }
        free(path);
        if (there) return status;
    }
    return status ? status
                  : error_set(ERR_MISSING,
                              "%s: no model.safetensors, pytorch_model.bin or "
                              "open_clip_pytorch_model.bin in it",
                              dir);
}

static int compare(const void *a, const void *b) {
    const struct import_item *x = *(struct import_item *const *)a;
    const struct import_item *y = *(struct import_item *const *)b;
    return strcmp(x->name, y->name);
}

static void index_names(struct import *im) {
    im->by_name = mem_alloc(im->n + 1, sizeof(void *));
    for (size_t i = 0; i < im->n; i++)
        if (!(im->at[i].verdict & IMPORT_DROPPED)) im->by_name[im->kept++] = &im->at[i];
    qsort(im->by_name, im->kept, sizeof(void *), compare);
}

int import_open(struct import *im, const char *path, const char *part) {
    *im = (struct import){.path = mem_strdup(path), .facts.activation = ACTIVATION_UNKNOWN};
    int status;
    if (dir_exists(path)) {
        status = open_folder(im, path, part);
    } else {
        im->file = mem_alloc(1, sizeof *im->file);
        status = add_file(im, path, part);
    }
    if (!status) status = import_build(im);
    if (!status) index_names(im);
    if (!status) status = import_learn(im);
    if (status) import_close(im);
    return status;
}

void import_facts_free(struct import_facts *f) {
    free(f->config);
    *f = (struct import_facts){.activation = ACTIVATION_UNKNOWN};
}

void import_close(struct import *im) {
    for (size_t i = 0; i < im->files; i++) tensor_file_close(&im->file[i]);
    for (size_t i = 0; i < im->n; i++) free(im->at[i].name);
    import_facts_free(&im->facts);
    free(im->file);
    free(im->at);
    free(im->by_name);
    free(im->path);
    *im = (struct import){0};
}

struct import_item *import_find(const struct import *im, const char *name) {
    size_t lo = 0, hi = im->kept;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(name, im->by_name[mid]->name);
        if (!order) return im->by_name[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const char *import_family_name(const struct import *im) { return import_layouts[im->family].name; }

void import_verdict_text(unsigned verdict, char *out, size_t n) {
    static const char *const words[] = {"renamed", "cast",  "transposed", "joined", "resized",
                                        "dropped", "split", "made",       "blended"};
    size_t used = 0;
    if (!verdict) snprintf(out, n, "used");
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++) {
        if (!(verdict >> i & 1)) continue;
        int k = snprintf(out + used, n - used, "%s%s", used ? "+" : "", words[i]);
        REQUIRE(k > 0 && (size_t)k < n - used, "no room for a verdict");
        used += (size_t)k;
    }
}
