#include "eval/classify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/clip_picture.h"
#include "data/loader.h"
#include "nn/models/names.h"

enum { FILE_MAX = 256 << 20, WHY_MAX = 512 }; /* bytes of a picture file; of a message */

/* One of a batch, as it comes out of the loader; floats follow the last. */
struct reading {
    _Alignas(float) bool read;
    char why[WHY_MAX];
};

/* One slot: `batch` of struct reading, pixels [batch, 3, S, S], masks [batch, S, S]. */
struct reader {
    const struct class_folder *f;
    int64_t S, batch;
};

static struct reading *slot_readings(void *slot) { return slot; }
static float *slot_pixels(const struct reader *r, void *slot) {
    return (float *)(slot_readings(slot) + r->batch);
}
static uint8_t *slot_masks(const struct reader *r, void *slot) {
    return (uint8_t *)(slot_pixels(r, slot) + r->batch * 3 * r->S * r->S);
}

static int read_picture(const char *path, int64_t S, float *pixels, uint8_t *mask) {
    struct bytes text = {0};
    struct image im = {0}, seen = {0};
    int status = file_read(path, FILE_MAX, &text);
    if (!status) status = image_decode(text.at, text.n, path, &im);
    if (!status && clip_picture(&im, S, &seen)) status = error_context("%s", path);
    if (!status) {
        region_planes(&seen, pixels);
        clip_picture_mask(&seen, mask);
    }
    bytes_free(&text);
    image_free(&im);
    image_free(&seen);
    return status;
}

static int fill(void *ctx, int64_t step, void *slot) {
    const struct reader *r = ctx;
    int64_t area = r->S * r->S;
    for (int64_t b = 0; b < r->batch; b++) {
        struct reading *p = &slot_readings(slot)[b];
        size_t i = (size_t)(step * r->batch + b);
        if (i >= r->f->n) break;
        p->read = !read_picture(r->f->at[i].path, r->S, slot_pixels(r, slot) + b * 3 * area,
                                slot_masks(r, slot) + b * area);
        if (p->read) continue;
        snprintf(p->why, sizeof p->why, "%s", error_message());
        error_clear();
        memset(slot_pixels(r, slot) + b * 3 * area, 0, (size_t)(3 * area) * sizeof(float));
        memset(slot_masks(r, slot) + b * area, 1, (size_t)area);
    }
    return 0;
}

/* The largest of a row, in order. */
static void find_top(const float *cosine, int64_t K, struct classified *one) {
    one->n = 0;
    for (int64_t k = 0; k < K; k++) {
        int64_t at = one->n;
        while (at && cosine[k] > one->cosine[at - 1]) at--;
        if (at == CLASSIFY_TOP) continue;
        int64_t last = one->n < CLASSIFY_TOP ? one->n++ : CLASSIFY_TOP - 1;
        for (; last > at; last--) {
            one->name[last] = one->name[last - 1];
            one->cosine[last] = one->cosine[last - 1];
        }
        one->name[at] = k;
        one->cosine[at] = cosine[k];
    }
}

static void count(struct classify_counts *c, const struct classified *one) {
    int64_t label = one->file->label;
    if (one->why) {
        c->unread++;
        return;
    }
    c->total[label]++;
    c->top1[label] += one->name[0] == label;
    for (int64_t i = 0; i < one->n; i++) c->top5[label] += one->name[i] == label;
}

/* Cosines of the first B pictures of a batch, [B, K], on the host. */
static int compare(const struct reader *r, void *slot, int64_t B, struct region_encoder e,
                   tensor *text, float *cosine) {
    int64_t S = r->S, K = names_count(text);
    int scope = t_scope_open("classify", T_NO_GRAD | T_EVAL);
    tensor *x = t_from_data(slot_pixels(r, slot), SHAPE(B, 3, S, S), T_F32);
    tensor *mask = t_from_data(slot_masks(r, slot), SHAPE(B, S, S), T_U8);
    x = e.encode(e.model, x, mask);           /* [B, D] */
    x = t_div(x, t_norm(x, -1, true));        /* [B, D] */
    tensor *similar = names_cosines(x, text); /* [B, K] */
    int status = t_copy_out(similar, cosine, (size_t)(B * K) * sizeof *cosine);
    t_scope_close(scope, NULL);
    return status;
}

static int classify_batches(struct classify_counts *c, struct reader *r, struct loader *l,
                            struct region_encoder e, tensor *text,
                            const struct classify_options *o) {
    float *cosine = mem_try((size_t)r->batch, (size_t)c->K * sizeof *cosine);
    int status = 0;
    if (!cosine) return error_status();
    for (size_t first = 0; !status && first < r->f->n; first += (size_t)r->batch) {
        size_t left = r->f->n - first;
        int64_t B = left < (size_t)r->batch ? (int64_t)left : r->batch;
        void *slot;
        status = loader_next(l, &slot);
        if (!status) status = compare(r, slot, B, e, text, cosine);
        for (int64_t b = 0; !status && b < B; b++) {
            const struct reading *p = &slot_readings(slot)[b];
            struct classified one = {.file = &r->f->at[first + (size_t)b],
                                     .why = p->read ? NULL : p->why};
            if (p->read) find_top(cosine + b * c->K, c->K, &one);
            count(c, &one);
            if (o->each) o->each(o->ctx, &one);
        }
    }
    free(cosine);
    return status;
}

int classify(struct classify_counts *c, const struct class_folder *f, struct region_encoder e,
             tensor *text, const struct classify_options *o) {
    size_t K = f->name.n;
    *c = (struct classify_counts){(int64_t)K, mem_alloc(K, sizeof *c->total),
                                  mem_alloc(K, sizeof *c->top1), mem_alloc(K, sizeof *c->top5), 0};
    REQUIRE(names_count(text) == c->K, "a name for each class");
    struct reader r = {f, o->S, o->batch};
    size_t pixels = (size_t)(o->S * o->S);
    struct loader_source source = {
        .ctx = &r,
        .slot_bytes =
            (size_t)o->batch * (sizeof(struct reading) + pixels * (3 * sizeof(float) + 1)),
        .fill = fill};
    int64_t steps = ((int64_t)f->n + o->batch - 1) / o->batch;
    struct loader *l =
        loader_open((struct loader_options){.threads = o->threads, .ahead = 2}, source, 0, steps);
    if (!l) return error_status();
    int status = classify_batches(c, &r, l, e, text, o);
    loader_close(l);
    return status;
}

void classify_free(struct classify_counts *c) {
    free(c->total);
    free(c->top1);
    free(c->top5);
    *c = (struct classify_counts){0};
}

struct accuracy classify_accuracy(const struct classify_counts *c) {
    int64_t total = 0, top1 = 0, top5 = 0, classes = 0;
    double mean = 0;
    for (int64_t k = 0; k < c->K; k++) {
        total += c->total[k];
        top1 += c->top1[k];
        top5 += c->top5[k];
        if (!c->total[k]) continue;
        mean += (double)c->top1[k] / (double)c->total[k];
        classes++;
    }
    if (!total) return (struct accuracy){NAN, NAN, NAN};
    return (struct accuracy){100 * (double)top1 / (double)total, 100 * (double)top5 / (double)total,
                             100 * mean / (double)classes};
}
