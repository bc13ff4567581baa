/* B images, L layers, Q queries, K classes, N the most targets of an image, hw pixels of the
 * logits.
 *
 * Focal cost = (sum over the target's pixels of miss + sum over the others of fake) / hw
 *            = (sum over the target's pixels of (miss - fake) + sum over all of fake) / hw. */
#include "nn/losses/match_fused.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "nn/losses/matcher.h"
#include "nn/losses/vector_math.h"

static const float ALPHA = 0.25F;

enum { CHUNK = 256 };

struct sums {
    double *gain, *inside; /* [N + 1] over each target's pixels: miss - fake, and p */
    double fake, all;      /* over all pixels: fake, and p */
};

/* A chunk of at most CHUNK pixels: the vector part. */
static void chunk_terms(const float *restrict x, int64_t n, float *restrict gain, float *restrict p,
                        struct sums *s) {
    float fakes = 0, all = 0;
#pragma omp simd reduction(+ : fakes, all)
    for (int64_t i = 0; i < n; i++) {
        float e = vector_exp_minus(fabsf(x[i])), small = 1 / (1 + e), large = e * small;
        float on = x[i] >= 0 ? small : large, off = x[i] >= 0 ? large : small;
        float tail = vector_log_one_plus(e), up = x[i] > 0 ? x[i] : 0;
        float fake = (1 - ALPHA) * on * on * (up + tail);        /* -log(1 - p) */
        gain[i] = ALPHA * off * off * (up - x[i] + tail) - fake; /* -log p */
        p[i] = on;
        fakes +=
            fake + (x[i] - x[i]); /* NaN where x is no number, whatever the branches made of it */
        all += on;
    }
    s->fake += (double)fakes;
    s->all += (double)all;
}

static void pixel_sums(const float *x, const int32_t *target, int64_t planes, int64_t hw, int64_t N,
                       struct sums *s) {
    float gain[CHUNK], p[CHUNK];
    s->fake = s->all = 0;
    for (int64_t k = 0; k <= N; k++) s->gain[k] = s->inside[k] = 0;
    for (int64_t at = 0; at < hw; at += CHUNK) {
        int64_t n = hw - at < CHUNK ? hw - at : CHUNK;
        chunk_terms(x + at, n, gain, p, s);
        for (int64_t plane = 0; plane < planes; plane++)
            for (int64_t i = 0; i < n; i++) {
                int32_t k = target[plane * hw + at + i];
                s->gain[k] += (double)gain[i];
                s->inside[k] += (double)p[i];
            }
    }
}

/* A label map of the image at the logits' size, as numbers of targets, N where there is none;
 * `nearest` as in t_resize_nearest(). area: [N] pixels of each target, added. */
static void small_targets(const struct mask_targets *t, int64_t b, int64_t plane, int64_t h,
                          int64_t w, int32_t *target, double *area) {
    int64_t N = t->most, n = t->first[b + 1] - t->first[b], r = plane * t->B + b;
    const int64_t *label = t->label + t->first[b], *row = t->row + t->first[b];
    float ys = (float)t->H / (float)h, xs = (float)t->W / (float)w;
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            int64_t Y = (int64_t)((float)y * ys), X = (int64_t)((float)x * xs);
            if (Y >= t->H) Y = t->H - 1;
            if (X >= t->W) X = t->W - 1;
            int64_t is = t->map[(r * t->H + Y) * t->W + X], k = 0;
            while (k < n && (label[k] != is || row[k] != r)) k++;
            target[y * w + x] = (int32_t)(k < n ? k : N);
            if (k < n) area[k]++;
        }
}

/* Chances of the targets' classes under softmax. */
static void class_chances(const float *logits, int64_t classes, const int64_t *label, int64_t n,
                          double *chance) {
    double top = -INFINITY, sum = 0;
    for (int64_t c = 0; c < classes; c++) top = logits[c] > top ? (double)logits[c] : top;
    for (int64_t c = 0; c < classes; c++) sum += exp((double)logits[c] - top);
    for (int64_t k = 0; k < n; k++) chance[k] = exp((double)logits[label[k]] - top) / sum;
}

static void image_costs(double *cost, const struct match_weights *w, const struct mask_targets *t,
                        int64_t b, const struct shape *size, int64_t classes, const float *logits,
                        const float *masks) {
    int64_t P = size->d[1] * size->d[2], hw = size->d[3] * size->d[4], N = t->most;
    int64_t n = t->first[b + 1] - t->first[b];
    int32_t *target = mem_alloc((size_t)(t->planes * hw), sizeof *target);
    double *area = mem_alloc((size_t)N, sizeof *area);
    for (int64_t p = 0; p < t->planes; p++)
        small_targets(t, b, p, size->d[3], size->d[4], target + p * hw, area);
#pragma omp parallel num_threads(t_threads())
    {
        double *own = mem_alloc((size_t)(3 * N + 2), sizeof *own), *chance = own + 2 * N + 2;
        struct sums s = {.gain = own, .inside = own + N + 1};
#pragma omp for schedule(static)
        for (int64_t q = b * P; q < (b + 1) * P; q++) {
            pixel_sums(masks + q * hw, target, t->planes, hw, N, &s);
            class_chances(logits + q * classes, classes, t->label + t->first[b], n, chance);
            for (int64_t k = 0; k < n; k++) {
                double focal = (s.gain[k] + s.fake) / (double)hw;
                double dice = 1 - (2 * s.inside[k] + 1) / (s.all + area[k] + 1);
                cost[q * N + k] =
                    w->mask_cost * focal + w->dice_cost * dice - w->class_cost * chance[k];
            }
        }
        free(own);
    }
    free(target);
    free(area);
}

int match_fused(double *cost, const struct match_weights *w, tensor *logits, tensor *masks,
                const struct mask_targets *t) {
    struct shape size = t_shape(masks); /* [B, L, Q, h, w] */
    size_t n_masks = (size_t)t_numel(masks), n_logits = (size_t)t_numel(logits);
    int64_t classes = t_size(logits, 3);
    if (error_status()) return error_status();
    float *x = mem_try(n_masks + n_logits, sizeof *x), *scores = x ? x + n_masks : NULL;
    if (x && !t_copy_out(masks, x, n_masks * sizeof *x) &&
        !t_copy_out(t_cast(logits, T_F32), scores, n_logits * sizeof *x))
        for (int64_t b = 0; b < t->B; b++) image_costs(cost, w, t, b, &size, classes, scores, x);
    free(x);
    return error_status();
}
