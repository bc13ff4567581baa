/* The pre-norm transformer that both towers of CLIP are made of (reference-spec 1.9).
 *
 * B batch, L tokens, C width.
 */
#pragma once

#include "nn/attention.h"

enum clip_activation {
    CLIP_QUICK_GELU, /* x sigmoid(1.702 x): OpenAI's weights */
    CLIP_GELU,
};

struct clip_blocks_options {
    int64_t width, layers, heads;
    enum clip_activation activation;
    bool plain_attention; /* the scores as a table: as fast, more memory; <= 1e-6 */
};

struct clip_block {
    struct layer_norm ln_1, ln_2;
    struct attention attn;
    struct linear fc, proj; /* C -> 4C -> C */
    char name[24];          /* "resblocks.3", for error messages */
};

struct clip_blocks {
    struct clip_blocks_options opt;
    struct clip_block *at; /* [layers] */
};

/* Registers resblocks.N.* with PyTorch's defaults. */
void clip_blocks_init(struct clip_blocks *t, struct path at, struct clip_blocks_options opt);
void clip_blocks_free(struct clip_blocks *t);

/* The first `rows` tokens of the output of block i: [B, L, C] -> [B, rows, C]. All tokens are still
 * looked at. `causal` (rows = L): no token looks at later ones. */
tensor *clip_block(const struct clip_blocks *t, int64_t i, tensor *x, int64_t rows, bool causal);

/* The second half of block i, token by token: x + proj(activation(fc(ln_2(x)))), [..., C]. */
tensor *clip_block_mlp(const struct clip_blocks *t, int64_t i, tensor *x);
