#include "eval/ensemble.h"

#include <math.h>

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

int64_t ensemble_group(int64_t h, int64_t w, int64_t H, int64_t W) {
    enum {
        AT_ONCE = 1 << 22, /* scores */
        LEAST = 4
    };
    int64_t n = AT_ONCE / (h * w + H * W);
    return n < LEAST ? LEAST : n;
}

int64_t ensemble_groups(int64_t K, int64_t least) { return K < least ? 1 : K / least; }

/* Where nothing is resized: pixel by pixel, the scores of all names for some of them at once. */
static tensor *labels_by_pixel(struct named p, int64_t H, int64_t W, tensor **score) {
    enum { AT_ONCE = 1 << 19 }; /* scores */
    int scope = t_scope_open("labels", T_INHERIT);
    int64_t Q = t_size(p.mask, 0), K = t_size(p.name, 1), n = H * W;
    int64_t step = AT_ONCE / K > 0 ? AT_ONCE / K : 1;
    tensor *mask = t_transpose(t_reshape(p.mask, SHAPE(Q, n)), 0, 1); /* [H W, Q] */
    tensor *label = t_zeros(SHAPE(n), T_I64), *best = score ? t_zeros(SHAPE(n), T_F32) : NULL;
    for (int64_t at = 0; at < n; at += step) {
        int inner = t_scope_open("pixels", T_INHERIT);
        int64_t some = n - at < step ? n - at : step;
        tensor *x = t_matmul(t_narrow(mask, 0, at, some), p.name); /* [some, K] */
        t_copy_(t_narrow(label, 0, at, some), t_argmax(x, 1));
        if (score) t_copy_(t_narrow(best, 0, at, some), t_amax(x, 1, false));
        t_scope_close(inner, NULL);
    }
    if (score) *score = t_keep(scope, t_reshape(best, SHAPE(H, W)));
    return t_scope_close(scope, t_reshape(label, SHAPE(H, W)));
}

/* Name by name: libtorch's argmax over the first dimension sets up an iterator for every pixel (847
 * names on 640 x 864: 15.4 s, so 5.4). */
void ensemble_take_better(tensor *x, int64_t from, tensor *best, tensor *label) {
    for (int64_t k = 0; k < t_size(x, 0); k++) {
        int scope = t_scope_open("name", T_INHERIT);
        tensor *score = t_select(x, 0, k), *name = t_full(SCALAR, (double)(from + k), T_F32);
        t_copy_(label, t_where(t_gt(t_sub(score, best), 0), name, label)); /* [H, W] */
        t_copy_(best, t_maximum(best, score));                             /* [H, W] */
        t_scope_close(scope, NULL);
    }
}

tensor *ensemble_labels(struct named p, int64_t H, int64_t W) {
    return ensemble_labels_scored(p, H, W, NULL);
}

tensor *ensemble_labels_scored(struct named p, int64_t H, int64_t W, tensor **score) {
    int64_t K = t_size(p.name, 1), h = t_size(p.mask, 1), w = t_size(p.mask, 2);
    if (H == h && W == w) return labels_by_pixel(p, H, W, score);
    int scope = t_scope_open("labels", T_INHERIT);
    int64_t n = ensemble_groups(K, ensemble_group(h, w, H, W));
    tensor *best = t_full(SHAPE(H, W), -INFINITY, T_F32), *label = t_zeros(SHAPE(H, W), T_F32);
    for (int64_t i = 0; i < n; i++) {
        int inner = t_scope_open("group", T_INHERIT);
        int64_t from = K * i / n, some = K * (i + 1) / n - from;
        ensemble_take_better(ensemble_scores(p, from, some, H, W), from, best, label);
        t_scope_close(inner, NULL);
    }
    if (score) *score = t_keep(scope, best);
    return t_scope_close(scope, t_cast(label, T_I64));
}
