#include "data/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Weights are integers of 22 bits after the point: 8 bits of pixel, 2 of headroom for sums beyond
 * 0 .. 255 and the sign make 32. */
enum { FRACTION_BITS = 22, HALF = 1 << (FRACTION_BITS - 1) };

/* The output positions from .. end - 1 of one axis. */
struct span {
    int64_t from, end;
};

/* For each output position of a span: the source positions it is made of and their weights. */
struct taps {
    int64_t n;       /* outputs */
    int64_t most;    /* room for weights each */
    int64_t *first;  /* [n] */
    int64_t *count;  /* [n] */
    int32_t *weight; /* [n, most] */
};

static double bilinear(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double bicubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static void taps_free(struct taps *t) {
    free(t->first);
    free(t->count);
    free(t->weight);
    *t = (struct taps){0};
}

/* Weights of output `i`, normalised to sum 1 in double, then rounded half away from zero. */
static void taps_fill(struct taps *t, int64_t i, double centre, double scale,
                      enum resize_filter filter, int64_t n_in, double *w) {
    double support = (filter == RESIZE_BICUBIC ? 2.0 : 1.0) * scale, sum = 0;
    int64_t first = (int64_t)(centre - support + 0.5), end = (int64_t)(centre + support + 0.5);
    if (first < 0) first = 0;
    if (end > n_in) end = n_in;
    t->first[i] = first;
    t->count[i] = end - first;
    for (int64_t k = 0; k < end - first; k++) {
        double x = ((double)(k + first) - centre + 0.5) * (1.0 / scale);
        w[k] = filter == RESIZE_BICUBIC ? bicubic(x) : bilinear(x);
        sum += w[k];
    }
    for (int64_t k = 0; k < end - first; k++) {
        if (sum != 0) w[k] /= sum;
        double fixed = w[k] * (1 << FRACTION_BITS);
        t->weight[i * t->most + k] = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
}

/* Of n_out outputs those of the span. False: out of memory; free it all the same. */
static bool taps_make(struct taps *t, int64_t n_in, float from, float to, int64_t n_out,
                      struct span part, enum resize_filter filter) {
    double step = (double)(to - from) / (double)n_out;
    double scale = step < 1 ? 1 : step; /* the filter is widened, never narrowed */
    double support = (filter == RESIZE_BICUBIC ? 2.0 : 1.0) * scale;
    *t = (struct taps){.n = part.end - part.from, .most = (int64_t)ceil(support) * 2 + 1};
    size_t n = (size_t)t->n, weights;
    if (!size_mul(n, (size_t)t->most, &weights)) weights = SIZE_MAX; /* refused below */
    t->first = mem_try(n, sizeof *t->first);
    t->count = mem_try(n, sizeof *t->count);
    t->weight = mem_try(weights, sizeof *t->weight);
    double *w = mem_try((size_t)t->most, sizeof *w);
    bool ok = t->first && t->count && t->weight && w;
    for (int64_t i = 0; ok && i < t->n; i++)
        taps_fill(t, i, (double)from + ((double)(part.from + i) + 0.5) * step, scale, filter, n_in,
                  w);
    free(w);
    return ok;
}

static uint8_t round_clip(int32_t sum) {
    int32_t v = sum >> FRACTION_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void resize_row_rgb(const uint8_t *in, const struct taps *t, uint8_t *out) {
    for (int64_t x = 0; x < t->n; x++) {
        const uint8_t *p = in + t->first[x] * 3;
        const int32_t *w = t->weight + x * t->most;
        int32_t r = HALF, g = HALF, b = HALF; /* apart, so that they stay in registers */
        for (int64_t n = t->count[x]; n > 0; n--, p += 3, w++) {
            r += p[0] * *w;
            g += p[1] * *w;
            b += p[2] * *w;
        }
        out[3 * x] = round_clip(r);
        out[3 * x + 1] = round_clip(g);
        out[3 * x + 2] = round_clip(b);
    }
}

static void resize_row_grey(const uint8_t *in, const struct taps *t, uint8_t *out) {
    for (int64_t x = 0; x < t->n; x++) {
        const int32_t *w = t->weight + x * t->most;
        int32_t sum = HALF;
        for (int64_t k = 0; k < t->count[x]; k++) sum += in[t->first[x] + k] * w[k];
        out[x] = round_clip(sum);
    }
}

/* Rows y0 .. y1-1 of `in`, resized in x. */
static int pass_x(const struct image *in, int64_t y0, int64_t y1, const struct taps *t,
                  struct image *out) {
    if (image_alloc(out, y1 - y0, t->n, in->c)) return error_status();
    for (int64_t y = y0; y < y1; y++) {
        const uint8_t *from = in->at + y * in->w * in->c;
        uint8_t *to = out->at + (y - y0) * t->n * in->c;
        if (in->c == 3)
            resize_row_rgb(from, t, to);
        else
            resize_row_grey(from, t, to);
    }
    return 0;
}

/* `count` rows from `in` on, `pitch` bytes apart, weighted and added: n bytes of each. */
static void mix_rows(const uint8_t *in, int64_t pitch, int64_t count, int64_t n, const int32_t *w,
                     uint8_t *out) {
    enum { BLOCK = 16 }; /* a trip count that the compiler knows is one that it vectorises */
    int64_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        int32_t sum[BLOCK];
        for (int k = 0; k < BLOCK; k++) sum[k] = HALF;
        for (int64_t y = 0; y < count; y++)
            for (int k = 0; k < BLOCK; k++) sum[k] += in[y * pitch + i + k] * w[y];
        for (int k = 0; k < BLOCK; k++) out[i + k] = round_clip(sum[k]);
    }
    for (; i < n; i++) {
        int32_t sum = HALF;
        for (int64_t y = 0; y < count; y++) sum += in[y * pitch + i] * w[y];
        out[i] = round_clip(sum);
    }
}

/* The columns `x` of `in`, resized in y; row 0 of `in` is row y0 of the source that the taps speak
 * of. */
static int pass_y(const struct image *in, struct span x, int64_t y0, const struct taps *t,
                  struct image *out) {
    int64_t pitch = in->w * in->c, n = (x.end - x.from) * in->c;
    if (image_alloc(out, t->n, x.end - x.from, in->c)) return error_status();
    for (int64_t y = 0; y < t->n; y++)
        mix_rows(in->at + (t->first[y] - y0) * pitch + x.from * in->c, pitch, t->count[y], n,
                 t->weight + y * t->most, out->at + y * n);
    return 0;
}

/* Of the result [h, w] the part (x, y). */
static int resample(const struct image *in, const struct resize_box *box, int64_t h, int64_t w,
                    enum resize_filter filter, struct span x, struct span y, struct image *out) {
    bool do_x = w != in->w || box->x0 != 0 || box->x1 != (float)w;
    bool do_y = h != in->h || box->y0 != 0 || box->y1 != (float)h;
    if (!do_x && !do_y) return image_crop(in, (struct box){x.from, y.from, x.end, y.end}, out);
    struct taps tx = {0}, ty = {0};
    struct image wide = {0};
    if (!taps_make(&tx, in->w, box->x0, box->x1, w, x, filter) ||
        !taps_make(&ty, in->h, box->y0, box->y1, h, y, filter))
        goto done;
    /* Only the rows that the vertical pass will read. */
    int64_t y0 = do_y ? ty.first[0] : y.from;
    int64_t y1 = do_y ? ty.first[ty.n - 1] + ty.count[ty.n - 1] : y.end;
    if (do_x && pass_x(in, y0, y1, &tx, &wide)) goto done;
    if (!do_y) {
        *out = wide;
        wide = (struct image){0};
    } else if (do_x) {
        pass_y(&wide, (struct span){0, wide.w}, y0, &ty, out);
    } else {
        pass_y(in, x, 0, &ty, out);
    }
done:
    taps_free(&tx);
    taps_free(&ty);
    image_free(&wide);
    return error_status();
}

/* Source positions by repeated addition, as Pillow does: the rounding of the sum is part of the
 * result. -1 where it falls outside: such pixels stay 0. */
static void walk(float from, float to, int64_t n_in, int64_t n_out, int64_t *at) {
    double step = (double)(to - from) / (double)n_out;
    double x = (double)from + step * 0.5;
    for (int64_t i = 0; i < n_out; i++, x += step) {
        int64_t k = x < 0 ? -1 : (int64_t)x;
        at[i] = k < n_in ? k : -1;
    }
}

static int nearest(const struct image *in, const struct resize_box *box, int64_t h, int64_t w,
                   struct image *out) {
    int64_t *sx = mem_alloc((size_t)w, sizeof *sx), *sy = mem_alloc((size_t)h, sizeof *sy);
    int64_t c = in->c;
    if (!image_alloc(out, h, w, c)) {
        walk(box->x0, box->x1, in->w, w, sx);
        walk(box->y0, box->y1, in->h, h, sy);
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; sy[y] >= 0 && x < w; x++)
                for (int64_t k = 0; sx[x] >= 0 && k < c; k++)
                    out->at[(y * w + x) * c + k] = in->at[(sy[y] * in->w + sx[x]) * c + k];
    }
    free(sx);
    free(sy);
    return error_status();
}

int image_resize(const struct image *in, const struct resize_box *box, int64_t h, int64_t w,
                 enum resize_filter filter, struct image *out) {
    struct resize_box all = {0, 0, (float)in->w, (float)in->h};
    if (!box) box = &all;
    REQUIRE(h > 0 && w > 0 && (in->c == 3 || in->c == 1), "%lld x %lld x %lld", (long long)h,
            (long long)w, (long long)in->c);
    REQUIRE(box->x0 >= 0 && box->y0 >= 0 && box->x0 < box->x1 && box->y0 < box->y1 &&
                box->x1 <= all.x1 && box->y1 <= all.y1,
            "box %g %g %g %g of %lld x %lld", (double)box->x0, (double)box->y0, (double)box->x1,
            (double)box->y1, (long long)in->w, (long long)in->h);
    *out = (struct image){0};
    return filter == RESIZE_NEAREST
               ? nearest(in, box, h, w, out)
               : resample(in, box, h, w, filter, (struct span){0, w}, (struct span){0, h}, out);
}

int image_resize_part(const struct image *in, int64_t h, int64_t w, enum resize_filter filter,
                      struct box part, struct image *out) {
    struct resize_box all = {0, 0, (float)in->w, (float)in->h};
    REQUIRE(filter != RESIZE_NEAREST && (in->c == 3 || in->c == 1), "filter %d", (int)filter);
    REQUIRE(0 <= part.x0 && part.x0 < part.x1 && part.x1 <= w && 0 <= part.y0 &&
                part.y0 < part.y1 && part.y1 <= h,
            "part %lld %lld %lld %lld of %lld x %lld", (long long)part.x0, (long long)part.y0,
            (long long)part.x1, (long long)part.y1, (long long)w, (long long)h);
    *out = (struct image){0};
    return resample(in, &all, h, w, filter, (struct span){part.x0, part.x1},
                    (struct span){part.y0, part.y1}, out);
}

int64_t nearest_index_f32(int64_t to, int64_t n_in, int64_t n_out) {
    float scale = (float)n_in / (float)n_out;
    int64_t at = (int64_t)floorf((float)to * scale);
    return at < n_in ? at : n_in - 1;
}

int64_t nearest_index_f64(int64_t to, int64_t n_in, int64_t n_out) {
    double scale = (double)n_in / (double)n_out;
    int64_t at = (int64_t)floorf((float)((double)to * scale));
    return at < n_in ? at : n_in - 1;
}

int labels_resize_nearest_torch(const struct labels *in, int64_t h, int64_t w, struct labels *out) {
    REQUIRE(h > 0 && w > 0, "%lld x %lld", (long long)h, (long long)w);
    return labels_resize_part(in, h, w, (struct box){0, 0, w, h}, out);
}

int labels_resize_part(const struct labels *in, int64_t h, int64_t w, struct box part,
                       struct labels *out) {
    /* Measured: torch hands small results to another kernel, which counts in float32. */
    enum { SMALL = 128 };
    int64_t n = part.x1 - part.x0;
    if (labels_alloc(out, part.y1 - part.y0, n)) return error_status();
    int64_t (*index)(int64_t, int64_t, int64_t) =
        h + w <= SMALL ? nearest_index_f32 : nearest_index_f64;
    int64_t *sx = mem_alloc((size_t)n, sizeof *sx);
    for (int64_t x = 0; x < n; x++) sx[x] = index(part.x0 + x, in->w, w);
    for (int64_t y = part.y0; y < part.y1; y++) {
        const uint16_t *row = in->at + index(y, in->h, h) * in->w;
        uint16_t *to = out->at + (y - part.y0) * n;
        for (int64_t x = 0; x < n; x++) to[x] = row[sx[x]];
    }
    free(sx);
    return 0;
}

int mask_resize(const struct mask *in, int64_t h, int64_t w, struct mask *out) {
    if (mask_alloc(out, h, w)) return error_status();
    int64_t *column = mem_alloc((size_t)w, sizeof *column);
    for (int64_t x = 0; x < w; x++) column[x] = nearest_index_f32(x, in->w, w);
    for (int64_t y = 0; y < h; y++) {
        const uint8_t *row = in->at + nearest_index_f32(y, in->h, h) * in->w;
        for (int64_t x = 0; x < w; x++) out->at[y * w + x] = row[column[x]];
    }
    free(column);
    return 0;
}

void resize_shortest_edge(int64_t h, int64_t w, int64_t shortest, int64_t longest, int64_t *out_h,
                          int64_t *out_w) {
    REQUIRE(h > 0 && w > 0 && shortest > 0 && longest > 0, "%lld x %lld", (long long)h,
            (long long)w);
    double short_side = (double)shortest, scale = short_side / (double)(h < w ? h : w);
    double new_h = h < w ? short_side : scale * (double)h;
    double new_w = h < w ? scale * (double)w : short_side;
    double most = fmax(new_h, new_w);
    if (most > (double)longest) {
        scale = (double)longest / most;
        new_h *= scale;
        new_w *= scale;
    }
    *out_h = new_h < 1 ? 1 : (int64_t)(new_h + 0.5); /* a picture of one line, shrunk */
    *out_w = new_w < 1 ? 1 : (int64_t)(new_w + 0.5);
}
