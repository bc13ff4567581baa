/* K names in G groups of 16, n = H W pixels, M vertices of a lattice. */
#include "eval/crf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/crf_pairs.h"
#include "eval/lattice.h"
#include "nn/losses/vector_math.h"
#include "nn/torch/tensor.h"

enum { LANES = LATTICE_LANES, KERNELS = 2 };

const struct crf_options crf_standard = {.enabled = true,
                                         .iterations = 5,
                                         .gaussian_sxy = 3,
                                         .gaussian_compat = 3,
                                         .bilateral_sxy = 80,
                                         .bilateral_srgb = 13,
                                         .bilateral_compat = 10};

static const float NONE =
    -1e30F; /* the logarithm of a name that is none: it fills the last group */

static int64_t groups(const struct crf *c) { return (c->K + LANES - 1) / LANES; }

/* The names in the last group. */
static int last_lanes(const struct crf *c) { return (int)((c->K - 1) % LANES) + 1; }

int crf_open(struct crf *c, int64_t K, int64_t H, int64_t W) {
    REQUIRE(K >= 1 && H >= 1 && W >= 1, "%lld names of %lld x %lld pixels", (long long)K,
            (long long)W, (long long)H);
    *c = (struct crf){.K = K, .H = H, .W = W};
    size_t n = 0, bytes;
    bool fits = size_mul((size_t)H, (size_t)W, &n) && size_mul(n, (size_t)groups(c) * LANES, &n) &&
                size_mul(n, 2 * sizeof(float), &bytes);
    c->unary = fits ? mem_try(n, sizeof *c->unary) : NULL;
    c->q = c->unary ? mem_try(n, sizeof *c->q) : NULL;
    if (c->q) return 0;
    crf_free(c);
    error_clear(); /* which says less */
    return error_set(
        ERR_INTERNAL,
        "a dense CRF of %lld names at %lld x %lld takes %.1f GB, which are not to be "
        "had: fewer names, a smaller picture, or eval.crf.enabled=false",
        (long long)K, (long long)W, (long long)H,
        2e-9 * (double)sizeof(float) * (double)(groups(c) * LANES) * (double)H * (double)W);
}

void crf_free(struct crf *c) {
    free(c->unary);
    free(c->q);
    *c = (struct crf){0};
}

void crf_put(struct crf *c, int64_t from, int64_t n, const float *scores) {
    int64_t pixels = c->H * c->W;
    for (int64_t k = 0; k < n; k++) {
        float *to = c->unary + (from + k) / LANES * pixels * LANES + (from + k) % LANES;
        const float *x = scores + k * pixels;
        for (int64_t i = 0; i < pixels; i++) to[i * LANES] = x[i];
    }
}

/* The largest of a pixel's values, which stand `stride` apart group by group. */
static float largest(const float *at, int64_t G, int64_t stride) {
    float most[LANES], top;
    memcpy(most, at, sizeof most);
    for (int64_t g = 1; g < G; g++) {
        const float *restrict x = at + g * stride;
#pragma omp simd
        for (int k = 0; k < LANES; k++) most[k] = x[k] > most[k] ? x[k] : most[k];
    }
    top = most[0];
    for (int k = 1; k < LANES; k++) top = most[k] > top ? most[k] : top;
    return top;
}

/* exp(from - top) into `to`, name by name, 0 for those that are none; returns the sum. */
static float exponentials(const float *from, float *to, int64_t G, int64_t stride, int last,
                          float top) {
    float sum[LANES] = {0}, all = 0;
    for (int64_t g = 0; g < G; g++) {
        const float *x = from + g * stride;
        float *y = to + g * stride;
#pragma omp simd
        for (int k = 0; k < LANES; k++) y[k] = vector_exp_minus(top - x[k]);
        for (int k = g == G - 1 ? last : LANES; k < LANES; k++) y[k] = 0;
#pragma omp simd
        for (int k = 0; k < LANES; k++) sum[k] += y[k];
    }
    for (int k = 0; k < LANES; k++) all += sum[k];
    return all;
}

/* Each pixel's q, which is logarithms, becomes their softmax. */
static void normalize(struct crf *c) {
    int64_t n = c->H * c->W, G = groups(c), stride = n * LANES;
    int last = last_lanes(c);
#pragma omp parallel for schedule(static) num_threads(t_threads())
    for (int64_t i = 0; i < n; i++) {
        float *q = c->q + i * LANES;
        float scale = 1 / exponentials(q, q, G, stride, last, largest(q, G, stride));
        for (int64_t g = 0; g < G; g++)
#pragma omp simd
            for (int k = 0; k < LANES; k++) q[g * stride + k] *= scale;
    }
}

/* Scores -> log(clip(softmax, 1e-5, 1)), of which q is the softmax. */
static void begin(struct crf *c) {
    int64_t n = c->H * c->W, G = groups(c), stride = n * LANES;
    int last = last_lanes(c);
    const float least = logf(1e-5F);
#pragma omp parallel for schedule(static) num_threads(t_threads())
    for (int64_t i = 0; i < n; i++) {
        float *u = c->unary + i * LANES, *q = c->q + i * LANES;
        for (int k = last; k < LANES; k++) u[(G - 1) * stride + k] = NONE;
        float top = largest(u, G, stride);
        float log_sum = logf(exponentials(u, q, G, stride, last, top));
        for (int64_t g = 0; g < G; g++)
            for (int k = 0; k < (g == G - 1 ? last : LANES); k++) {
                float x = u[g * stride + k] - top - log_sum;
                u[g * stride + k] = x < least ? least : x;
            }
    }
    memcpy(c->q, c->unary, (size_t)(G * stride) * sizeof *c->q);
    normalize(c);
}

/* By the lattice. */
struct kernel {
    struct lattice lattice;
    float *norm; /* [n]: 1 / sqrt of what a pixel's neighbours add up to */
    float compat;
};

static void kernel_free(struct kernel *k) {
    lattice_free(&k->lattice);
    free(k->norm);
}

/* `room` [n, LANES] is overwritten. */
static int kernel_norm(struct kernel *k, float *room) {
    int64_t n = k->lattice.n;
    float *scratch = mem_try(lattice_scratch(&k->lattice), sizeof *scratch);
    k->norm = scratch ? mem_try((size_t)n, sizeof *k->norm) : NULL;
    if (k->norm) {
        const float *vertex = lattice_gather(&k->lattice, NULL, NULL, scratch);
        memset(room, 0, (size_t)(n * LANES) * sizeof *room);
        lattice_spread(&k->lattice, vertex, NULL, 1, room);
        for (int64_t i = 0; i < n; i++) k->norm[i] = 1 / sqrtf(room[i * LANES] + 1e-20F);
    }
    free(scratch);
    return k->norm ? 0 : error_status();
}

/* Place in units of sxy and, with srgb > 0, colour. */
static int kernel_open(struct kernel *k, const struct image *im, double sxy, double srgb,
                       float *room) {
    int d = srgb > 0 ? 5 : 2;
    int64_t n = im->h * im->w;
    float *feature = mem_try((size_t)n, (size_t)d * sizeof *feature), *f = feature;
    for (int64_t i = 0; feature && i < n; i++, f += d) {
        int64_t x = i % im->w, y = i / im->w;
        f[0] = (float)((double)x / sxy);
        f[1] = (float)((double)y / sxy);
        for (int b = 2; b < d; b++) f[b] = (float)(im->at[3 * i + b - 2] / srgb);
    }
    int status = feature ? lattice_open(&k->lattice, d, n, feature) : error_status();
    free(feature);
    return status ? status : kernel_norm(k, room);
}

/* q of one group: its messages and its own part. No other group's are needed for it, so they take
 * the place of what they are made of. */
static void pass_by_lattice(const struct kernel *kernel, const float *unary, float *q, int64_t n,
                            float *scratch) {
    const float *vertex[KERNELS];
    for (int k = 0; k < KERNELS; k++) {
        vertex[k] = lattice_gather(&kernel[k].lattice, q, kernel[k].norm, scratch);
        scratch += lattice_scratch(&kernel[k].lattice);
    }
    memcpy(q, unary, (size_t)(n * LANES) * sizeof *q);
    for (int k = 0; k < KERNELS; k++)
        lattice_spread(&kernel[k].lattice, vertex[k], kernel[k].norm, kernel[k].compat, q);
}

static int iterate_by_lattice(struct crf *c, const struct kernel *kernel, int64_t iterations) {
    int64_t n = c->H * c->W, G = groups(c);
    int64_t threads = t_threads() < G ? t_threads() : G;
    size_t each = lattice_scratch(&kernel[0].lattice) + lattice_scratch(&kernel[1].lattice);
    float **scratch = mem_alloc((size_t)threads, sizeof(float *));
    int status = 0;
    for (int64_t t = 0; !status && t < threads; t++)
        if (!(scratch[t] = mem_try(each, sizeof(float)))) status = error_status();
    for (int64_t step = 0; !status && step < iterations; step++) {
#pragma omp parallel for schedule(static) num_threads((int)threads)
        for (int64_t t = 0; t < threads; t++)
            for (int64_t g = t; g < G; g += threads)
                pass_by_lattice(kernel, c->unary + g * n * LANES, c->q + g * n * LANES, n,
                                scratch[t]);
        normalize(c);
    }
    for (int64_t t = 0; t < threads; t++) free(scratch[t]);
    free(scratch);
    return status;
}

static int by_lattice(struct crf *c, const struct crf_options *o, const struct image *im) {
    struct kernel kernel[KERNELS] = {{.compat = (float)o->gaussian_compat},
                                     {.compat = (float)o->bilateral_compat}};
    int status = kernel_open(&kernel[0], im, o->gaussian_sxy, 0, c->q);
    if (!status) status = kernel_open(&kernel[1], im, o->bilateral_sxy, o->bilateral_srgb, c->q);
    if (!status) begin(c);
    if (!status) status = iterate_by_lattice(c, kernel, o->iterations);
    for (int k = 0; k < KERNELS; k++) kernel_free(&kernel[k]);
    return status;
}

static int by_pairs(struct crf *c, const struct crf_options *o, const struct image *im) {
    int64_t n = c->H * c->W, G = groups(c);
    float *pairs = crf_pairs(o, im),
          *room = pairs ? mem_try((size_t)n, LANES * sizeof *room) : NULL;
    if (room) begin(c);
    for (int64_t step = 0; room && step < o->iterations; step++) {
        for (int64_t g = 0; g < G; g++) {
            float *q = c->q + g * n * LANES;
            memcpy(room, q, (size_t)(n * LANES) * sizeof *room);
            memcpy(q, c->unary + g * n * LANES, (size_t)(n * LANES) * sizeof *room);
            crf_pairs_add(pairs, n, room, q);
        }
        normalize(c);
    }
    bool done = room;
    free(pairs);
    free(room);
    return done ? 0 : error_status();
}

static int choose(const struct crf *c, struct labels *out) {
    int64_t n = c->H * c->W, G = groups(c);
    int status = labels_alloc(out, c->H, c->W);
    for (int64_t i = 0; !status && i < n; i++) {
        float top = -1;
        for (int64_t g = 0; g < G; g++) {
            const float *q = c->q + (g * n + i) * LANES;
            for (int k = 0; k < LANES; k++) { /* those that are none have 0, and come last */
                if (q[k] <= top) continue;
                top = q[k];
                out->at[i] = (uint16_t)(g * LANES + k);
            }
        }
    }
    return status;
}

int crf_labels(struct crf *c, const struct crf_options *o, const struct image *im,
               struct labels *out) {
    REQUIRE(im->h == c->H && im->w == c->W && im->c == 3, "a CRF of another picture");
    bool pairs = c->way == CRF_BY_SIZE ? c->H * c->W <= CRF_PAIRS_MAX : c->way == CRF_PAIRS;
    int status = (pairs ? by_pairs : by_lattice)(c, o, im);
    return status ? status : choose(c, out);
}
