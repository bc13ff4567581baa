/* Multi-head attention with the parameters and the mathematics of nn.MultiheadAttention.
 *
 * B batch, Q queries, K keys, C width, H heads, D = C / H.
 */
#pragma once

#include "nn/layers.h"

struct attention {
    int64_t heads;     /* H */
    tensor *in_weight; /* [3C, C]: the projections of queries, keys and values, stacked */
    tensor *in_bias;   /* [3C] */
    struct linear out;
};

struct attention_args {
    tensor *mask;   /* added to the scores, broadcasts to [B, H, Q, K]; NULL: none */
    bool causal;    /* query i sees the keys 0 .. i; Q = K, mask NULL */
    double dropout; /* of the probabilities, in T_TRAIN scopes */
    bool plain;     /* write out the [B, H, Q, K] table instead of the fused kernel; <= 1e-6 */
};

/* The fused kernel is the slower one here: in bf16 on the CPU. */
bool attention_prefers_plain(void);

/* Registers in_proj_weight (Xavier), in_proj_bias (0), out_proj.weight and out_proj.bias (0). */
void attention_init(struct attention *a, struct path at, int64_t width, int64_t heads);

/* q: [B, Q, C]; k, v: [B, K, C] -> [B, Q, C]. Inputs that are the same tensor are projected in one
 * product. */
tensor *attention(const struct attention *a, tensor *q, tensor *k, tensor *v,
                  struct attention_args args);
