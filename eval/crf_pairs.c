#include "eval/crf_pairs.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/lattice.h"
#include "nn/losses/vector_math.h"
#include "nn/torch/tensor.h"

enum { LANES = LATTICE_LANES };
static const float LEAST = 1e-20F;

/* Half of what the squares of place and colour are multiplied by. */
struct scales {
    float place, colour;
};

static struct scales scales_of(double sxy, double srgb) {
    return (struct scales){(float)(0.5 / (sxy * sxy)), srgb > 0 ? (float)(0.5 / (srgb * srgb)) : 0};
}

/* exp(-|f_i - f_j|^2 / 2) of pixel i and those of row y -> to [w]. What no sum in float32 would
 * notice is 0: products with it would be denormal, which is slow. */
static void kernel_row(const struct image *im, struct scales s, int64_t i, int64_t y, float *to) {
    int64_t w = im->w, x = i % w, dy = i / w - y;
    const uint8_t *a = im->at + 3 * i, *b = im->at + 3 * y * w;
    for (int64_t j = 0; j < w; j++) {
        int r = a[0] - b[3 * j], g = a[1] - b[3 * j + 1], v = a[2] - b[3 * j + 2];
        float place = (float)((x - j) * (x - j) + dy * dy);
        float e = vector_exp_minus(place * s.place + (float)(r * r + g * g + v * v) * s.colour);
        to[j] = e > LEAST ? e : 0;
    }
}

/* Adds one kernel; row [n] and norm [n] are overwritten. */
static void add_kernel(const struct image *im, struct scales s, float compat, float *row,
                       float *norm, float *pairs) {
    int64_t n = im->h * im->w;
    for (int64_t i = 0; i < n; i++) {
        double sum = 1e-20;
        for (int64_t y = 0; y < im->h; y++) {
            kernel_row(im, s, i, y, row);
            for (int64_t j = 0; j < im->w; j++) sum += (double)row[j];
        }
        norm[i] = (float)(1 / sqrt(sum));
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t y = 0; y < im->h; y++) {
            kernel_row(im, s, i, y, row);
            for (int64_t j = 0; j < im->w; j++)
                pairs[i * n + y * im->w + j] += compat * norm[i] * norm[y * im->w + j] * row[j];
        }
}

float *crf_pairs(const struct crf_options *o, const struct image *im) {
    size_t n = (size_t)(im->h * im->w);
    float *row = mem_try((size_t)im->w, sizeof *row), *norm = mem_try(n, sizeof *norm);
    float *pairs = row && norm ? mem_try(n, n * sizeof *pairs) : NULL;
    if (pairs) {
        add_kernel(im, scales_of(o->gaussian_sxy, 0), (float)o->gaussian_compat, row, norm, pairs);
        add_kernel(im, scales_of(o->bilateral_sxy, o->bilateral_srgb), (float)o->bilateral_compat,
                   row, norm, pairs);
    }
    free(row);
    free(norm);
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
