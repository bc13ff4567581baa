/* P pairs, h x w logits, H x W pixels.
 *
 * With z = x where the target is 1 and -x elsewhere, p_t = sigmoid(z) and q = 1 - p_t:
 *   focal   = -alpha_t q^2 log p_t          d focal / dz = alpha_t q^2 (2 p_t log p_t - q)
 *   dice    = 1 - (2 I + 1) / (S + 1)       I = sum p t, S = sum p + sum t
 *   d dice / dx = p (1 - p) ((2 I + 1) / (S + 1)^2 - 2 t / (S + 1))
 * The last needs I and S, known only after the pair's last pixel; so p (1 - p) and p (1 - p) t are
 * carried back to the small map apart and joined there. */
#include "nn/losses/mask_fused.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "nn/losses/vector_math.h"

static const float ALPHA = 0.25F;

/* One axis of the enlargement: pixel i lies between from[i] and from[i] + step[i], at weight[i]. */
struct axis {
    int64_t n;     /* pixels */
    int64_t *from; /* [n] */
    int64_t *next; /* [n] from + 1, or from at the far edge */
    float *weight; /* [n] of next */
};

static void axis_init(struct axis *a, int64_t small, int64_t n) {
    a->n = n;
    a->from = mem_alloc((size_t)n, sizeof *a->from);
    a->next = mem_alloc((size_t)n, sizeof *a->next);
    a->weight = mem_alloc((size_t)n, sizeof *a->weight);
    float scale = (float)small / (float)n;
    for (int64_t i = 0; i < n; i++) {
        float at = ((float)i + 0.5F) * scale - 0.5F; /* align_corners false */
        if (at < 0) at = 0;
        a->from[i] = (int64_t)at < small ? (int64_t)at : small - 1;
        a->next[i] = a->from[i] + 1 < small ? a->from[i] + 1 : a->from[i];
        a->weight[i] = at - (float)a->from[i];
    }
}

static void axis_free(struct axis *a) {
    free(a->from);
    free(a->next);
    free(a->weight);
}

/* Row buffers of one thread. */
struct rows {
    float *small;                   /* [w] the row between two rows of the logits */
    float *x;                       /* [W] enlarged */
    float *focal, *slope, *overlap; /* [W] d focal / dx, p (1 - p), p (1 - p) t */
    float *back[3];                 /* [w] the same three, carried back along the row */
};

struct sums {
    double focal, both, sizes;
};

/* The pixels of one row. */
static void row_losses(const struct rows *r, const int32_t *map, int32_t label, int64_t W,
                       struct sums *sums) {
    const float *restrict x = r->x;
    float *restrict focal = r->focal, *restrict slope = r->slope, *restrict overlap = r->overlap;
    float f = 0, both = 0, sizes = 0;
#pragma omp simd reduction(+ : f, both, sizes)
    for (int64_t i = 0; i < W; i++) {
        float t = map[i] == label ? 1.0F : 0.0F, sign = 2 * t - 1;
        float alpha = t > 0 ? ALPHA : 1 - ALPHA;
        float z = sign * x[i], e = vector_exp_minus(fabsf(z)), small = 1 / (1 + e),
              large = e * small;
        float pt = z >= 0 ? small : large, q = z >= 0 ? large : small;
        float log_pt = (z < 0 ? z : 0) - vector_log_one_plus(e);
        float p = t > 0 ? pt : q;
        f += (x[i] - x[i]) - alpha * q * q * log_pt; /* NaN where x is no number */
        both += p * t;
        sizes += p + t;
        focal[i] = sign * alpha * q * q * (2 * pt * log_pt - q);
        slope[i] = pt * q;
        overlap[i] = pt * q * t;
    }
    sums->focal += (double)f;
    sums->both += (double)both;
    sums->sizes += (double)sizes;
}

static void row_enlarge(const struct rows *r, const struct axis *ax, const float *above,
                        const float *below, float weight, int64_t w) {
    for (int64_t i = 0; i < w; i++) r->small[i] = above[i] + weight * (below[i] - above[i]);
    for (int64_t i = 0; i < ax->n; i++) {
        float a = r->small[ax->from[i]], b = r->small[ax->next[i]];
        r->x[i] = a + ax->weight[i] * (b - a);
    }
}

/* The transposed enlargement: adds a row's gradients to the small maps. */
static void row_back(const struct rows *r, const struct axis *ax, float *const maps[3],
                     int64_t above, int64_t below, float weight, int64_t w) {
    for (int k = 0; k < 3; k++) memset(r->back[k], 0, (size_t)w * sizeof(float));
    for (int64_t i = 0; i < ax->n; i++) {
        int64_t a = ax->from[i], b = ax->next[i];
        float l = ax->weight[i], m = 1 - l;
        r->back[0][a] += m * r->focal[i];
        r->back[0][b] += l * r->focal[i];
        r->back[1][a] += m * r->slope[i];
        r->back[1][b] += l * r->slope[i];
        r->back[2][a] += m * r->overlap[i];
        r->back[2][b] += l * r->overlap[i];
    }
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < w; i++) {
            maps[k][above * w + i] += (1 - weight) * r->back[k][i];
            maps[k][below * w + i] += weight * r->back[k][i];
        }
}

struct fused {
    int64_t P, h, w, H, W;
    struct axis rows, cols;
    const int32_t **map; /* [P] that the pair's target is on */
    int32_t *label;      /* [P] */
    float *focal, *dice; /* [P, h, w] gradients of the pair's losses; work space before */
};

static void fused_free(void *ctx) {
    struct fused *f = ctx;
    axis_free(&f->rows);
    axis_free(&f->cols);
    free(f->map);
    free(f->label);
    free(f->focal);
    free(f->dice);
    free(f);
}

/* One pair: x [h, w] -> its two losses; f->focal and f->dice get its gradients. */
static void pair_losses(struct fused *f, int64_t i, const float *x, const struct rows *r,
                        float *third, float *focal, float *dice) {
    int64_t hw = f->h * f->w;
    float *const maps[3] = {f->focal + i * hw, f->dice + i * hw, third};
    struct sums s = {0};
    memset(third, 0, (size_t)hw * sizeof *third);
    for (int64_t y = 0; y < f->H; y++) {
        int64_t above = f->rows.from[y], below = f->rows.next[y];
        float weight = f->rows.weight[y];
        row_enlarge(r, &f->cols, x + above * f->w, x + below * f->w, weight, f->w);
        row_losses(r, f->map[i] + y * f->W, f->label[i], f->W, &s);
        row_back(r, &f->cols, maps, above, below, weight, f->w);
    }
    double pixels = (double)(f->H * f->W), size = s.sizes + 1, overlap = 2 * s.both + 1;
    *focal = (float)(s.focal / pixels);
    *dice = (float)(1 - overlap / size);
    float mean = (float)(1 / pixels), all = (float)(overlap / (size * size)),
          in = (float)(2 / size);
    for (int64_t k = 0; k < hw; k++) {
        maps[0][k] *= mean;
        maps[1][k] = all * maps[1][k] - in * third[k];
    }
}

static void rows_init(struct rows *r, float *buffer, int64_t w, int64_t W) {
    r->small = buffer;
    for (int k = 0; k < 3; k++) r->back[k] = buffer + (k + 1) * w;
    r->x = buffer + 4 * w;
    r->focal = r->x + W, r->slope = r->x + 2 * W, r->overlap = r->x + 3 * W;
}

static tensor *fused_forward(void *ctx, tensor *const *in, size_t n) {
    struct fused *f = ctx;
    int64_t hw = f->h * f->w;
    size_t bytes = (size_t)(f->P * hw) * sizeof(float);
    float *x = mem_try((size_t)(f->P * hw), sizeof *x);
    float *out = mem_alloc((size_t)(2 * f->P), sizeof *out);
    f->focal = mem_try((size_t)(f->P * hw), sizeof *f->focal);
    f->dice = mem_try((size_t)(f->P * hw), sizeof *f->dice);
    (void)n;
    tensor *y = NULL;
    if (x && f->focal && f->dice && !t_copy_out(in[0], x, bytes)) {
#pragma omp parallel num_threads(t_threads())
        {
            struct rows r;
            float *buffer = mem_alloc((size_t)(4 * f->w + 4 * f->W + hw), sizeof *buffer);
            rows_init(&r, buffer, f->w, f->W);
            float *third = buffer + 4 * f->w + 4 * f->W;
#pragma omp for schedule(dynamic)
            for (int64_t i = 0; i < f->P; i++)
                pair_losses(f, i, x + i * hw, &r, third, out + i, out + f->P + i);
            free(buffer);
        }
        y = t_from_data(out, SHAPE(2, f->P), T_F32);
    }
    free(x);
    free(out);
    return y;
}

static void fused_backward(void *ctx, tensor *grad, tensor **grad_in, size_t n) {
    struct fused *f = ctx;
    int64_t hw = f->h * f->w;
    (void)n;
    float *g = mem_alloc((size_t)(2 * f->P), sizeof *g);
    float *x = mem_try((size_t)(f->P * hw), sizeof *x);
    if (x && !t_copy_out(grad, g, (size_t)(2 * f->P) * sizeof *g)) {
        for (int64_t i = 0; i < f->P; i++)
            for (int64_t k = i * hw; k < (i + 1) * hw; k++)
                x[k] = g[i] * f->focal[k] + g[f->P + i] * f->dice[k];
        grad_in[0] = t_from_data(x, SHAPE(f->P, f->h, f->w), T_F32);
    }
    free(x);
    free(g);
}

static const struct t_function FUSED = {"mask_fused", fused_forward, fused_backward, fused_free};

tensor *mask_fused(tensor *x, const struct mask_targets *t, const int64_t *target) {
    struct fused *f = mem_alloc(1, sizeof *f);
    *f = (struct fused){
        .P = t_size(x, 0), .h = t_size(x, 1), .w = t_size(x, 2), .H = t->H, .W = t->W};
    axis_init(&f->rows, f->h, f->H);
    axis_init(&f->cols, f->w, f->W);
    f->map = mem_alloc((size_t)f->P, sizeof *f->map);
    f->label = mem_alloc((size_t)f->P, sizeof *f->label);
    for (int64_t i = 0; i < f->P && !error_status(); i++) {
        f->map[i] = t->map + t->row[target[i]] * t->H * t->W;
        f->label[i] = (int32_t)t->label[target[i]];
    }
    return t_apply(&FUSED, f, &x, 1);
}
