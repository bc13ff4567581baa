#include "nn/sync_norm.h"

static tensor *sum_forward(void *ctx, tensor *const *in, size_t n) {
    (void)n;
    const struct norm_ranks *r = ctx;
    return r->sum(r->ctx, in[0]);
}

/* What one rank puts in reaches every rank's loss. */
static void sum_backward(void *ctx, tensor *grad, tensor **grad_in, size_t n) {
    (void)n;
    const struct norm_ranks *r = ctx;
    grad_in[0] = r->sum(r->ctx, grad);
}

static const struct t_function over_ranks = {
    .name = "sum over ranks", .forward = sum_forward, .backward = sum_backward};

static tensor *all(const struct norm_ranks *r, tensor *x) {
    return t_apply(&over_ranks, (void *)r, &x, 1);
}

/* [N, C, H, W] -> [C] */
static tensor *sum_pixels(tensor *x) {
    return t_sum_dim(t_sum_dim(t_sum_dim(x, 3, false), 2, false), 0, false);
}

static tensor *by_channel(tensor *x) { return t_reshape(x, SHAPE(1, -1, 1, 1)); }

static void move(tensor *running, tensor *now, double momentum) {
    t_scale_(running, 1 - momentum);
    t_add_(running, now, momentum);
}

/* The mean comes first and the squares are of what is left: sums of squares alone lose all digits
 * where the mean is large. */
tensor *sync_norm(tensor *x, tensor *w, tensor *b, tensor *mean, tensor *var, double momentum,
                  double eps, const struct norm_ranks *ranks) {
    if (!ranks || !t_training()) return t_batch_norm(x, w, b, mean, var, momentum, eps);
    int scope = t_scope_open("sync_norm", T_INHERIT);
    enum t_dtype type = t_dtype(x);
    if (type != T_F64) x = t_cast(x, T_F32); /* as batch norm computes under autocast */
    int64_t C = t_size(x, 1), pixels = t_numel(x) / C;
    tensor *parts[] = {sum_pixels(x), t_full(SHAPE(1), (double)pixels, t_dtype(x))};
    tensor *sums = all(ranks, t_cat(parts, 2, 0));          /* [C + 1] */
    tensor *n = t_detach(t_narrow(sums, 0, C, 1));          /* [1] */
    tensor *batch_mean = t_div(t_narrow(sums, 0, 0, C), n); /* [C] */
    tensor *left = t_sub(x, by_channel(batch_mean));        /* [N, C, H, W] */
    tensor *squares = all(ranks, sum_pixels(t_mul(left, left)));
    tensor *batch_var = t_div(squares, n); /* [C] */
    int update = t_scope_open("running", T_NO_GRAD);
    move(mean, t_detach(batch_mean), momentum);
    move(var, t_div(t_detach(squares), t_shift(n, -1)), momentum);
    t_scope_close(update, NULL);
    tensor *scale = t_mul(w, t_rsqrt(t_shift(batch_var, eps))); /* [C] */
    tensor *y = t_add(t_mul(left, by_channel(scale)), by_channel(b));
    return t_scope_close(scope, type == t_dtype(y) ? y : t_cast(y, type));
}
