/* P = L n pairs, layer by layer, of n targets each. */
#include "nn/losses/mask_loss.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "nn/losses/mask_fused.h"
#include "nn/resize.h"

struct mask_loss_options mask_loss_standard(void) {
    return (struct mask_loss_options){.class_weight = 1,
                                      .mask_weight = 20,
                                      .dice_weight = 1,
                                      .no_object_weight = 0.1,
                                      .match = {1, 20, 1, false}};
}

void mask_loss_name(char out[32], enum mask_term term, int64_t layer, int64_t layers) {
    static const char *const names[] = {"loss_ce", "loss_mask", "loss_dice"};
    if (layer + 1 == layers)
        snprintf(out, 32, "%s", names[term]);
    else
        snprintf(out, 32, "%s_%d", names[term], (int)layer);
}

struct mask_norms mask_norms_of(const struct mask_loss_options *o, const struct mask_targets *t,
                                int64_t Q) {
    double none = o->no_object_weight > 0 ? o->no_object_weight : 0;
    int64_t matched = 0;
    for (int64_t b = 0; b < t->B; b++) {
        int64_t n = t->first[b + 1] - t->first[b];
        matched += n < Q ? n : Q;
    }
    return (struct mask_norms){(double)matched + none * (double)(t->B * Q - matched), (double)t->n};
}

/* What is divided by: never less than one mask. */
static struct mask_norms norms_used(const struct mask_loss_options *o, const struct mask_targets *t,
                                    int64_t Q, const struct mask_norms *given) {
    struct mask_norms own = mask_norms_of(o, t, Q), n = given ? *given : own;
    if (o->class_norm_per_rank) n.queries = own.queries;
    if (!(n.queries > 0)) n.queries = 1;
    if (!(n.masks > 1)) n.masks = 1;
    return n;
}

/* Every query's class: its target's, or K. [B L Q] i64 */
static tensor *query_classes(const struct mask_targets *t, const struct matches *m, int64_t K) {
    int64_t Q = m->Q, total = m->B * m->L * Q;
    int64_t *class = mem_alloc((size_t)total, sizeof *class);
    for (int64_t i = 0; i < total; i++) class[i] = K;
    for (int64_t l = 0; l < m->L; l++)
        for (int64_t b = 0; b < m->B; b++)
            for (int64_t i = m->first[b]; i < m->first[b + 1]; i++) {
                int64_t k = l * m->n + i;
                class[(b * m->L + l) * Q + m->query[k]] = t->label[m->target[k]];
            }
    tensor *y = t_from_data(class, SHAPE(total), T_I64);
    free(class);
    return y;
}

static tensor *class_weights(const struct mask_loss_options *o, int64_t K, enum t_dtype dtype) {
    double none = o->no_object_weight > 0 ? o->no_object_weight : 0;
    tensor *both[2] = {t_ones(SHAPE(K), dtype), t_full(SHAPE(1), none, dtype)};
    return t_cat(both, 2, 0); /* [K + 1] */
}

static tensor *class_terms(const struct mask_loss_options *o, tensor *logits,
                           const struct mask_targets *t, const struct matches *m, double norm) {
    int scope = t_scope_open("class", T_INHERIT);
    int64_t B = m->B, L = m->L, Q = m->Q;
    int64_t K = t_size(logits, 3) - 1;
    tensor *each =
        t_cross_entropy(t_reshape(logits, SHAPE(B * L * Q, K + 1)), query_classes(t, m, K),
                        class_weights(o, K, t_dtype(logits)), T_EACH, -100); /* [B L Q] */
    tensor *images = t_sum_dim(t_reshape(each, SHAPE(B, L, Q)), -1, false);  /* [B, L] */
    tensor *sum = t_sum_dim(images, 0, false);                               /* [L] */
    return t_scope_close(scope, t_scale(sum, 1 / norm));
}

/* Where each pair's prediction lies among the B L Q: [P] i64. */
static tensor *pair_queries(const struct matches *m) {
    int64_t *at = mem_alloc((size_t)(m->L * m->n), sizeof *at);
    for (int64_t l = 0; l < m->L; l++)
        for (int64_t b = 0; b < m->B; b++)
            for (int64_t i = m->first[b]; i < m->first[b + 1]; i++)
                at[l * m->n + i] = (b * m->L + l) * m->Q + m->query[l * m->n + i];
    tensor *y = t_from_data(at, SHAPE(m->L * m->n), T_I64);
    free(at);
    return y;
}

/* The masks of the pairs' targets: [P, HW]. */
static tensor *pair_masks(const struct mask_targets *t, const int64_t *target, int64_t P,
                          enum t_dtype dtype) {
    int64_t *row = mem_alloc((size_t)P, sizeof *row), *label = mem_alloc((size_t)P, sizeof *label);
    for (int64_t i = 0; i < P; i++) {
        row[i] = t->row[target[i]];
        label[i] = t->label[target[i]];
    }
    tensor *map = t_from_data(t->map, SHAPE(t->planes * t->B, t->H * t->W), T_I32);  /* [.., HW] */
    map = t_index_select(map, 0, t_from_data(row, SHAPE(P), T_I64));                 /* [P, HW] */
    tensor *mask = t_eq(map, t_cast(t_from_data(label, SHAPE(P, 1), T_I64), T_I32)); /* [P, HW] */
    free(row);
    free(label);
    return t_cast(mask, dtype);
}

tensor *focal_and_dice(tensor *x, tensor *y) {
    int scope = t_scope_open("focal_and_dice", T_INHERIT);
    const double alpha = 0.25;
    tensor *p = t_sigmoid(x);                                        /* [P, HW] */
    tensor *both = t_mul(p, y);                                      /* p t */
    tensor *sizes = t_add(p, y);                                     /* p + t */
    tensor *missed = t_sub(sizes, t_scale(both, 2));                 /* 1 - p_t */
    tensor *alpha_t = t_shift(t_scale(y, 2 * alpha - 1), 1 - alpha); /* alpha or 1 - alpha */
    tensor *focal = t_mul(t_mul(alpha_t, t_mul(missed, missed)), t_bce_logits(x, y));
    tensor *overlap = t_shift(t_scale(t_sum_dim(both, -1, false), 2), 1); /* [P] */
    tensor *size = t_shift(t_sum_dim(sizes, -1, false), 1);               /* [P] */
    tensor *dice = t_shift(t_neg(t_div(overlap, size)), 1);               /* [P] */
    tensor *pair[2] = {t_mean_dim(focal, -1, false), dice};
    return t_scope_close(scope, t_stack(pair, 2, 0)); /* [2, P] */
}

/* x: [P, h, w] -> [2, P] */
static tensor *pair_losses_plain(tensor *x, const struct mask_targets *t, const int64_t *target,
                                 int64_t P) {
    enum t_dtype dtype = t_dtype(x);
    x = resize(t_unsqueeze(x, 0), t->H, t->W, RESIZE_BILINEAR); /* [1, P, H, W] */
    x = t_reshape(x, SHAPE(P, t->H * t->W));                    /* [P, HW] */
    return focal_and_dice(x, pair_masks(t, target, P, dtype));
}

/* Focal and dice terms: [2, L]. */
static tensor *mask_terms(const struct mask_loss_options *o, tensor *masks,
                          const struct mask_targets *t, const struct matches *m, double norm) {
    int64_t B = m->B, L = m->L, Q = m->Q, h = t_size(masks, 3), w = t_size(masks, 4);
    /* Nothing to find: zeros that still hang on the graph, so that every rank has gradients. */
    if (m->n == 0) return t_expand(t_scale(t_sum(masks), 0), SHAPE(2, L));
    int scope = t_scope_open("masks", T_INHERIT);
    tensor *x = t_index_select(t_reshape(masks, SHAPE(B * L * Q, h, w)), 0, pair_queries(m));
    tensor *each =
        o->plain ? pair_losses_plain(x, t, m->target, L * m->n) : mask_fused(x, t, m->target);
    tensor *sum = t_sum_dim(t_reshape(each, SHAPE(2, L, m->n)), -1, false); /* [2, L] */
    return t_scope_close(scope, t_scale(sum, 1 / norm));
}

struct mask_losses mask_loss_matched(const struct mask_loss_options *o, tensor *logits,
                                     tensor *masks, const struct mask_targets *t,
                                     const struct matches *m, const struct mask_norms *norms) {
    int scope = t_scope_open("mask_loss", T_INHERIT);
    struct mask_norms norm = norms_used(o, t, m->Q, norms);
    tensor *ce = class_terms(o, logits, t, m, norm.queries); /* [L] */
    tensor *both = mask_terms(o, masks, t, m, norm.masks);   /* [2, L] */
    tensor *term[MASK_TERMS] = {
        t_scale(ce, o->class_weight),
        t_scale(t_select(both, 0, 0), o->mask_weight),
        t_scale(t_select(both, 0, 1), o->dice_weight),
    };
    tensor *terms = t_stack(term, MASK_TERMS, 0); /* [MASK_TERMS, L] */
    struct mask_losses out = {t_keep(scope, t_sum(terms)), t_keep(scope, t_detach(terms))};
    t_scope_close(scope, NULL);
    return out;
}

struct mask_losses mask_loss(const struct mask_loss_options *o, tensor *logits, tensor *masks,
                             const struct mask_targets *t, const struct mask_norms *norms) {
    struct matches m;
    mask_targets_check(t, t_size(logits, 3) - 1);
    match_targets(&m, &o->match, logits, masks, t);
    struct mask_losses out = mask_loss_matched(o, logits, masks, t, &m, norms);
    if (m.broken) out.total = t_scale(out.total, NAN); /* and all gradients: on every rank */
    matches_free(&m);
    return out;
}
