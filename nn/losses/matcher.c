#include "nn/losses/matcher.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "nn/losses/hungarian.h"
#include "nn/losses/match_fused.h"

static const double ALPHA = 0.25; /* of the focal loss; its gamma is 2 */

/* What targets have as a table, with `pad` where an image has fewer than N: [B, N] i64. */
static tensor *target_table(const struct mask_targets *t, const int64_t *of, int64_t pad) {
    int64_t N = t->most;
    int64_t *table = mem_alloc((size_t)(t->B * N), sizeof *table);
    for (int64_t b = 0; b < t->B; b++)
        for (int64_t i = 0; i < N; i++) {
            int64_t k = t->first[b] + i;
            table[b * N + i] = k < t->first[b + 1] ? of[k] : pad;
        }
    tensor *y = t_from_data(table, SHAPE(t->B, N), T_I64);
    free(table);
    return y;
}

/* Targets at the predictions' size. The nearest pixel of a mask is the mask of the nearest label.
 * [B, N, hw] */
static tensor *small_masks(const struct mask_targets *t, int64_t h, int64_t w, enum t_dtype dtype) {
    int64_t R = t->planes * t->B, B = t->B, N = t->most;
    tensor *map = t_cast(t_from_data(t->map, SHAPE(R, 1, t->H, t->W), T_I32), T_F32);
    map = t_reshape(t_resize_nearest(map, h, w), SHAPE(R, h * w));                  /* [R, hw] */
    map = t_index_select(map, 0, t_reshape(target_table(t, t->row, 0), SHAPE(-1))); /* [B N, hw] */
    tensor *label = t_cast(target_table(t, t->label, -2), T_F32);                   /* no pixel */
    tensor *mask = t_eq(map, t_reshape(label, SHAPE(B * N, 1)));                    /* [B N, hw] */
    return t_reshape(t_cast(mask, dtype), SHAPE(B, N, h * w));
}

static tensor *transposed(tensor *x) { return t_transpose(x, 1, 2); }

/* x: [B, P, hw] mask logits, target: [B, N, hw] -> [B, P, N] */
static tensor *focal_cost(tensor *x, tensor *p, tensor *target) {
    int scope = t_scope_open("focal_cost", T_INHERIT);
    tensor *miss = t_mul(t_pow(t_shift(t_neg(p), 1), 2), t_softplus(t_neg(x))); /* at t = 1 */
    tensor *fake = t_mul(t_pow(p, 2), t_softplus(x));                           /* at t = 0 */
    fake = t_scale(fake, 1 - ALPHA);
    /* miss . t + fake . (1 - t), with one product */
    tensor *gain = t_sub(t_scale(miss, ALPHA), fake); /* [B, P, hw] */
    tensor *sum = t_add(t_matmul(gain, transposed(target)), t_sum_dim(fake, -1, true));
    return t_scope_close(scope, t_scale(sum, 1 / (double)t_size(x, 2)));
}

static tensor *dice_cost(tensor *p, tensor *target) {
    int scope = t_scope_open("dice_cost", T_INHERIT);
    tensor *both = t_matmul(p, transposed(target)); /* [B, P, N] */
    tensor *sizes = t_add(t_sum_dim(p, -1, true), transposed(t_sum_dim(target, -1, true)));
    tensor *dice = t_div(t_shift(t_scale(both, 2), 1), t_shift(sizes, 1)); /* [B, P, N] */
    return t_scope_close(scope, t_shift(t_neg(dice), 1));
}

static tensor *class_cost(tensor *logits, const struct mask_targets *t, int64_t P) {
    tensor *prob = t_softmax(logits, -1); /* [B, P, K + 1] */
    tensor *label = t_reshape(target_table(t, t->label, 0), SHAPE(t->B, 1, t->most));
    return t_neg(t_gather(prob, -1, t_expand(label, SHAPE(t->B, P, t->most)))); /* [B, P, N] */
}

tensor *match_cost(const struct match_weights *w, tensor *logits, tensor *masks,
                   const struct mask_targets *t) {
    int scope = t_scope_open("match_cost", T_NO_GRAD);
    int64_t B = t_size(masks, 0), P = t_size(masks, 1) * t_size(masks, 2);
    int64_t h = t_size(masks, 3), width = t_size(masks, 4);
    enum t_dtype dtype = t_dtype(masks) == T_F64 ? T_F64 : T_F32;
    tensor *x = t_cast(t_reshape(masks, SHAPE(B, P, h * width)), dtype); /* [B, P, hw] */
    tensor *p = t_sigmoid(x);                                            /* [B, P, hw] */
    tensor *target = small_masks(t, h, width, dtype);                    /* [B, N, hw] */
    tensor *scores = t_cast(t_reshape(logits, SHAPE(B, P, t_size(logits, 3))), dtype);
    tensor *cost = t_scale(class_cost(scores, t, P), w->class_cost); /* [B, P, N] */
    cost = t_add(cost, t_scale(focal_cost(x, p, target), w->mask_cost));
    cost = t_add(cost, t_scale(dice_cost(p, target), w->dice_cost));
    return t_scope_close(scope, cost);
}

static bool are_numbers(const double *cost, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (isnan(cost[i]) || cost[i] == -INFINITY) return false;
    return true;
}

/* Costs in float32, as the reference has them: queries that differ in rounding alone are then
 * equal, and the first of them is taken, as scipy does. */
static int solve_image(struct matches *m, const double *cost, const struct mask_targets *t,
                       int64_t b, int64_t layer, double *own) {
    int64_t N = t->most, n = t->first[b + 1] - t->first[b], L = m->L, Q = m->Q;
    for (int64_t q = 0; q < Q; q++)
        for (int64_t k = 0; k < n; k++)
            own[q * n + k] = (double)(float)cost[((b * L + layer) * Q + q) * N + k];
    int64_t at = layer * m->n + m->first[b];
    int status = 0;
    if (are_numbers(own, Q * n)) {
        status = hungarian_solve(own, Q, n, m->query + at, m->target + at);
    } else {
        m->broken = true;
        for (int64_t i = 0; i < n; i++) m->query[at + i] = m->target[at + i] = i;
    }
    if (status)
        return error_context("image %ld of the batch, decoder layer %ld", (long)b, (long)layer);
    for (int64_t i = at; i < layer * m->n + m->first[b + 1]; i++) m->target[i] += t->first[b];
    return 0;
}

static int solve_all(struct matches *m, const struct match_weights *w, tensor *logits,
                     tensor *masks, const struct mask_targets *t) {
    size_t n = (size_t)(m->B * m->L * m->Q * t->most);
    double *cost = mem_try(n, sizeof *cost);
    if (!cost) return error_status();
    double *own = mem_alloc((size_t)(m->Q * t->most), sizeof *own);
    int status = w->plain ? t_copy_out(t_cast(match_cost(w, logits, masks, t), T_F64), cost,
                                       n * sizeof *cost)
                          : match_fused(cost, w, logits, masks, t);
    for (int64_t b = 0; b < m->B && !status; b++)
        for (int64_t l = 0; l < m->L && !status; l++) status = solve_image(m, cost, t, b, l, own);
    free(own);
    free(cost);
    return status;
}

int match_targets(struct matches *m, const struct match_weights *w, tensor *logits, tensor *masks,
                  const struct mask_targets *t) {
    int64_t Q = t_size(masks, 2);
    *m = (struct matches){.B = t->B, .L = t_size(masks, 1), .Q = Q};
    m->first = mem_alloc((size_t)t->B + 1, sizeof *m->first);
    for (int64_t b = 0; b < t->B; b++) {
        int64_t n = t->first[b + 1] - t->first[b];
        m->first[b + 1] = m->first[b] + (n < Q ? n : Q);
    }
    m->n = m->first[t->B];
    m->query = mem_alloc((size_t)(m->L * m->n), sizeof *m->query);
    m->target = mem_alloc((size_t)(m->L * m->n), sizeof *m->target);
    if (error_status() || m->n == 0) return error_status();

    int scope = t_scope_open("matcher", T_NO_GRAD);
    int status = solve_all(m, w, logits, masks, t);
    t_scope_close(scope, NULL);
    return status;
}

void matches_free(struct matches *m) {
    free(m->first);
    free(m->query);
    free(m->target);
    *m = (struct matches){0};
}
