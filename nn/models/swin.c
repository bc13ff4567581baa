/* B images, H x W tokens, C channels, h heads, w side of a window, A = w^2 its tokens, N windows of
 * an image, D = C / h. */
#include "nn/models/swin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "nn/attention.h"
#include "nn/recompute.h"

enum { PATCH = 4, MLP = 4 };

struct swin_options swin_standard(char size) {
    switch (size) {
    case 'T': return (struct swin_options){96, {2, 2, 6, 2}, {3, 6, 12, 24}, 7, 0.3, false};
    case 'S': return (struct swin_options){96, {2, 2, 18, 2}, {3, 6, 12, 24}, 7, 0.3, false};
    case 'B': return (struct swin_options){128, {2, 2, 18, 2}, {4, 8, 16, 32}, 12, 0.3, false};
    case 'L': return (struct swin_options){192, {2, 2, 18, 2}, {6, 12, 24, 48}, 12, 0.3, false};
    default: break;
    }
    REQUIRE(false, "there is no Swin-%c", size);
    return (struct swin_options){0};
}

tensor *swin_bias_index(int64_t w) {
    int64_t A = w * w, *index = mem_alloc((size_t)(A * A), sizeof *index);
    for (int64_t q = 0; q < A; q++)
        for (int64_t k = 0; k < A; k++) {
            int64_t dy = q / w - k / w, dx = q % w - k % w;
            index[q * A + k] = (dy + w - 1) * (2 * w - 1) + dx + w - 1;
        }
    tensor *t = t_from_data(index, SHAPE(A, A), T_I64);
    free(index);
    return t;
}

static void block_init(struct swin_block *b, struct path at, int64_t C, int64_t heads, int64_t w) {
    REQUIRE(C % heads == 0, "%s: %ld channels for %ld heads", at.prefix, (long)C, (long)heads);
    b->heads = heads;
    layer_norm_init(&b->norm1, path_at(at, "norm1"), C);
    struct path attn = path_at(at, "attn"), mlp = path_at(at, "mlp");
    b->bias_table = path_param(attn, "relative_position_bias_table",
                               t_randn(SHAPE((2 * w - 1) * (2 * w - 1), heads), 0.02));
    b->bias_index = path_buffer(attn, "relative_position_index", swin_bias_index(w));
    linear_init(&b->qkv, path_at(attn, "qkv"), C, 3 * C, true);
    linear_init(&b->proj, path_at(attn, "proj"), C, C, true);
    layer_norm_init(&b->norm2, path_at(at, "norm2"), C);
    linear_init(&b->fc1, path_at(mlp, "fc1"), C, MLP * C, true);
    linear_init(&b->fc2, path_at(mlp, "fc2"), MLP * C, C, true);
}

static void stage_init(struct swin *s, struct path at, int i, int64_t *before, int64_t total) {
    const struct swin_options *o = &s->opt;
    int64_t C = o->embed << i;
    REQUIRE(o->blocks[i] > 0 && o->blocks[i] <= SWIN_BLOCKS_MAX, "%s: %ld blocks", at.prefix,
            (long)o->blocks[i]);
    for (int64_t j = 0; j < o->blocks[i]; j++) {
        struct swin_block *b = &s->stage[i].block[j];
        snprintf(b->name, sizeof b->name, "layers.%d.blocks.%d", i, (int)j);
        block_init(b, path_at(at, "blocks.%d", (int)j), C, o->heads[i], o->window);
        b->drop_path = total > 1 ? o->drop_path * (double)*before / (double)(total - 1) : 0;
        ++*before;
    }
    if (i + 1 == FEATURES_MAX) return;
    linear_init(&s->stage[i].reduction, path_at(at, "downsample.reduction"), 4 * C, 2 * C, false);
    layer_norm_init(&s->stage[i].merge_norm, path_at(at, "downsample.norm"), 4 * C);
}

void swin_init(struct swin *s, struct path at, const struct swin_options *opt) {
    s->opt = *opt;
    int64_t C = opt->embed, total = 0, before = 0;
    double bound = 1 / sqrt(3 * PATCH * PATCH); /* PyTorch's default of a convolution */
    struct path embed = path_at(at, "patch_embed"), proj = path_at(embed, "proj");
    s->patch_weight =
        path_param(proj, "weight", t_uniform(SHAPE(C, 3, PATCH, PATCH), -bound, bound));
    s->patch_bias = path_param(proj, "bias", t_uniform(SHAPE(C), -bound, bound));
    layer_norm_init(&s->patch_norm, path_at(embed, "norm"), C);
    for (int i = 0; i < FEATURES_MAX; i++) total += opt->blocks[i];
    for (int i = 0; i < FEATURES_MAX; i++)
        stage_init(s, path_at(at, "layers.%d", i), i, &before, total);
    for (int i = 0; i < FEATURES_MAX; i++)
        layer_norm_init(&s->stage[i].norm, path_at(at, "norm%d", i), C << i);
}

/* Where a rolled map's token comes from: three stripes that were not neighbours. */
static int64_t stripe(int64_t i, int64_t size, int64_t w, int64_t shift) {
    return i < size - w ? 0 : i < size - shift ? 1 : 2;
}

/* After rolling, tokens of one window may come from opposite borders; they must not look at each
 * other: -100, not infinity, as in the reference. [N, 1, A, A] */
static tensor *shift_mask(int64_t H, int64_t W, int64_t w, int64_t shift) {
    int64_t A = w * w, N = (H / w) * (W / w);
    float *mask = mem_alloc((size_t)(N * A * A), sizeof *mask);
    int64_t *from = mem_alloc((size_t)A, sizeof *from);
    for (int64_t n = 0; n < N; n++) {
        int64_t top = n / (W / w) * w, left = n % (W / w) * w;
        for (int64_t a = 0; a < A; a++)
            from[a] = 3 * stripe(top + a / w, H, w, shift) + stripe(left + a % w, W, w, shift);
        for (int64_t q = 0; q < A; q++)
            for (int64_t k = 0; k < A; k++)
                mask[(n * A + q) * A + k] = from[q] == from[k] ? 0 : -100;
    }
    tensor *t = t_from_data(mask, SHAPE(N, 1, A, A), T_F32);
    free(mask);
    free(from);
    return t;
}

/* What is added to the scores of a block, [1, h, A, A], or with a mask [N, h, A, A]. */
static tensor *score_bias(const struct swin_block *b, tensor *mask) {
    int64_t A = t_size(b->bias_index, 0), h = b->heads;
    tensor *rows = t_reshape(b->bias_index, SHAPE(A * A));
    tensor *bias = t_index_select(b->bias_table, 0, rows);                   /* [A A, h] */
    bias = t_permute(t_reshape(bias, SHAPE(1, A, A, h)), SHAPE(0, 3, 1, 2)); /* [1, h, A, A] */
    return mask ? t_add(bias, mask) : bias;
}

/* q, k, v: [B N, h, A, D], bias as above -> [B N, h, A, D], by their tables of scores. */
static tensor *attend_plain(tensor *q, tensor *k, tensor *v, tensor *bias, double scale) {
    int64_t M = t_size(q, 0), h = t_size(q, 1), A = t_size(q, 2), N = t_size(bias, 0);
    tensor *scores = t_matmul(t_scale(q, scale), t_transpose(k, -2, -1)); /* [B N, h, A, A] */
    scores = t_add(t_reshape(as_f32(scores), SHAPE(M / N, N, h, A, A)), bias);
    return t_matmul(t_softmax(t_reshape(scores, SHAPE(M, h, A, A)), -1), v);
}

/* The same by the fused kernel, which has no gradient for the bias. */
static tensor *attend_fused(tensor *q, tensor *k, tensor *v, tensor *bias, double scale) {
    int64_t M = t_size(q, 0), h = t_size(q, 1), A = t_size(q, 2), N = t_size(bias, 0);
    if (N > 1 && N < M) /* pictures follow each other */
        bias =
            t_reshape(t_expand(t_unsqueeze(bias, 0), SHAPE(M / N, N, h, A, A)), SHAPE(M, h, A, A));
    return t_attention(q, k, v, bias, false, scale);
}

/* x: [B N, A, C]; mask: [N, 1, A, A], or NULL. */
static tensor *attend(const struct swin_block *b, tensor *x, tensor *mask, bool plain) {
    int scope = t_scope_open("attn", T_INHERIT);
    int64_t M = t_size(x, 0), A = t_size(x, 1), C = t_size(x, 2), h = b->heads, D = C / h;
    tensor *qkv = t_reshape(linear(&b->qkv, x), SHAPE(M, A, 3, h, D)); /* [B N, A, 3, h, D] */
    qkv = t_permute(qkv, SHAPE(2, 0, 3, 1, 4));                        /* [3, B N, h, A, D] */
    tensor *q = t_select(qkv, 0, 0), *k = t_select(qkv, 0, 1), *v = t_select(qkv, 0, 2);
    tensor *bias = score_bias(b, mask);
    double scale = 1 / sqrt((double)D);
    bool again = t_recomputes() && t_training(); /* first without gradients, then with them */
    tensor *y = plain || t_grad_enabled() || again || attention_prefers_plain()
                    ? attend_plain(q, k, v, bias, scale)
                    : attend_fused(q, k, v, bias, scale);
    y = t_reshape(t_transpose(y, 1, 2), SHAPE(M, A, C)); /* [B N, A, C] */
    return t_scope_close(scope, linear(&b->proj, y));
}

/* Attention within windows: [B, H, W, C] -> the same. Zeros that fill the last windows up are
 * tokens like others, but their results are dropped. */
static tensor *windows(const struct swin_block *b, tensor *x, int64_t w, int64_t shift,
                       tensor *mask, bool plain) {
    int scope = t_scope_open("", T_INHERIT);
    int64_t B = t_size(x, 0), H = t_size(x, 1), W = t_size(x, 2), C = t_size(x, 3);
    int64_t rows = (H + w - 1) / w, cols = (W + w - 1) / w;
    x = t_pad(x, SHAPE(0, 0, 0, cols * w - W, 0, rows * w - H), 0); /* [B, rows w, cols w, C] */
    if (shift) x = t_roll(t_roll(x, -shift, 1), -shift, 2);
    x = t_permute(t_reshape(x, SHAPE(B, rows, w, cols, w, C)), SHAPE(0, 1, 3, 2, 4, 5));
    x = attend(b, t_reshape(x, SHAPE(B * rows * cols, w * w, C)), shift ? mask : NULL, plain);
    x = t_permute(t_reshape(x, SHAPE(B, rows, cols, w, w, C)), SHAPE(0, 1, 3, 2, 4, 5));
    x = t_reshape(x, SHAPE(B, rows * w, cols * w, C));
    if (shift) x = t_roll(t_roll(x, shift, 1), shift, 2);
    return t_scope_close(scope, t_narrow(t_narrow(x, 1, 0, H), 2, 0, W)); /* [B, H, W, C] */
}

/* Leaves out a branch for whole pictures, and makes up for it where it stays. */
static tensor *drop_path(tensor *x, double p) {
    if (p == 0 || !t_training()) return x;
    int scope = t_scope_open("drop_path", T_INHERIT);
    tensor *keep = t_dropout(t_ones(SHAPE(t_size(x, 0), 1, 1, 1), t_dtype(x)), p);
    return t_scope_close(scope, t_mul(x, keep));
}

/* What a block is told besides its map and the mask. */
struct block_args {
    const struct swin_block *b;
    int64_t w, shift;
    bool plain;
};

/* in: [B, H, W, C], and the mask */
static tensor *block_forward(const void *args, tensor *const *in, size_t n) {
    const struct block_args *a = args;
    const struct swin_block *b = a->b;
    tensor *x = in[0];
    (void)n;
    int scope = t_scope_open(b->name, T_INHERIT);
    tensor *y = layer_norm(&b->norm1, x);
    y = windows(b, y, a->w, a->shift, in[1], a->plain); /* [B, H, W, C] */
    x = t_add(x, drop_path(y, b->drop_path));
    y = linear(&b->fc2, t_gelu(linear(&b->fc1, layer_norm(&b->norm2, x))));
    return t_scope_close(scope, t_add(x, drop_path(y, b->drop_path)));
}

/* Four neighbours become one token: [B, H, W, C] -> [B, H/2, W/2, 2C], rounded up. */
static tensor *merge(const struct swin_stage *s, tensor *x) {
    int scope = t_scope_open("downsample", T_INHERIT);
    int64_t B = t_size(x, 0), H = t_size(x, 1), W = t_size(x, 2), C = t_size(x, 3);
    x = t_pad(x, SHAPE(0, 0, 0, W % 2, 0, H % 2), 0);
    H = (H + 1) / 2, W = (W + 1) / 2;
    x = t_reshape(x, SHAPE(B, H, 2, W, 2, C));
    x = t_permute(x, SHAPE(0, 1, 3, 4, 2, 5)); /* column by column, each from top to bottom */
    x = layer_norm(&s->merge_norm, t_reshape(x, SHAPE(B, H, W, 4 * C)));
    return t_scope_close(scope, linear(&s->reduction, x));
}

static tensor *embed(const struct swin *s, tensor *x) {
    int scope = t_scope_open("patch_embed", T_INHERIT);
    int64_t H = t_size(x, 2), W = t_size(x, 3);
    x = t_pad(x, SHAPE(0, (PATCH - W % PATCH) % PATCH, 0, (PATCH - H % PATCH) % PATCH), 0);
    struct conv c = {.stride = PATCH, .padding = 0, .dilation = 1, .groups = 1};
    x = t_conv2d(x, s->patch_weight, s->patch_bias, c); /* [B, C, H/4, W/4] */
    x = t_permute(x, SHAPE(0, 2, 3, 1));                /* [B, H/4, W/4, C] */
    return t_scope_close(scope, layer_norm(&s->patch_norm, x));
}

struct features swin_forward(const struct swin *s, tensor *x) {
    struct features f = {.n = FEATURES_MAX};
    int64_t w = s->opt.window;
    int scope = t_scope_open("backbone", T_INHERIT);
    x = embed(s, x);
    for (int i = 0; i < FEATURES_MAX; i++) {
        const struct swin_stage *stage = &s->stage[i];
        int64_t H = t_size(x, 1), W = t_size(x, 2);
        tensor *mask = shift_mask((H + w - 1) / w * w, (W + w - 1) / w * w, w, w / 2);
        for (int64_t j = 0; j < s->opt.blocks[i]; j++) {
            struct block_args args = {&stage->block[j], w, j % 2 ? w / 2 : 0, s->opt.plain};
            bool trains = t_requires_grad(stage->block[j].norm1.weight);
            tensor *in[] = {x, mask};
            x = t_next(x, recompute(block_forward, &args, sizeof args, in, 2, trains));
        }
        tensor *y = t_permute(layer_norm(&stage->norm, x), SHAPE(0, 3, 1, 2)); /* [B, C, H, W] */
        f.map[i] = t_contiguous(y);
        if (i + 1 < FEATURES_MAX) x = t_next(x, merge(stage, x));
    }
    for (int i = 0; i < FEATURES_MAX; i++) t_keep(scope, f.map[i]);
    t_scope_close(scope, NULL);
    return f;
}
