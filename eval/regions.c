#include "eval/regions.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "data/resize.h"

int regions_of(struct regions *r, const struct proposals *p, double threshold, int64_t min_area) {
    *r = (struct regions){.query = mem_alloc((size_t)p->Q, sizeof *r->query),
                          .mask = mem_alloc((size_t)p->Q, sizeof *r->mask),
                          .box = mem_alloc((size_t)p->Q, sizeof *r->box)};
    for (int64_t q = 0; q < p->Q; q++) {
        struct mask *mask = &r->mask[r->n];
        if (mask_alloc(mask, p->h, p->w)) return error_status();
        bool counts =
            proposal_mask(p, q, threshold, mask) >= min_area && mask_box(mask, &r->box[r->n]);
        if (counts)
            r->query[r->n++] = q;
        else
            mask_free(mask);
    }
    return 0;
}

void regions_free(struct regions *r) {
    for (int64_t i = 0; i < r->n; i++) mask_free(&r->mask[i]);
    free(r->mask);
    free(r->box);
    free(r->query);
    free(r->feature);
    *r = (struct regions){0};
}

/* Crops waiting for the tower, and where their features go. */
struct pending {
    struct region_encoder e;
    int64_t S, n, batch;
    float *crop;   /* [batch, 3, S, S] */
    uint8_t *mask; /* [batch, S, S] */
    float **to;    /* [batch] */
};

static int flush(struct pending *p) {
    if (!p->n) return 0;
    int span = span_begin("CLIP");
    int64_t D = p->e.D, B = p->n, S = p->S;
    float *out = mem_alloc((size_t)(B * D), sizeof *out);
    int scope = t_scope_open("regions", T_NO_GRAD | T_EVAL);
    tensor *x = t_from_data(p->crop, SHAPE(B, 3, S, S), T_F32);
    tensor *mask = t_from_data(p->mask, SHAPE(B, S, S), T_U8);
    tap_put(p->e.tap, "regions_224", x);
    tap_put(p->e.tap, "region_masks", mask);
    x = p->e.encode(p->e.model, x, mask); /* [B, D] */
    x = t_div(x, t_norm(x, -1, true));
    tap_put(p->e.tap, "clip_image_features", x);
    int status = t_copy_out(x, out, (size_t)(B * D) * sizeof *out);
    t_scope_close(scope, NULL);
    for (int64_t b = 0; b < B; b++) memcpy(p->to[b], out + b * D, (size_t)D * sizeof *out);
    free(out);
    p->n = 0;
    span_end(span);
    return status;
}

/* A mask as large as its picture, which it need not have been made on. */
static int enlarge(const struct mask *m, const float *soft, const struct image *im,
                   struct mask *hard, float **to) {
    if (mask_alloc(hard, im->h, im->w)) return error_status();
    *to = soft ? mem_try((size_t)(im->h * im->w), sizeof **to) : NULL;
    if (soft && !*to) return error_status();
    int64_t *column = mem_alloc((size_t)im->w, sizeof *column);
    for (int64_t x = 0; x < im->w; x++) column[x] = nearest_index_f32(x, m->w, im->w);
    for (int64_t y = 0; y < im->h; y++) {
        int64_t row = nearest_index_f32(y, m->h, im->h) * m->w;
        for (int64_t x = 0; x < im->w; x++) {
            hard->at[y * im->w + x] = m->at[row + column[x]];
            if (soft) (*to)[y * im->w + x] = soft[row + column[x]];
        }
    }
    free(column);
    return 0;
}

/* The crop of region k, as the next one of those that wait. */
static int crop_region_k(struct pending *p, const struct regions *r, int64_t k,
                         const struct image *im, const struct region_options *o) {
    const struct mask *m = &r->mask[k];
    const float *soft = r->soft ? r->soft + r->query[k] * m->h * m->w : NULL;
    struct mask large = {0};
    float *large_soft = NULL;
    int status = 0;
    if (m->h != im->h || m->w != im->w) {
        status = enlarge(m, soft, im, &large, &large_soft);
        m = &large;
        soft = large_soft;
    }
    struct box box;
    if (!status && region_box(m, o->expand, &box)) {
        size_t pixels = (size_t)(p->S * p->S);
        p->to[p->n] = r->feature + k * r->D;
        status = region_crop(im, (struct region_mask){m, soft}, box, o,
                             p->crop + (size_t)p->n * 3 * pixels, p->mask + (size_t)p->n * pixels);
        p->n++;
    }
    mask_free(&large);
    free(large_soft);
    return status;
}

int regions_encode(struct regions *r, const struct image *pictures, int64_t n,
                   const struct region_options *o, struct region_encoder e, int64_t batch) {
    size_t pixels = (size_t)(o->side * o->side);
    int span = span_begin("crops");
    struct pending p = {.e = e,
                        .S = o->side,
                        .batch = batch,
                        .crop = mem_try((size_t)batch * 3 * pixels, sizeof(float)),
                        .mask = mem_try((size_t)batch, pixels),
                        .to = mem_alloc((size_t)batch, sizeof(float *))};
    int status = p.crop && p.mask ? 0 : error_status();
    for (int64_t i = 0; !status && i < n; i++) {
        free(r[i].feature);
        r[i].D = e.D;
        r[i].feature = mem_alloc((size_t)(r[i].n * e.D), sizeof *r[i].feature);
        for (int64_t k = 0; !status && k < r[i].n; k++) {
            status = crop_region_k(&p, &r[i], k, &pictures[i], o);
            if (!status && p.n == batch) status = flush(&p);
        }
    }
    if (!status) status = flush(&p);
    free(p.crop);
    free(p.mask);
    free(p.to);
    span_end(span);
    return status;
}
