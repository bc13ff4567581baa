#include "eval/region_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "data/resize.h"

int region_batch_open(struct region_batch *b, const struct region_options *o,
                      struct region_encoder e, int64_t batch) {
    size_t pixels = (size_t)(o->side * o->side);
    *b = (struct region_batch){.o = *o,
                               .e = e,
                               .batch = batch,
                               .crop = mem_try((size_t)batch * 3 * pixels, sizeof(float)),
                               .mask = mem_try((size_t)batch, pixels),
                               .to = mem_alloc((size_t)batch, sizeof(float *))};
    return b->crop && b->mask ? 0 : error_status();
}

int region_batch_flush(struct region_batch *b) {
    if (!b->n) return 0;
    int span = span_begin("CLIP");
    int64_t D = b->e.D, B = b->n, S = b->o.side;
    float *out = mem_alloc((size_t)(B * D), sizeof *out);
    int scope = t_scope_open("regions", T_NO_GRAD | T_EVAL);
    tensor *x = t_from_data(b->crop, SHAPE(B, 3, S, S), T_F32);
    tensor *mask = t_from_data(b->mask, SHAPE(B, S, S), T_U8);
    tap_put(b->e.tap, "regions_224", x);
    tap_put(b->e.tap, "region_masks", mask);
    x = b->e.encode(b->e.model, x, mask); /* [B, D] */
    x = t_div(x, t_norm(x, -1, true));
    tap_put(b->e.tap, "clip_image_features", x);
    int status = t_copy_out(x, out, (size_t)(B * D) * sizeof *out);
    t_scope_close(scope, NULL);
    for (int64_t i = 0; i < B; i++) memcpy(b->to[i], out + i * D, (size_t)D * sizeof *out);
    free(out);
    b->n = 0;
    b->done += B;
    span_end(span);
    return status;
}

void region_batch_free(struct region_batch *b) {
    free(b->crop);
    free(b->mask);
    free(b->to);
    *b = (struct region_batch){0};
}

/* A mask as large as its picture, which it need not have been made on. */
static int enlarge(struct region_mask m, const struct image *im, struct mask *hard, float **to) {
    int64_t h = m.hard->h, w = m.hard->w;
    if (mask_resize(m.hard, im->h, im->w, hard)) return error_status();
    if (!m.soft) return 0;
    if (!(*to = mem_try((size_t)(im->h * im->w), sizeof **to))) return error_status();
    for (int64_t y = 0; y < im->h; y++) {
        const float *row = m.soft + nearest_index_f32(y, h, im->h) * w;
        for (int64_t x = 0; x < im->w; x++)
            (*to)[y * im->w + x] = row[nearest_index_f32(x, w, im->w)];
    }
    return 0;
}

int region_batch_add(struct region_batch *b, const struct image *im, struct region_mask m,
                     float *to) {
    struct mask large = {0};
    float *large_soft = NULL;
    int status = 0;
    if (m.hard->h != im->h || m.hard->w != im->w) {
        status = enlarge(m, im, &large, &large_soft);
        m = (struct region_mask){&large, large_soft};
    }
    struct box box;
    if (!status && region_box(m.hard, b->o.expand, &box)) {
        size_t pixels = (size_t)(b->o.side * b->o.side), at = (size_t)b->n;
        b->to[b->n++] = to;
        status = region_crop(im, m, box, &b->o, b->crop + at * 3 * pixels, b->mask + at * pixels);
    }
    mask_free(&large);
    free(large_soft);
    return status || b->n < b->batch ? status : region_batch_flush(b);
}

int region_batch_add_list(struct region_batch *b, const struct image *im,
                          const struct region_list *l, const int64_t *row, float *feature) {
    int status = 0;
    for (size_t k = 0; !status && k < l->n; k++) {
        if (row[k] < 0 || l->at[k].same != k) continue;
        struct mask m = {0};
        status = region_list_mask(l, k, &m);
        if (!status)
            status =
                region_batch_add(b, im, (struct region_mask){&m, NULL}, feature + row[k] * b->e.D);
        mask_free(&m);
    }
    return status;
}
