#include "eval/ensemble.h"

tensor *ensemble_fuse(tensor *prob, tensor *clip, tensor *valid, double lambda) {
    int scope = t_scope_open("ensemble", T_INHERIT);
    int64_t K = t_size(prob, 1);
    double missing = lambda > 0 ? 1 : 0; /* a proposal that CLIP did not see */

    /* Row 0 stands for the proposals without one: valid = -1. */
    tensor *rows[2] = {t_full(SHAPE(1, K), missing, T_F32), clip};
    tensor *table = clip ? t_cat(rows, 2, 0) : rows[0];                     /* [1+V, K] */
    tensor *a = t_index_select(table, 0, t_cast(t_shift(valid, 1), T_I64)); /* [N, K] */
    if (lambda == 0) return t_scope_close(scope, a);
    return t_scope_close(scope, t_mul(t_pow(prob, 1 - lambda), t_pow(a, lambda)));
}

tensor *ensemble_scores(tensor *fused, tensor *mask) {
    int scope = t_scope_open("scores", T_INHERIT);
    int64_t N = t_size(mask, 0), H = t_size(mask, 1), W = t_size(mask, 2), K = t_size(fused, 1);
    tensor *s = t_matmul(t_transpose(fused, 0, 1), t_reshape(mask, SHAPE(N, H * W))); /* [K, HW] */
    return t_scope_close(scope, t_reshape(s, SHAPE(K, H, W)));
}

tensor *ensemble_labels(tensor *scores, int64_t h, int64_t w) {
    enum { AT_ONCE = 1 << 24 }; /* resized scores: 64 MiB */
    int scope = t_scope_open("labels", T_INHERIT);
    int64_t K = t_size(scores, 0), step = AT_ONCE / (h * w);
    bool resize = t_size(scores, 1) != h || t_size(scores, 2) != w; /* equal sizes: an identity */
    tensor *best = NULL, *label = NULL;                             /* [h, w] */
    if (step < 1) step = 1;
    for (int64_t from = 0; from < K; from += step) {
        int inner = t_scope_open("group", T_INHERIT);
        tensor *x = t_narrow(scores, 0, from, K - from < step ? K - from : step);
        if (resize) x = t_squeeze(t_resize_bilinear(t_unsqueeze(x, 0), h, w), 0); /* [k, h, w] */
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
