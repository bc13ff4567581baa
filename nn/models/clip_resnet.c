/* B images, S side, C channels, h x w of a map, g = S / 32, H heads, D feature length. */
#include "nn/models/clip_resnet.h"

#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "nn/resize.h"

enum { EXPANSION = 4, HEAD = 64 };

static void conv_init(struct clip_conv *c, struct path conv, struct path bn, int64_t in,
                      int64_t out, int64_t kernel) {
    double bound = 1 / sqrt((double)(in * kernel * kernel)); /* PyTorch's default */
    struct shape s = SHAPE(out, in, kernel, kernel);
    c->weight = path_param(conv, "weight", t_uniform(s, -bound, bound));
    c->scale = path_param(bn, "weight", t_ones(SHAPE(out), T_F32));
    c->shift = path_param(bn, "bias", t_zeros(SHAPE(out), T_F32));
    c->mean = path_buffer(bn, "running_mean", t_zeros(SHAPE(out), T_F32));
    c->var = path_buffer(bn, "running_var", t_ones(SHAPE(out), T_F32));
    c->geometry = (struct conv){1, kernel / 2, 1, 1};
}

static tensor *conv(const struct clip_conv *c, tensor *x) {
    x = t_conv2d(x, c->weight, NULL, c->geometry); /* [B, O, h, w] */
    return t_batch_norm(x, c->scale, c->shift, c->mean, c->var, 0.1, 1e-5);
}

static void block_init(struct clip_resnet_block *b, struct path at, int64_t in, int64_t width,
                       int64_t stride) {
    int64_t out = EXPANSION * width, from[] = {in, width, width}, to[] = {width, width, out};
    b->stride = stride;
    b->has_shortcut = stride > 1 || in != out;
    for (int i = 0; i < 3; i++)
        conv_init(&b->conv[i], path_at(at, "conv%d", i + 1), path_at(at, "bn%d", i + 1), from[i],
                  to[i], i == 1 ? 3 : 1);
    t_zero_(b->conv[2].scale); /* a new block does nothing (reference-spec 2) */
    if (b->has_shortcut)
        conv_init(&b->shortcut, path_at(at, "downsample.0"), path_at(at, "downsample.1"), in, out,
                  1);
}

static void pool_init(struct clip_resnet *r, struct path at, int64_t features) {
    int64_t C = 32 * r->opt.width, g = r->opt.image_size / 32;
    double std = 1 / sqrt((double)C);
    r->positional_embedding =
        path_param(at, "positional_embedding", t_randn(SHAPE(1 + g * g, C), std));
    linear_init(&r->k, path_at(at, "k_proj"), C, C, true);
    linear_init(&r->q, path_at(at, "q_proj"), C, C, true);
    linear_init(&r->v, path_at(at, "v_proj"), C, C, true);
    linear_init(&r->out, path_at(at, "c_proj"), C, features, true);
    tensor *weights[] = {r->k.weight, r->q.weight, r->v.weight, r->out.weight};
    for (int i = 0; i < 4; i++) t_copy_(weights[i], t_randn(t_shape(weights[i]), std));
}

void clip_resnet_init(struct clip_resnet *r, struct path at, const struct clip_resnet_options *opt,
                      int64_t features) {
    int64_t W = opt->width;
    REQUIRE(opt->image_size > 0 && opt->image_size % 32 == 0, "image side %ld is no multiple of 32",
            (long)opt->image_size);
    REQUIRE(W > 0 && 32 * W % HEAD == 0, "width %ld", (long)W);
    *r = (struct clip_resnet){.opt = *opt};
    int64_t from[] = {3, W / 2, W / 2}, to[] = {W / 2, W / 2, W};
    for (int i = 0; i < 3; i++)
        conv_init(&r->stem[i], path_at(at, "conv%d", i + 1), path_at(at, "bn%d", i + 1), from[i],
                  to[i], 3);
    r->stem[0].geometry.stride = 2;
    int64_t in = W;
    for (int s = 0; s < CLIP_RESNET_STAGES; s++) {
        REQUIRE(opt->blocks[s] > 0 && opt->blocks[s] <= CLIP_RESNET_BLOCKS_MAX, "%ld blocks",
                (long)opt->blocks[s]);
        for (int j = 0; j < opt->blocks[s]; j++) {
            struct clip_resnet_block *b = &r->block[s][j];
            snprintf(b->name, sizeof b->name, "layer%d.%d", s + 1, j);
            block_init(b, path_at(at, "%s", b->name), in, W << s, s > 0 && j == 0 ? 2 : 1);
            in = EXPANSION * (W << s);
        }
    }
    pool_init(r, path_at(at, "attnpool"), features);
}

static tensor *block_forward(const struct clip_resnet_block *b, tensor *x) {
    int scope = t_scope_open(b->name, T_INHERIT);
    tensor *y = t_relu(conv(&b->conv[0], x));
    y = t_relu(conv(&b->conv[1], y));
    if (b->stride > 1) { /* pooled, where others skip pixels */
        y = t_avg_pool2d(y, b->stride, b->stride);
        x = t_avg_pool2d(x, b->stride, b->stride);
    }
    y = conv(&b->conv[2], y); /* [B, C, h, w] */
    if (b->has_shortcut) x = conv(&b->shortcut, x);
    return t_scope_close(scope, t_relu(t_add(y, x)));
}

static tensor *heads(const struct linear *l, tensor *x) {
    tensor *y = linear(l, x); /* [B, L, C] */
    int64_t B = t_size(y, 0), L = t_size(y, 1), C = t_size(y, 2);
    return t_transpose(t_reshape(y, SHAPE(B, L, C / HEAD, HEAD)), 1, 2); /* [B, H, L, 64] */
}

/* The table of positions for a map of another size: [1 + g g, C]. Bicubic, the mean's row as it is.
 */
static tensor *positions(const struct clip_resnet *r, int64_t g) {
    tensor *table = r->positional_embedding;
    int64_t n = t_size(table, 0) - 1, C = t_size(table, 1), own = r->opt.image_size / 32;
    if (g == own) return table;
    tensor *x = t_transpose(t_narrow(table, 0, 1, n), 0, 1); /* [C, own own] */
    x = resize(t_reshape(x, SHAPE(1, C, own, own)), g, g, RESIZE_BICUBIC);
    x = t_transpose(t_reshape(x, SHAPE(C, g * g)), 0, 1);
    return t_cat((tensor *[]){t_narrow(table, 0, 0, 1), x}, 2, 0);
}

/* The mean of the map asks, the map and its mean answer: [B, C, g, g] -> [B, D]. */
static tensor *pool(const struct clip_resnet *r, tensor *x) {
    int scope = t_scope_open("attnpool", T_INHERIT);
    int64_t B = t_size(x, 0), C = t_size(x, 1), g = t_size(x, 2);
    x = t_transpose(t_reshape(x, SHAPE(B, C, g * g)), 1, 2);  /* [B, g g, C] */
    x = t_cat((tensor *[]){t_mean_dim(x, 1, true), x}, 2, 1); /* [B, 1 + g g, C] */
    x = t_add(x, positions(r, g));
    tensor *q = heads(&r->q, t_narrow(x, 1, 0, 1)); /* [B, H, 1, 64] */
    tensor *y = t_attention(q, heads(&r->k, x), heads(&r->v, x), NULL, false, 1 / sqrt(HEAD));
    return t_scope_close(scope, linear(&r->out, t_reshape(y, SHAPE(B, C))));
}

tensor *clip_resnet(const struct clip_resnet *r, tensor *image) {
    int scope = t_scope_open("visual", T_MODEL);
    tensor *x = image;
    for (int i = 0; i < 3; i++) x = t_relu(conv(&r->stem[i], x)); /* [B, W, S/2, S/2] */
    x = t_avg_pool2d(x, 2, 2);                                    /* [B, W, S/4, S/4] */
    for (int s = 0; s < CLIP_RESNET_STAGES; s++)
        for (int j = 0; j < r->opt.blocks[s]; j++) x = t_next(x, block_forward(&r->block[s][j], x));
    return t_scope_close(scope, as_f32(pool(r, x))); /* [B, D] */
}
