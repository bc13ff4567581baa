#include "eval/crf_pairs.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/lattice.h"
#include "nn/losses/vector_math.h"
#include "nn/torch/tensor.h"

enum { LANES = LATTICE_LANES };
static const float LEAST = 1e-20F;

/* One kernel: a product of Gaussians of the row's distance, of the column's, and of the colours'.
 */
struct kernel {
    int64_t h, w;
    const float *colour[3]; /* [h, w] */
    float *across, *down;   /* of distances 1 - w .. w - 1, and 0 .. h - 1 */
    float scale;            /* of the squares of colours; 0: they do not count */
    float compat;
};

/* Values of pixel i and those of row y -> to [w]. What no sum in float32 would notice is 0:
 * products with it would be denormal, which is slow. */
static void kernel_row(const struct kernel *k, int64_t i, int64_t y, float *restrict to) {
    const float *restrict r = k->colour[0] + y * k->w, *restrict g = k->colour[1] + y * k->w;
    const float *restrict b = k->colour[2] + y * k->w;
    const float *restrict across = k->across + k->w - 1 - i % k->w;
    float R = k->colour[0][i], G = k->colour[1][i], B = k->colour[2][i];
    float down = k->down[llabs(i / k->w - y)], scale = k->scale;
#pragma omp simd
    for (int64_t j = 0; j < k->w; j++) {
        float d = (r[j] - R) * (r[j] - R) + (g[j] - G) * (g[j] - G) + (b[j] - B) * (b[j] - B);
        float e = vector_exp_minus(d * scale) * across[j] * down;
        to[j] = e > LEAST ? e : 0;
    }
}

/* Adds compat D^-1/2 K D^-1/2; norm [n] is overwritten. */
static void add_kernel(const struct kernel *k, float *norm, float *pairs) {
    int64_t n = k->h * k->w;
#pragma omp parallel for schedule(static) num_threads(t_threads())
    for (int64_t i = 0; i < n; i++) {
        float row[CRF_PAIRS_MAX];
        double sum = 1e-20;
        for (int64_t y = 0; y < k->h; y++) {
            float part = 0;
            kernel_row(k, i, y, row);
#pragma omp simd reduction(+ : part)
            for (int64_t j = 0; j < k->w; j++) part += row[j];
            sum += (double)part;
        }
        norm[i] = (float)(1 / sqrt(sum));
    }
#pragma omp parallel for schedule(static) num_threads(t_threads())
    for (int64_t i = 0; i < n; i++) {
        float row[CRF_PAIRS_MAX], scale = k->compat * norm[i];
        for (int64_t y = 0; y < k->h; y++) {
            float *to = pairs + i * n + y * k->w;
            const float *others = norm + y * k->w;
            kernel_row(k, i, y, row);
            for (int64_t j = 0; j < k->w; j++) to[j] += scale * others[j] * row[j];
        }
    }
}

static float square(double x) { return (float)(x * x); }

static void kernel_set(struct kernel *k, double sxy, double srgb, double compat) {
    for (int64_t x = 1 - k->w; x < k->w; x++)
        k->across[x + k->w - 1] = expf(-0.5F * square((double)x / sxy));
    for (int64_t y = 0; y < k->h; y++) k->down[y] = expf(-0.5F * square((double)y / sxy));
    k->scale = srgb > 0 ? 0.5F / square(srgb) : 0;
    k->compat = (float)compat;
}

float *crf_pairs(const struct crf_options *o, const struct image *im) {
    size_t n = (size_t)(im->h * im->w), sides = (size_t)(2 * im->w + im->h);
    REQUIRE(im->w <= CRF_PAIRS_MAX, "all pairs of rows of %lld pixels", (long long)im->w);
    float *own = mem_try(4 * n + sides, sizeof *own); /* colours, norm, tables */
    float *pairs = own ? mem_try(n, n * sizeof *pairs) : NULL;
    if (pairs) {
        struct kernel k = {.h = im->h,
                           .w = im->w,
                           .colour = {own, own + n, own + 2 * n},
                           .across = own + 4 * n,
                           .down = own + 4 * n + 2 * (size_t)im->w};
        for (size_t i = 0; i < 3 * n; i++) own[i % 3 * n + i / 3] = im->at[i];
        kernel_set(&k, o->gaussian_sxy, 0, o->gaussian_compat);
        add_kernel(&k, own + 3 * n, pairs);
        kernel_set(&k, o->bilateral_sxy, o->bilateral_srgb, o->bilateral_compat);
        add_kernel(&k, own + 3 * n, pairs);
    }
    free(own);
    return pairs;
}

void crf_pairs_add(const float *pairs, int64_t n, const float *x, float *y) {
#pragma omp parallel for schedule(static) num_threads(t_threads())
    for (int64_t i = 0; i < n; i++) {
        const float *restrict p = pairs + i * n, *restrict q = x;
        float sum[LANES] = {0};
        for (int64_t j = 0; j < n; j++, q += LANES)
#pragma omp simd
            for (int k = 0; k < LANES; k++) sum[k] += p[j] * q[k];
        for (int k = 0; k < LANES; k++) y[i * LANES + k] += sum[k];
    }
}
