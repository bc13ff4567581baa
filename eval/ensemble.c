#include "eval/ensemble.h"

/* `rows` picked from `table`; row 0 of it, which is put in front, where there is none (-1). */
static tensor *spread(tensor *front, tensor *table, tensor *rows) {
    tensor *both[2] = {front, table};
    return t_index_select(table ? t_cat(both, 2, 0) : front, 0, t_cast(t_shift(rows, 1), T_I64));
}

tensor *ensemble_fuse(tensor *prob, tensor *clip, tensor *valid, double lambda,
                      enum ensemble_invalid invalid) {
    int scope = t_scope_open("ensemble", T_INHERIT);
    int64_t K = t_size(prob, 1);
    double missing = lambda > 0 ? 1 : 0; /* a proposal that CLIP did not see */
    tensor *a = spread(t_full(SHAPE(1, K), missing, T_F32), clip, valid); /* [Q, K] */
    if (lambda == 0) return t_scope_close(scope, a);
    tensor *x = t_mul(t_pow(prob, 1 - lambda), t_pow(a, lambda)); /* [Q, K] */
    if (invalid != INVALID_ONE) {
        tensor *seen = t_unsqueeze(t_gt(t_cast(valid, T_F32), -0.5), 1); /* [Q, 1] */
        x = t_where(seen, x, invalid == INVALID_KEEP ? prob : t_zeros_like(prob));
    }
    return t_scope_close(scope, x);
}

struct named ensemble_demo(struct named n, double threshold, bool others) {
    int scope = t_scope_open("demo", T_INHERIT);
    int64_t Q = t_size(n.name, 0), K = t_size(n.name, 1);
    tensor *hard = t_cast(t_gt(n.mask, threshold), T_F32);                    /* [Q, h, w] */
    tensor *seen = t_amax(t_reshape(hard, SHAPE(Q, -1)), 1, true);            /* [Q, 1]: 0 or 1 */
    tensor *name = t_where(t_gt(seen, 0), n.name, t_full(SCALAR, -1, T_F32)); /* [Q, K] */
    tensor *best = t_argmax(name, 0);                                         /* [K] */
    tensor *index = t_unsqueeze(t_arange(Q, T_I64), 1);                       /* [Q, 1] */
    tensor *chosen = t_cast(t_eq(index, t_unsqueeze(best, 0)), T_F32);        /* [Q, K] */
    if (others && K == 2) chosen = t_narrow(chosen, 1, 0, 1);                 /* [Q, 1] */
    tensor *kept = t_amax(chosen, 1, true);                                   /* [Q, 1]: 0 or 1 */
    n.name = t_keep(scope, t_mul(n.name, t_mul(kept, seen)));
    n.mask = t_keep(scope, hard);
    t_scope_close(scope, NULL);
    return n;
}

tensor *ensemble_scores(struct named p, int64_t from, int64_t n, int64_t H, int64_t W) {
    int scope = t_scope_open("scores", T_INHERIT);
    int64_t Q = t_size(p.mask, 0), h = t_size(p.mask, 1), w = t_size(p.mask, 2);
    tensor *name = t_transpose(t_narrow(p.name, 1, from, n), 0, 1); /* [n, Q] */
    tensor *s = t_matmul(name, t_reshape(p.mask, SHAPE(Q, h * w))); /* [n, h w] */
    s = t_reshape(s, SHAPE(n, h, w));
    if (h != H || w != W) s = t_squeeze(t_resize_bilinear(t_unsqueeze(s, 0), H, W), 0);
    return t_scope_close(scope, s); /* [n, H, W]; of equal sizes the resize is an identity */
}

int64_t ensemble_group(struct named p, int64_t H, int64_t W) {
    enum { AT_ONCE = 1 << 23 }; /* scores */
    int64_t n = AT_ONCE / (t_size(p.mask, 1) * t_size(p.mask, 2) + H * W);
    return n < 1 ? 1 : n;
}

tensor *ensemble_labels(struct named p, int64_t H, int64_t W) {
    int scope = t_scope_open("labels", T_INHERIT);
    int64_t K = t_size(p.name, 1), step = ensemble_group(p, H, W);
    tensor *best = NULL, *label = NULL; /* [H, W] */
    for (int64_t from = 0; from < K; from += step) {
        int inner = t_scope_open("group", T_INHERIT);
        tensor *x = ensemble_scores(p, from, K - from < step ? K - from : step, H, W);
        tensor *at = t_cast(t_shift(t_argmax(x, 0), (double)from), T_I64);
        tensor *top = t_amax(x, 0, false);
        if (best) { /* of equal scores the first name wins, as in one argmax over all */
            at = t_where(t_gt(t_sub(top, best), 0), at, label);
            top = t_maximum(top, best);
        }
        best = t_keep(inner, top);
        label = t_keep(inner, at);
        t_scope_close(inner, NULL);
    }
    return t_scope_close(scope, label);
}
