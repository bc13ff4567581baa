#include "data/mask_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/image.h"
#include "data/rle.h"

enum { FILE_MAX = 256 << 20, VALUES = 1 << 16 };

static bool ends_in(const char *path, const char *suffix) {
    size_t n = strlen(path), k = strlen(suffix);
    return n > k && strcmp(path + n - k, suffix) == 0;
}

/* What a folder of masks holds, of its first few entries. */
static bool holds_masks(const char *dir, bool below) {
    enum { LOOK_AT = 64 };
    struct strings names = {0};
    bool found = false;
    if (dir_list(dir, &names)) error_clear();
    for (size_t i = 0; !found && i < names.n && i < LOOK_AT; i++) {
        char *path = path_join(dir, names.at[i]);
        found = ends_in(path, ".png") || (!below && ends_in(path, ".json")) ||
                (!below && dir_exists(path) && holds_masks(path, true));
        free(path);
    }
    strings_free(&names);
    return found;
}

bool mask_source_is(const char *path) {
    if (dir_exists(path)) return !error_status() && holds_masks(path, false);
    return ends_in(path, ".json");
}

int mask_source_open(struct mask_source *s, const char *path) {
    *s = (struct mask_source){
        .path = mem_strdup(path), .folder = dir_exists(path), .file = {.fd = -1}};
    if (s->folder) return 0;
    if (!file_exists(path)) return error_set(ERR_MISSING, "%s: there is no such file", path);
    if (!ends_in(path, ".json"))
        return error_set(ERR_DATA, "%s: masks are a .json file, or a folder of .json or .png files",
                         path);
    return mask_json_open(&s->file, path, true);
}

void mask_source_close(struct mask_source *s) {
    mask_json_close(&s->file);
    free(s->path);
    *s = (struct mask_source){.file = {.fd = -1}};
}

static int read_values(const char *path, struct labels *l) {
    struct bytes b = {0};
    int status = file_read(path, FILE_MAX, &b);
    if (!status) status = labels_decode_png(b.at, b.n, path, l);
    bytes_free(&b);
    return status;
}

/* One value of a picture of many, on its way to a packed mask. */
struct value {
    struct str packed;
    int64_t end; /* behind its last pixel */
};

/* All values in one pass, whatever their number. */
static void pack_values(const struct labels *l, struct value *v) {
    int64_t n = l->h * l->w;
    for (int64_t i = 0; i < n;) {
        int64_t from = i;
        uint16_t at = l->at[i];
        while (i < n && l->at[i] == at) i++;
        if (!at) continue;
        rle_append(&v[at].packed, from - v[at].end, i - from);
        v[at].end = i;
    }
    for (int k = 1; k < VALUES; k++)
        if (v[k].end && v[k].end < n) rle_append(&v[k].packed, n - v[k].end, 0);
}

static int read_many(const char *path, struct region_list *to) {
    struct labels l = {0};
    int status = read_values(path, &l);
    if (status) return status;
    struct value *v = mem_alloc(VALUES, sizeof *v);
    pack_values(&l, v);
    for (int k = 1; !status && k < VALUES; k++)
        if (v[k].end)
            status = region_list_add_packed(to, k, v[k].packed.at, v[k].packed.n, l.h, l.w);
    for (int k = 1; k < VALUES; k++) str_free(&v[k].packed);
    free(v);
    labels_free(&l);
    return status ? error_context("%s", path) : 0;
}

static int read_one(const char *path, int64_t id, struct region_list *to) {
    struct labels l = {0};
    struct mask m = {0};
    int status = read_values(path, &l);
    if (!status) status = mask_alloc(&m, l.h, l.w);
    for (int64_t i = 0; !status && i < l.h * l.w; i++) m.at[i] = l.at[i] != 0;
    if (!status && region_list_add(to, id, &m)) status = error_context("%s", path);
    mask_free(&m);
    labels_free(&l);
    return status;
}

static int read_stack(const char *dir, struct region_list *to) {
    struct strings names = {0};
    int64_t id = 0;
    int status = dir_list(dir, &names);
    for (size_t i = 0; !status && i < names.n; i++) {
        if (names.at[i][0] == '.' || !ends_in(names.at[i], ".png")) continue; /* SAM's table */
        char *path = path_join(dir, names.at[i]);
        status = read_one(path, id++, to);
        free(path);
    }
    if (!status && !id) status = error_set(ERR_MISSING, "%s: no .png in it", dir);
    strings_free(&names);
    return status;
}

static int read_json(const char *path, struct region_list *to) {
    struct mask_json f;
    int status = mask_json_open(&f, path, false);
    if (!status) status = mask_json_read(&f, 0, NULL, to);
    mask_json_close(&f);
    return status;
}

/* What the folder holds of this name. *found: there is something. */
static int read_named(const char *dir, const char *name, bool *found, struct region_list *to) {
    char *stem = path_join(dir, name);
    char *json = mem_format("%s.json", stem), *png = mem_format("%s.png", stem);
    int status = 0;
    *found = true;
    if (file_exists(json))
        status = read_json(json, to);
    else if (dir_exists(stem))
        status = read_stack(stem, to);
    else if (file_exists(png))
        status = read_many(png, to);
    else
        *found = false;
    free(stem);
    free(json);
    free(png);
    return status;
}

static int read_folder(const struct mask_source *s, int64_t id, const char *stem,
                       struct region_list *to) {
    char *names[] = {stem ? mem_strdup(stem) : NULL,
                     id >= 0 ? mem_format("%012lld", (long long)id) : NULL,
                     id >= 0 ? mem_format("%lld", (long long)id) : NULL};
    enum { N = sizeof names / sizeof *names };
    bool found = false;
    int status = 0;
    for (int i = 0; !status && !found && i < N; i++)
        if (names[i] && path_is_below(names[i])) /* a stranger's set may name anything */
            status = read_named(s->path, names[i], &found, to);
    if (!status && !found)
        status = error_set(ERR_MISSING, "%s: no NAME.json, NAME.png or folder NAME, NAME being %s",
                           s->path, names[0] ? names[0] : names[1]);
    for (int i = 0; i < N; i++) free(names[i]);
    return status;
}

/* Whether h x w, resized by one factor, is H x W, to a pixel. */
static bool proportional(int64_t h, int64_t w, int64_t H, int64_t W) {
    double by_h = (double)H / (double)h, by_w = (double)W / (double)w;
    return (double)h * by_w < (double)H + 1.5 && (double)h * by_w > (double)H - 1.5 &&
           (double)w * by_h < (double)W + 1.5 && (double)w * by_h > (double)W - 1.5;
}

static int fit(struct region_list *l, int64_t h, int64_t w) {
    if (!l->n || (l->h == h && l->w == w)) return 0;
    if (!proportional(l->h, l->w, h, w))
        return error_set(ERR_DATA, "its masks are %lld x %lld, the picture is %lld x %lld",
                         (long long)l->w, (long long)l->h, (long long)w, (long long)h);
    return region_list_resize(l, h, w);
}

/* COCO's files are named after their ids. -1: not after one. */
static int64_t id_of(const char *stem) {
    enum { DIGITS_MAX = 18 };
    size_t n = strlen(stem);
    if (!n || n > DIGITS_MAX || strspn(stem, "0123456789") != n) return -1;
    return strtoll(stem, NULL, 10);
}

int mask_source_read(const struct mask_source *s, int64_t id, const char *stem, int64_t h,
                     int64_t w, struct region_list *out) {
    *out = (struct region_list){0};
    if (id < 0 && stem) id = id_of(stem);
    int status =
        s->folder ? read_folder(s, id, stem, out) : mask_json_read(&s->file, id, stem, out);
    if (!status && fit(out, h, w)) status = error_context("%s", s->path);
    if (status)
        status =
            stem ? error_context("picture %s", stem) : error_context("picture %lld", (long long)id);
    return status;
}
