#include "train/serve/serve_answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "train/pictures/picture_files.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "maps are sent as they lie in memory");

void serve_error(struct serve_answer *a, int status, const char *error, const char *remedy) {
    struct json_out j = {.to = &a->body};
    str_free(&a->body);
    a->status = status;
    json_object(&j);
    json_key_string(&j, "error", error);
    json_key_string(&j, "remedy", remedy);
    json_end(&j);
}

/* Messages are "what is wrong; what to do", most of them. */
void serve_error_pending(struct serve_answer *a, int status, const char *remedy) {
    char *text = mem_strdup(error_message()), *cut = NULL;
    for (char *at = text; (at = strstr(at, "; ")); at++) cut = at;
    if (cut) {
        *cut = '\0';
        remedy = cut + 2;
    }
    error_clear();
    serve_error(a, status, text, remedy);
    free(text);
}

void serve_legend(struct json_out *j, const struct vocabulary *v) {
    json_array(j);
    for (size_t k = 0; k < v->n; k++) picture_json_name(j, v, k);
    json_end(j);
}

int64_t serve_stride(int64_t h, int64_t w) {
    int64_t s = 1;
    while (((h + s - 1) / s) * ((w + s - 1) / s) > SERVE_MAP_POINTS) s++;
    return s;
}

static void put_base64(struct json_out *j, const char *key, const char *before, const void *bytes,
                       size_t n) {
    struct str text = {0};
    str_add(&text, "%s", before);
    base64_add(&text, bytes, n);
    json_key_string(j, key, text.at);
    str_free(&text);
}

static int put_labels(struct json_out *j, const struct labels *l, int64_t K) {
    struct bytes png = {0};
    int status = picture_labels_encode(l, K, &png);
    if (!status) put_base64(j, "labels", "data:image/png;base64,", png.at, png.n);
    bytes_free(&png);
    return status;
}

/* Every stride-th of [H, W] elements of `size` bytes. */
static void put_thin(struct json_out *j, const char *key, const struct ranked *r, const void *from,
                     int64_t W, size_t size) {
    uint8_t *to = mem_alloc((size_t)(r->h * r->w), size);
    for (int64_t y = 0, i = 0; y < r->h; y++)
        for (int64_t x = 0; x < r->w; x++, i++)
            memcpy(to + (size_t)i * size,
                   (const uint8_t *)from + (size_t)((y * W + x) * r->stride) * size, size);
    put_base64(j, key, "", to, (size_t)(r->h * r->w) * size);
    free(to);
}

static void put_maps(struct json_out *j, const struct serve_result *r) {
    const struct ranked *k = r->ranked;
    size_t n = (size_t)(k->n * k->h * k->w);
    json_key(j, "maps");
    json_object(j);
    json_key_int(j, "width", k->w);
    json_key_int(j, "height", k->h);
    json_key_int(j, "stride", k->stride);
    json_key_int(j, "best", k->n);
    put_thin(j, "labels", k, r->all->at, r->all->w, sizeof *r->all->at);
    put_thin(j, "scores", k, r->scores->at, r->scores->w, sizeof *r->scores->at);
    put_base64(j, "best_names", "", k->name, n * sizeof *k->name);
    put_base64(j, "best_scores", "", k->score, n * sizeof *k->score);
    json_end(j);
}

int serve_answer(struct serve_answer *a, const struct serve_result *r) {
    struct json_out j = {.to = &a->body};
    a->status = SERVE_OK;
    json_object(&j);
    int status = picture_json_put(&j, r->from, r->found, r->names, NULL);
    json_key(&j, "legend");
    serve_legend(&j, r->names);
    if (!status) status = put_labels(&j, r->labels, (int64_t)r->names->n);
    if (!status && r->ranked) put_maps(&j, r);
    json_end(&j);
    if (status) str_free(&a->body);
    return status;
}
