#include "data/region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/resize.h"

const float REGION_MEAN[3] = {0.48145466F, 0.4578275F, 0.40821073F};
const float REGION_STD[3] = {0.26862954F, 0.26130258F, 0.27577711F};

bool region_box(const struct mask *m, double expand, struct box *out) {
    REQUIRE(expand > 0, "expansion by %g", expand);
    if (!mask_box(m, out)) return false;
    double cx = 0.5 * (double)(out->x0 + out->x1), cy = 0.5 * (double)(out->y0 + out->y1);
    double rx = 0.5 * (double)(out->x1 - out->x0) * expand;
    double ry = 0.5 * (double)(out->y1 - out->y0) * expand;
    /* Truncated towards zero, then clipped to the image; not to its last pixel (quirk Q10). */
    *out = (struct box){(int64_t)fmax(cx - rx, 0), (int64_t)fmax(cy - ry, 0),
                        (int64_t)fmin(cx + rx, (double)m->w), (int64_t)fmin(cy + ry, (double)m->h)};
    /* Shrunk to nothing, where the reference ends with an error: its pixel in the middle. */
    if (out->x1 <= out->x0) out->x1 = out->x0 + 1;
    if (out->y1 <= out->y0) out->y1 = out->y0 + 1;
    return true;
}

/* The four sources of one output position and their weights. */
struct cubic {
    int64_t at[4];
    float weight[4];
};

/* In float32 as torch computes it, the position in one rounding (its kernels are built with fused
 * multiply-add): at 900 px a position off by a rounding error moves the result by 1e-4. */
static void cubic_fill(struct cubic *taps, int64_t n_in, int64_t n_out) {
    const float a = -0.75F, scale = (float)n_in / (float)n_out;
    for (int64_t i = 0; i < n_out; i++) {
        float x = fmaf(scale, (float)i + 0.5F, -0.5F);
        float first = floorf(x), t = x - first;
        float far0 = t + 1, near1 = 1 - t, far1 = 2 - t;
        float *w = taps[i].weight;
        w[0] = ((a * far0 - 5 * a) * far0 + 8 * a) * far0 - 4 * a;
        w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
        w[2] = ((a + 2) * near1 - (a + 3)) * near1 * near1 + 1;
        w[3] = ((a * far1 - 5 * a) * far1 + 8 * a) * far1 - 4 * a;
        for (int k = 0; k < 4; k++) {
            int64_t at = (int64_t)first - 1 + k;
            taps[i].at[k] = at < 0 ? 0 : at >= n_in ? n_in - 1 : at;
        }
    }
}

/* A crop under way. A source row is masked, scaled and resized in x once; the four rows that an
 * output row needs are kept, row y in slot y % 4. */
struct crop {
    const struct image *im;
    const struct mask *m;
    const float *soft; /* in the place of `m`, or NULL */
    struct box box;
    float value[256][3]; /* of a pixel by its byte */
    float fill[3];
    bool whole_box;
    int64_t side;
    struct cubic *x, *y; /* [side] */
    float *row;          /* [box width, 3] */
    float *wide;         /* [4, side, 3] */
    int64_t held[4];     /* source row in each slot, or -1 */
};

/* A source row, masked and scaled, into c->row. */
static void mask_row(struct crop *c, int64_t y) {
    int64_t start = (c->box.y0 + y) * c->im->w + c->box.x0, n = c->box.x1 - c->box.x0;
    const uint8_t *pixel = c->im->at + start * 3;
    const uint8_t *mask = c->soft ? NULL : c->m->at + start;
    const float *soft = c->soft ? c->soft + start : NULL;
    for (int64_t x = 0; x < n; x++)
        for (int k = 0; k < 3; k++) {
            float value = c->value[pixel[x * 3 + k]][k];
            if (c->whole_box)
                c->row[x * 3 + k] = value;
            else if (soft)
                c->row[x * 3 + k] = value * soft[x] + (1 - soft[x]) * c->fill[k];
            else
                c->row[x * 3 + k] = mask[x] ? value : c->fill[k];
        }
}

static const float *crop_row(struct crop *c, int64_t y) {
    float *wide = c->wide + (y % 4) * c->side * 3;
    if (c->held[y % 4] == y) return wide;
    c->held[y % 4] = y;
    mask_row(c, y);
    for (int64_t x = 0; x < c->side; x++) {
        const struct cubic *t = &c->x[x];
        const float *p[4];
        for (int i = 0; i < 4; i++) p[i] = c->row + t->at[i] * 3;
        for (int k = 0; k < 3; k++)
            wide[x * 3 + k] = p[0][k] * t->weight[0] + p[1][k] * t->weight[1] +
                              p[2][k] * t->weight[2] + p[3][k] * t->weight[3];
    }
    return wide;
}

/* One output row [side, 3]. */
static void crop_out(struct crop *c, int64_t y, float *out) {
    const struct cubic *t = &c->y[y];
    const float *p[4];
    for (int i = 0; i < 4; i++) p[i] = crop_row(c, t->at[i]);
    for (int64_t i = 0; i < c->side * 3; i++)
        out[i] = p[0][i] * t->weight[0] + p[1][i] * t->weight[1] + p[2][i] * t->weight[2] +
                 p[3][i] * t->weight[3];
}

static void crop_close(struct crop *c) {
    free(c->x);
    free(c->y);
    free(c->row);
    free(c->wide);
}

static int crop_open(struct crop *c, const struct image *im, struct region_mask mask, struct box b,
                     const struct region_options *o, bool normalise) {
    const struct mask *m = mask.hard;
    REQUIRE(im->c == 3 && m->h == im->h && m->w == im->w, "mask and RGB image of one size");
    REQUIRE(0 <= b.x0 && b.x0 < b.x1 && b.x1 <= im->w && 0 <= b.y0 && b.y0 < b.y1 && b.y1 <= im->h,
            "box %lld %lld %lld %lld", (long long)b.x0, (long long)b.y0, (long long)b.x1,
            (long long)b.y1);
    *c = (struct crop){.im = im,
                       .m = m,
                       .soft = mask.soft,
                       .box = b,
                       .whole_box = o->whole_box,
                       .side = o->side,
                       .held = {-1, -1, -1, -1}};
    for (int k = 0; k < 3; k++) {
        float sub = normalise ? 255 * REGION_MEAN[k] : 0, div = normalise ? 255 * REGION_STD[k] : 1;
        for (int v = 0; v < 256; v++) c->value[v][k] = ((float)v - sub) / div;
        float fill = o->fill == REGION_FILL_MEAN ? 255 * REGION_MEAN[k] : 0;
        c->fill[k] = (fill - sub) / div;
    }
    size_t side = (size_t)o->side;
    c->x = mem_try(side, sizeof *c->x);
    c->y = mem_try(side, sizeof *c->y);
    c->row = mem_try((size_t)(b.x1 - b.x0) * 3, sizeof *c->row);
    c->wide = mem_try(side * 12, sizeof *c->wide);
    if (!c->x || !c->y || !c->row || !c->wide) return error_status();
    cubic_fill(c->x, b.x1 - b.x0, o->side);
    cubic_fill(c->y, b.y1 - b.y0, o->side);
    return 0;
}

static void resize_mask(const struct mask *m, struct box b, int64_t side, uint8_t *out) {
    for (int64_t y = 0; y < side; y++) {
        const uint8_t *row = m->at + (b.y0 + nearest_index_f32(y, b.y1 - b.y0, side)) * m->w + b.x0;
        for (int64_t x = 0; x < side; x++)
            out[y * side + x] = row[nearest_index_f32(x, b.x1 - b.x0, side)] != 0;
    }
}

static void resize_soft(const struct crop *c, int64_t side, uint8_t *out) {
    struct box b = c->box;
    for (int64_t y = 0; y < side; y++) {
        const float *row =
            c->soft + (b.y0 + nearest_index_f32(y, b.y1 - b.y0, side)) * c->im->w + b.x0;
        for (int64_t x = 0; x < side; x++)
            out[y * side + x] = row[nearest_index_f32(x, b.x1 - b.x0, side)] > 0;
    }
}

static uint8_t to_u8(float x) { return (uint8_t)(fminf(fmaxf(x, 0), 255) + 0.5F); }

/* The masked box in bytes; `c` does not normalise. */
static int crop_box(struct crop *c, struct image *out) {
    int64_t h = c->box.y1 - c->box.y0, w = c->box.x1 - c->box.x0;
    int status = image_alloc(out, h, w, 3);
    for (int64_t y = 0; !status && y < h; y++) {
        mask_row(c, y);
        for (int64_t i = 0; i < w * 3; i++) out->at[y * w * 3 + i] = to_u8(c->row[i]);
    }
    return status;
}

/* [S, S, 3] in bytes; `c` does not normalise. */
static int crop_u8(struct crop *c, bool antialias, struct image *out) {
    int64_t S = c->side;
    if (antialias) {
        struct image box = {0};
        int status = crop_box(c, &box);
        if (!status) status = image_resize(&box, NULL, S, S, RESIZE_BICUBIC, out);
        image_free(&box);
        return status;
    }
    float *row = mem_alloc((size_t)S * 3, sizeof *row);
    int status = image_alloc(out, S, S, 3);
    for (int64_t y = 0; !status && y < S; y++) {
        crop_out(c, y, row);
        for (int64_t i = 0; i < S * 3; i++) out->at[y * S * 3 + i] = to_u8(row[i]);
    }
    free(row);
    return status;
}

void region_planes(const struct image *im, float *region) {
    int64_t n = im->h * im->w;
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < n; i++)
            region[k * n + i] =
                ((float)im->at[3 * i + k] - 255 * REGION_MEAN[k]) / (255 * REGION_STD[k]);
}

static void crop_planes(struct crop *c, float *region) {
    int64_t S = c->side;
    float *row = mem_alloc((size_t)S * 3, sizeof *row);
    for (int64_t y = 0; y < S; y++) {
        crop_out(c, y, row);
        for (int k = 0; k < 3; k++)
            for (int64_t x = 0; x < S; x++) region[(k * S + y) * S + x] = row[x * 3 + k];
    }
    free(row);
}

int region_crop(const struct image *im, struct region_mask m, struct box box,
                const struct region_options *o, float *region, uint8_t *mask) {
    struct crop c;
    struct image bytes = {0};
    if (!crop_open(&c, im, m, box, o, !o->antialias)) {
        if (!o->antialias)
            crop_planes(&c, region);
        else if (!crop_u8(&c, true, &bytes))
            region_planes(&bytes, region);
        if (mask && m.soft)
            resize_soft(&c, o->side, mask);
        else if (mask)
            resize_mask(m.hard, box, o->side, mask);
    }
    image_free(&bytes);
    crop_close(&c);
    return error_status();
}

int region_crop_u8(const struct image *im, const struct mask *m, struct box box,
                   const struct region_options *o, struct image *region, struct mask *mask) {
    struct crop c;
    *region = (struct image){0};
    *mask = (struct mask){0};
    if (!crop_open(&c, im, (struct region_mask){.hard = m}, box, o, false) &&
        !crop_u8(&c, o->antialias, region) && !mask_alloc(mask, o->side, o->side))
        resize_mask(m, box, o->side, mask->at);
    crop_close(&c);
    if (error_status()) image_free(region);
    return error_status();
}

struct box crop_draw(struct rng *r, int64_t h, int64_t w, const struct crop_range *range) {
    double lo = log(range->aspect_lo), hi = log(range->aspect_hi), area = (double)h * (double)w;
    for (int tries = 0; tries < 10; tries++) {
        double target = area * rng_range(r, range->area_lo, range->area_hi);
        double aspect = exp(rng_range(r, lo, hi));
        /* rint: Python rounds halves to even */
        int64_t cw = (int64_t)rint(sqrt(target * aspect));
        int64_t ch = (int64_t)rint(sqrt(target / aspect));
        if (cw < 1 || cw > w || ch < 1 || ch > h) continue;
        int64_t y = rng_below(r, h - ch + 1), x = rng_below(r, w - cw + 1);
        return (struct box){x, y, x + cw, y + ch};
    }
    /* The largest centred crop of an aspect in range. */
    double aspect = (double)w / (double)h;
    int64_t ch = h, cw = w;
    if (aspect < range->aspect_lo)
        ch = (int64_t)rint((double)w / range->aspect_lo);
    else if (aspect > range->aspect_hi)
        cw = (int64_t)rint((double)h * range->aspect_hi);
    if (ch < 1) ch = 1;
    if (cw < 1) cw = 1;
    int64_t y = (h - ch) / 2, x = (w - cw) / 2;
    return (struct box){x, y, x + cw, y + ch};
}

int region_recrop(const struct image *im, const struct mask *m, struct box crop, int64_t side,
                  struct image *to, struct mask *to_mask) {
    REQUIRE(!m == !to_mask && (!m || (m->h == im->h && m->w == im->w)), "mask and image of a size");
    struct image part;
    *to = (struct image){0};
    if (image_crop(im, crop, &part)) return error_status();
    if (!image_resize(&part, NULL, side, side, RESIZE_BICUBIC, to) && m &&
        !mask_alloc(to_mask, side, side))
        resize_mask(m, crop, side, to_mask->at);
    image_free(&part);
    if (error_status()) image_free(to);
    return error_status();
}
