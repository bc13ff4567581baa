#include "nn/models/clip_blocks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "nn/recompute.h"

static void block_init(struct clip_block *b, struct path at, int64_t width, int64_t heads) {
    attention_init(&b->attn, path_at(at, "attn"), width, heads);
    layer_norm_init(&b->ln_1, path_at(at, "ln_1"), width);
    linear_init(&b->fc, path_at(at, "mlp.c_fc"), width, 4 * width, true);
    linear_init(&b->proj, path_at(at, "mlp.c_proj"), 4 * width, width, true);
    layer_norm_init(&b->ln_2, path_at(at, "ln_2"), width);
}

void clip_blocks_init(struct clip_blocks *t, struct path at, struct clip_blocks_options opt) {
    *t = (struct clip_blocks){opt, mem_alloc((size_t)opt.layers, sizeof *t->at)};
    for (int64_t i = 0; i < opt.layers; i++) {
        snprintf(t->at[i].name, sizeof t->at[i].name, "resblocks.%d", (int)i);
        block_init(&t->at[i], path_at(at, "resblocks.%d", (int)i), opt.width, opt.heads);
    }
}

void clip_blocks_free(struct clip_blocks *t) {
    free(t->at);
    *t = (struct clip_blocks){0};
}

/* Without gradients nobody needs what it was. */
static tensor *scaled(tensor *x, double by) {
    if (t_grad_enabled()) return t_next(x, t_scale(x, by));
    t_scale_(x, by);
    return x;
}

/* x sigmoid(1.702 x) = silu(1.702 x) / 1.702: one map kept for the backward instead of two, and
 * three passes over it instead of five. x, of the innermost scope, is spent: with 64 crops of
 * ViT-L/14 it has 270 MB, and there were four of them at once. */
static tensor *quick_gelu(tensor *x) {
    x = scaled(x, 1.702);
    x = t_next(x, t_silu(x));
    return scaled(x, 1 / 1.702);
}

static tensor *activate(enum clip_activation a, tensor *x) {
    return a == CLIP_GELU ? t_next(x, t_gelu(x)) : quick_gelu(x);
}

tensor *clip_block_mlp(const struct clip_blocks *t, int64_t i, tensor *x) {
    const struct clip_block *b = &t->at[i];
    int scope = t_scope_open("mlp", T_INHERIT);
    tensor *y = linear(&b->fc, layer_norm(&b->ln_2, x)); /* [..., 4C] */
    y = activate(t->opt.activation, y);                  /* [..., 4C] */
    return t_scope_close(scope, t_add(x, linear(&b->proj, y)));
}

/* What clip_block() is told besides x. */
struct clip_block_args {
    const struct clip_blocks *t;
    int64_t i, rows;
    bool causal;
};

static tensor *attend(const struct clip_blocks *t, const struct clip_block *b, tensor *x,
                      int64_t rows, bool causal) {
    int scope = t_scope_open("", T_INHERIT);
    tensor *y = layer_norm(&b->ln_1, x); /* [B, L, C] */
    tensor *q = y;                       /* [B, rows, C] */
    if (rows != t_size(x, 1)) {
        q = t_narrow(y, 1, 0, rows);
        x = t_narrow(x, 1, 0, rows);
    }
    struct attention_args args = {.causal = causal, .plain = t->opt.plain_attention};
    return t_scope_close(scope, t_add(x, attention(&b->attn, q, y, y, args))); /* [B, rows, C] */
}

static tensor *block_forward(const void *args, tensor *const *in, size_t n) {
    const struct clip_block_args *a = args;
    const struct clip_block *b = &a->t->at[a->i];
    (void)n;
    int scope = t_scope_open(b->name, T_INHERIT);
    tensor *x = attend(a->t, b, in[0], a->rows, a->causal); /* [B, rows, C] */
    return t_scope_close(scope, clip_block_mlp(a->t, a->i, x));
}

tensor *clip_block(const struct clip_blocks *t, int64_t i, tensor *x, int64_t rows, bool causal) {
    REQUIRE(!causal || rows == t_size(x, 1) || error_status(), "a causal block makes all rows");
    struct clip_block_args args = {t, i, rows, causal};
    bool trains = t_requires_grad(t->at[i].ln_1.weight);
    return recompute(block_forward, &args, sizeof args, &x, 1, trains);
}
