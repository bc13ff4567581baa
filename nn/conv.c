#include "nn/conv.h"

#include <math.h>

#include "base/error.h"

static const double EPS = 1e-5; /* of every norm (reference-spec 1) */

static tensor *draw_weight(const struct conv_options *o) {
    struct shape s = SHAPE(o->out, o->in, o->kernel, o->kernel);
    double area = (double)(o->kernel * o->kernel);
    if (o->init == CONV_INIT_HE) return t_randn(s, sqrt(2 / ((double)o->out * area)));
    double bound = sqrt(3 / ((double)o->in * area));
    return t_uniform(s, -bound, bound);
}

static void norm_init(struct conv_norm *c, struct path at, int64_t channels) {
    if (c->norm.kind == NORM_NONE) return;
    tensor *(*add)(struct path, const char *, tensor *) =
        c->norm.kind == NORM_FROZEN_BN ? path_buffer : path_param;
    c->scale = add(at, "weight", t_ones(SHAPE(channels), T_F32));
    c->shift = add(at, "bias", t_zeros(SHAPE(channels), T_F32));
    if (c->norm.kind == NORM_GN) {
        REQUIRE(c->norm.groups > 0 && channels % c->norm.groups == 0,
                "%s: %ld channels do not split into %ld groups", at.prefix, (long)channels,
                (long)c->norm.groups);
        return;
    }
    /* A fresh frozen norm is the identity: var + eps = 1. */
    double var = c->norm.kind == NORM_FROZEN_BN ? 1 - EPS : 1;
    c->mean = path_buffer(at, "running_mean", t_zeros(SHAPE(channels), T_F32));
    c->var = path_buffer(at, "running_var", t_full(SHAPE(channels), var, T_F32));
}

void conv_norm_init(struct conv_norm *c, struct path at, struct conv_options opt) {
    REQUIRE(opt.kernel % 2 == 1, "%s: an even kernel has no middle", at.prefix);
    int64_t dilation = opt.dilation ? opt.dilation : 1;
    *c = (struct conv_norm){.norm = opt.norm};
    c->geometry =
        (struct conv){opt.stride ? opt.stride : 1, dilation * (opt.kernel / 2), dilation, 1};
    c->weight = path_param(at, "weight", draw_weight(&opt));
    if (opt.bias) c->bias = path_param(at, "bias", t_zeros(SHAPE(opt.out), T_F32));
    norm_init(c, path_at(at, "norm"), opt.out);
}

/* A frozen norm is affine, so while training it moves into the weights: one pass over the maps,
 * nothing of their size to remember for the backward. Equal to norm(conv(x)) up to rounding
 * (reference-spec 1.2). Inference does both, as the reference does: a mask's pixel at the threshold
 * is decided by the last bits. */
static tensor *conv_frozen(const struct conv_norm *c, tensor *x) {
    int scope = t_scope_open("conv", T_INHERIT);
    tensor *scale = t_mul(c->scale, t_rsqrt(t_shift(c->var, EPS)));          /* [O] */
    tensor *shift = t_sub(c->shift, t_mul(c->mean, scale));                  /* [O] */
    if (c->bias) shift = t_add(shift, t_mul(c->bias, scale));                /* [O] */
    tensor *weight = t_mul(c->weight, t_reshape(scale, SHAPE(-1, 1, 1, 1))); /* [O, I, k, k] */
    return t_scope_close(scope, t_conv2d(x, weight, shift, c->geometry));    /* [N, O, H', W'] */
}

tensor *conv_norm(const struct conv_norm *c, tensor *x) {
    if (c->norm.kind == NORM_FROZEN_BN && (t_grad_enabled() || t_training()))
        return conv_frozen(c, x);
    tensor *y = t_conv2d(x, c->weight, c->bias, c->geometry); /* [N, O, H', W'] */
    switch (c->norm.kind) {
    case NORM_FROZEN_BN:
    case NORM_BN: return t_batch_norm(y, c->scale, c->shift, c->mean, c->var, 0.1, EPS);
    case NORM_SYNC_BN:
        return sync_norm(y, c->scale, c->shift, c->mean, c->var, 0.1, EPS, c->norm.ranks);
    case NORM_GN: return t_group_norm(y, c->norm.groups, c->scale, c->shift, EPS);
    default: return y;
    }
}
