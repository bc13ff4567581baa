#include "train/pictures/picture_json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/rle.h"
#include "train/pictures/picture_overlay.h"

enum { FILE_MAX = 256 << 20 };
static const char format[] = "ovseg segmentation";

void picture_find(struct picture_found *f, const struct labels *l, const struct scores *s,
                  int64_t K) {
    *f = (struct picture_found){
        .h = l->h, .w = l->w, .K = K, .at = mem_alloc((size_t)K, sizeof *f->at)};
    for (int64_t k = 0; k < K; k++) f->at[k].box = (struct box){l->w, l->h, 0, 0};
    for (int64_t y = 0; y < l->h; y++)
        for (int64_t x = 0; x < l->w; x++) {
            int64_t i = y * l->w + x;
            if (l->at[i] >= K) {
                f->unlabelled++;
                continue;
            }
            struct name_found *n = &f->at[l->at[i]];
            n->pixels++;
            if (s) n->score += (double)s->at[i];
            if (x < n->box.x0) n->box.x0 = x;
            if (x >= n->box.x1) n->box.x1 = x + 1;
            if (y < n->box.y0) n->box.y0 = y;
            n->box.y1 = y + 1;
        }
    for (int64_t k = 0; k < K; k++) f->at[k].score /= f->at[k].pixels ? (double)f->at[k].pixels : 1;
}

void picture_found_free(struct picture_found *f) {
    free(f->at);
    *f = (struct picture_found){0};
}

/* ---- writing ---- */

static void put_box(struct json_out *j, struct box b) {
    json_key(j, "bbox");
    json_array(j);
    json_int(j, b.x0);
    json_int(j, b.y0);
    json_int(j, b.x1 - b.x0);
    json_int(j, b.y1 - b.y0);
    json_end(j);
}

static int put_runs(struct json_out *j, const struct labels *l, int64_t k) {
    struct mask m = {0};
    struct coco_rle r = {0};
    struct str text = {0};
    int status = mask_alloc(&m, l->h, l->w);
    for (int64_t i = 0; !status && i < l->h * l->w; i++) m.at[i] = l->at[i] == k;
    if (!status) status = coco_rle_encode(&m, &r);
    if (!status) {
        coco_rle_print(&r, &text);
        json_key(j, "segmentation");
        json_object(j);
        json_key(j, "size");
        json_array(j);
        json_int(j, l->h);
        json_int(j, l->w);
        json_end(j);
        json_key_string(j, "counts", text.at);
        json_end(j);
    }
    str_free(&text);
    coco_rle_free(&r);
    mask_free(&m);
    return status;
}

static double share(const struct picture_found *f, int64_t pixels) {
    return (double)pixels / (double)(f->h * f->w);
}

static int put_name(struct json_out *j, const struct picture_found *f, int64_t k, const char *name,
                    const struct labels *l) {
    const struct name_found *n = &f->at[k];
    json_object(j);
    json_key_int(j, "index", k);
    json_key_string(j, "name", name);
    json_key_int(j, "pixels", n->pixels);
    json_key_real(j, "share", share(f, n->pixels));
    json_key_real(j, "mean_score", n->score);
    put_box(j, n->box);
    int status = l ? put_runs(j, l, k) : 0;
    json_end(j);
    return status;
}

static void put_head(struct json_out *j, const struct picture_source *from,
                     const struct picture_found *f) {
    char hex[17];
    hash_hex(from->hash, hex);
    json_key_string(j, "format", format);
    json_key_int(j, "version", PICTURE_JSON_VERSION);
    json_key_string(j, "made_by", from->made_by);
    json_key_string(j, "file_name", from->file_name);
    json_key_string(j, "hash", hex);
    json_key_int(j, "width", f->w);
    json_key_int(j, "height", f->h);
    json_key(j, "unlabelled");
    json_object(j);
    json_key_int(j, "value", segment_unlabelled(f->K));
    json_key_int(j, "pixels", f->unlabelled);
    json_key_real(j, "share", share(f, f->unlabelled));
    json_end(j);
}

void picture_json_name(struct json_out *j, const struct vocabulary *v, size_t k) {
    uint8_t rgb[3];
    picture_colour(v, k, rgb);
    json_object(j);
    json_key_int(j, "index", (int64_t)k);
    json_key_string(j, "name", v->at[k].name);
    json_key(j, "colour");
    json_array(j);
    for (int c = 0; c < 3; c++) json_int(j, rgb[c]);
    json_end(j);
    json_end(j);
}

int picture_json_put(struct json_out *j, const struct picture_source *from,
                     const struct picture_found *f, const struct vocabulary *v,
                     const struct labels *l) {
    int status = 0;
    put_head(j, from, f);
    json_key(j, "names");
    json_array(j);
    for (int64_t k = 0; !status && k < f->K; k++)
        if (f->at[k].pixels) status = put_name(j, f, k, v->at[k].name, l);
    json_end(j);
    return status;
}

int picture_json_write(const char *path, const struct picture_source *from,
                       const struct picture_found *f, const struct vocabulary *v,
                       const struct labels *l) {
    struct str text = {0};
    struct json_out j = {.to = &text};
    json_object(&j);
    int status = picture_json_put(&j, from, f, v, l);
    if (!status) {
        json_end(&j);
        str_put(&text, "\n", 1);
        status = file_write(path, text.at, text.n);
    }
    str_free(&text);
    return status;
}

/* ---- reading ---- */

/* Files are renamed into place whole. What is left of one after a power cut, on file systems that
 * forget, is a part of its beginning, or zeros in its place: nobody else's work is in that. */
bool picture_json_is(const char *path) {
    static const char begins[] = "{\"format\":\"ovseg segmentation\"";
    static const char zeros[sizeof begins] = {0};
    struct bytes head = {0};
    bool is = !file_read_head(path, sizeof begins - 1, &head) &&
              (memcmp(head.at, begins, head.n) == 0 || memcmp(head.at, zeros, head.n) == 0);
    error_clear();
    bytes_free(&head);
    return is;
}

bool picture_json_whole(const char *path) {
    struct bytes b = {0};
    cJSON *root = file_read(path, FILE_MAX, &b) ? NULL : cJSON_Parse((const char *)b.at);
    bool whole = cJSON_IsObject(root);
    error_clear();
    cJSON_Delete(root);
    bytes_free(&b);
    return whole;
}

static bool says(const cJSON *of, const char *key, const char *what) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(of, key);
    return cJSON_IsString(x) && strcmp(x->valuestring, what) == 0;
}

/* A whole number of 0 to `most`; -1: it is none. */
static int64_t count_of(const cJSON *of, const char *key, int64_t most) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(of, key);
    if (!cJSON_IsNumber(x) || !(x->valuedouble >= 0) || x->valuedouble > (double)most ||
        x->valuedouble != floor(x->valuedouble))
        return -1;
    return (int64_t)x->valuedouble;
}

/* All pixels are accounted for, or it is not whole. */
static bool take_counts(const cJSON *root, struct picture_found *f) {
    f->h = count_of(root, "height", IMAGE_SIDE_MAX);
    f->w = count_of(root, "width", IMAGE_SIDE_MAX);
    if (f->h <= 0 || f->w <= 0) return false;
    int64_t n = f->h * f->w, sum;
    sum = f->unlabelled =
        count_of(cJSON_GetObjectItemCaseSensitive(root, "unlabelled"), "pixels", n);
    if (sum < 0) return false;
    const cJSON *x;
    cJSON_ArrayForEach(x, cJSON_GetObjectItemCaseSensitive(root, "names")) {
        int64_t k = count_of(x, "index", f->K - 1), pixels = count_of(x, "pixels", n);
        if (k < 0 || pixels < 0) return false;
        f->at[k].pixels = pixels;
        sum += pixels;
    }
    return sum == n;
}

bool picture_json_read(const char *path, const struct picture_source *from, int64_t K,
                       struct picture_found *f) {
    struct bytes b = {0};
    char hex[17];
    hash_hex(from->hash, hex);
    *f = (struct picture_found){0};
    cJSON *root = file_read(path, FILE_MAX, &b) ? NULL : cJSON_Parse((const char *)b.at);
    error_clear();
    bool is = root && says(root, "format", format) && says(root, "made_by", from->made_by) &&
              says(root, "hash", hex) && count_of(root, "version", PICTURE_JSON_VERSION) > 0;
    if (is) {
        *f = (struct picture_found){.K = K, .at = mem_alloc((size_t)K, sizeof *f->at)};
        is = take_counts(root, f);
        if (!is) picture_found_free(f);
    }
    cJSON_Delete(root);
    bytes_free(&b);
    return is;
}
