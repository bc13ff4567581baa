#include "nn/models/clip_vit.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

static int64_t grid(const struct clip_vit_options *o) { return o->image_size / o->patch; }

/* Each patch gets sines and cosines of its row and column at W / 4 wavelengths, 2 pi .. 2e4 pi
 * patches; the class token gets zeros. */
static tensor *sine_positions(int64_t g, int64_t W, double amplitude) {
    REQUIRE(W % 4 == 0, "sine positions need a width that 4 divides, not %lld", (long long)W);
    float *table = mem_alloc((size_t)((1 + g * g) * W), sizeof *table);
    int64_t Q = W / 4;
    for (int64_t p = 0; p < g * g; p++)
        for (int64_t i = 0; i < Q; i++) {
            double rate = pow(10000, -(double)i / (double)Q);
            int64_t column = p % g, line = p / g;
            float *row = table + (1 + p) * W + i;
            row[0] = (float)(amplitude * sin((double)column * rate));
            row[Q] = (float)(amplitude * cos((double)column * rate));
            row[2 * Q] = (float)(amplitude * sin((double)line * rate));
            row[3 * Q] = (float)(amplitude * cos((double)line * rate));
        }
    tensor *t = t_from_data(table, SHAPE(1 + g * g, W), T_F32);
    free(table);
    return t;
}

static tensor *prompts(const struct clip_vit_options *o) {
    int64_t W = o->width;
    int64_t each = o->prompt_tokens ? o->prompt_tokens : grid(o) * grid(o);
    struct shape s = SHAPE(o->prompt_depth, each, W);
    double bound = sqrt(6 / (double)(3 * o->patch * o->patch + W));
    switch (o->prompt_init) {
    case CLIP_PROMPT_NORMAL: return t_randn(s, 0.02);
    case CLIP_PROMPT_UNIFORM: return t_uniform(s, -bound, bound);
    case CLIP_PROMPT_ZERO: break;
    }
    return t_zeros(s, T_F32);
}

void clip_vit_init(struct clip_vit *v, struct path at, const struct clip_vit_options *opt,
                   int64_t features) {
    int64_t S = opt->image_size, P = opt->patch, W = opt->width;
    REQUIRE(P > 0 && S % P == 0, "image side %lld is no multiple of the patch side %lld",
            (long long)S, (long long)P);
    REQUIRE(opt->prompt_depth >= 0 && opt->prompt_depth <= opt->layers,
            "prompt depth %lld is outside 0..%lld", (long long)opt->prompt_depth,
            (long long)opt->layers);
    *v = (struct clip_vit){.opt = *opt};
    if (!v->opt.heads) v->opt.heads = W / 64;
    int64_t g = grid(opt), N = g * g;
    double std = 1 / sqrt((double)W);
    v->class_embedding = path_param(at, "class_embedding", t_randn(SHAPE(W), std));
    v->positional_embedding =
        path_param(at, "positional_embedding",
                   opt->sine_positions > 0 ? sine_positions(g, W, opt->sine_positions)
                                           : t_randn(SHAPE(1 + N, W), std));
    v->proj = path_param(at, "proj", t_randn(SHAPE(W, features), std));
    if (opt->prompt_depth && opt->prompt_tokens)
        v->prompt_embedding = path_param(at, "prompt_embedding", prompts(opt));
    else if (opt->prompt_depth)
        v->mask_embedding = path_param(at, "mask_embedding", prompts(opt));
    double bound = 1 / sqrt((double)(3 * P * P)); /* PyTorch's default of a convolution */
    v->conv1 =
        path_param(path_at(at, "conv1"), "weight", t_uniform(SHAPE(W, 3, P, P), -bound, bound));
    layer_norm_init(&v->ln_pre, path_at(at, "ln_pre"), W);
    struct clip_blocks_options blocks = {W, opt->layers, v->opt.heads, opt->activation,
                                         opt->plain_attention};
    clip_blocks_init(&v->blocks, path_at(at, "transformer"), blocks);
    layer_norm_init(&v->ln_post, path_at(at, "ln_post"), W);
}

void clip_vit_free(struct clip_vit *v) { clip_blocks_free(&v->blocks); }

/* Which patches hold any foreground: [B, S, S] -> [B, g g, 1] bool. The reference rounds the mean
 * up, so a patch is blank only when all of its pixels are (reference-spec Q8). */
static tensor *visible_patches(const struct clip_vit *v, tensor *mask) {
    int64_t B = t_size(mask, 0), g = grid(&v->opt);
    tensor *m = t_unsqueeze(t_cast(mask, T_F32), 1);    /* [B, 1, S, S] */
    m = t_max_pool2d(m, v->opt.patch, v->opt.patch, 0); /* [B, 1, g, g] */
    return t_gt(t_reshape(m, SHAPE(B, g * g, 1)), 0);   /* [B, g g, 1] */
}

/* Blank patches become the prompts of this depth. */
static tensor *prompt(const struct clip_vit *v, tensor *patches, tensor *visible, int64_t depth) {
    tensor *e = t_select(v->mask_embedding, 0, depth); /* [g g, W] */
    return t_where(visible, patches, e);               /* [B, g g, W] */
}

static tensor *embed(const struct clip_vit *v, tensor *image, tensor *visible) {
    int scope = t_scope_open("embed", T_INHERIT);
    int64_t B = t_size(image, 0), W = v->opt.width, N = grid(&v->opt) * grid(&v->opt);
    struct conv c = {.stride = v->opt.patch, .padding = 0, .dilation = 1, .groups = 1};
    tensor *x = t_conv2d(image, v->conv1, NULL, c);      /* [B, W, g, g] */
    x = t_transpose(t_reshape(x, SHAPE(B, W, N)), 1, 2); /* [B, g g, W] */
    if (visible) x = prompt(v, x, visible, 0);
    tensor *class = t_expand(v->class_embedding, SHAPE(B, 1, W)); /* [B, 1, W] */
    x = t_cat((tensor *[]){class, x}, 2, 1);                      /* [B, 1 + g g, W] */
    x = layer_norm(&v->ln_pre, t_add(x, v->positional_embedding));
    return t_scope_close(scope, x);
}

/* The tokens of this depth behind the class token: new ones at the input, in the place of what the
 * block before made of the last ones elsewhere. They have no positions. */
static tensor *put_tokens(const struct clip_vit *v, tensor *x, int64_t depth) {
    int scope = t_scope_open("tokens", T_INHERIT);
    int64_t B = t_size(x, 0), T = v->opt.prompt_tokens, from = depth ? 1 + T : 1;
    tensor *e = t_select(v->prompt_embedding, 0, depth); /* [T, W] */
    e = t_expand(e, SHAPE(B, T, v->opt.width));          /* [B, T, W] */
    tensor *class = t_narrow(x, 1, 0, 1), *patches = t_narrow(x, 1, from, t_size(x, 1) - from);
    return t_scope_close(scope, t_cat((tensor *[]){class, e, patches}, 3, 1));
}

/* Without the prompts that stand beside the patches: [B, 1 + T + g g, W] -> [B, 1 + g g, W] */
static tensor *drop_tokens(const struct clip_vit *v, tensor *x) {
    int64_t T = v->opt.prompt_tokens, N = t_size(x, 1) - 1 - T;
    return t_cat((tensor *[]){t_narrow(x, 1, 0, 1), t_narrow(x, 1, 1 + T, N)}, 2, 1);
}

/* Blocks 0 .. n-1; the last of them makes `rows` tokens. */
static tensor *tokens(const struct clip_vit *v, tensor *image, tensor *mask, int64_t n,
                      int64_t rows) {
    REQUIRE(!mask || v->mask_embedding, "a mask was given to a tower without mask prompts");
    int scope = t_scope_open("visual", T_MODEL);
    int64_t S = v->opt.image_size, N = grid(&v->opt) * grid(&v->opt);
    REQUIRE(error_status() || (t_size(image, 2) == S && t_size(image, 3) == S),
            "the tower takes images of %lldx%lld", (long long)S, (long long)S);
    tensor *visible = mask ? visible_patches(v, mask) : NULL;
    tensor *x = embed(v, image, visible); /* [B, 1 + g g, W] */
    int64_t T = v->prompt_embedding ? v->opt.prompt_tokens : 0, all = 1 + T + N;
    for (int64_t i = 0; i < n; i++) {
        if (T && i < v->opt.prompt_depth) x = t_next(x, put_tokens(v, x, i)); /* [B, all, W] */
        x = t_next(x, clip_block(&v->blocks, i, x, i + 1 < n || rows > 1 ? all : rows, false));
        if (!visible || i + 1 >= v->opt.prompt_depth) continue;
        int inner = t_scope_open("prompt", T_INHERIT);
        tensor *patches = prompt(v, t_narrow(x, 1, 1, N), visible, i + 1); /* [B, g g, W] */
        tensor *y = t_cat((tensor *[]){t_narrow(x, 1, 0, 1), patches}, 2, 1);
        x = t_next(x, t_scope_close(inner, y));
    }
    if (T && n && rows > 1) x = drop_tokens(v, x);
    return t_scope_close(scope, x); /* [B, rows, W] */
}

tensor *clip_vit_tokens(const struct clip_vit *v, tensor *image, tensor *mask, int64_t n) {
    return tokens(v, image, mask, n, 1 + grid(&v->opt) * grid(&v->opt));
}

tensor *clip_vit(const struct clip_vit *v, tensor *image, tensor *mask) {
    int scope = t_scope_open("clip_vit", T_MODEL);
    int64_t all = 1 + grid(&v->opt) * grid(&v->opt);
    tensor *x = tokens(v, image, mask, v->opt.layers, v->opt.last_block_cls_only ? 1 : all);
    x = layer_norm(&v->ln_post, t_select(x, 1, 0));            /* [B, W] */
    return t_scope_close(scope, as_f32(t_matmul(x, v->proj))); /* [B, D] */
}
