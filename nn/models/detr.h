/* The transformer layers of DETR, with positions added to queries and keys at every layer
 * (reference-spec 1.6): an encoder over the pixels of a map, a decoder of object queries.
 *
 * Post-norm (the reference's): x = norm(x + sublayer(x)). Pre-norm: x = x + sublayer(norm(x)).
 */
#pragma once

#include "nn/attention.h"
#include "nn/layers.h"

enum { DETR_LAYERS_MAX = 12 };

struct detr_options {
    int64_t width, heads, hidden; /* hidden: of the feed-forward */
    int layers;                   /* 0..DETR_LAYERS_MAX */
    double dropout;               /* after each sublayer, in the feed-forward, on attention */
    bool pre_norm;
    bool own_ffn_bias; /* false: all layers start with the first's feed-forward biases, as in the
                          reference, whose layers are copies of one (reference-spec Q17) */
};

struct detr_layer {
    char name[24];
    struct attention self_attn, cross_attn; /* cross_attn ("multihead_attn"): decoder only */
    struct linear linear1, linear2;
    struct layer_norm norm1, norm2, norm3; /* norm3: decoder only */
};

/* layers.{n}.*; norm.* with pre-norm only. With no layers it is the identity, or that norm. */
struct detr_encoder {
    struct detr_options opt;
    struct detr_layer layer[DETR_LAYERS_MAX];
    struct layer_norm norm;
};
void detr_encoder_init(struct detr_encoder *e, struct path at, const struct detr_options *opt);
tensor *detr_encoder(const struct detr_encoder *e, tensor *x, tensor *pos); /* [B, S, C], [S, C] */

/* layers.{n}.*, norm.* */
struct detr_decoder {
    struct detr_options opt;
    struct detr_layer layer[DETR_LAYERS_MAX];
    struct layer_norm norm; /* of every layer's output, one for all */
};
void detr_decoder_init(struct detr_decoder *d, struct path at, const struct detr_options *opt);

/* query_pos: [Q, C]; memory: [B, S, C]; pos: [S, C]. The states of all layers, [B, layers, Q, C],
 * or with `last_only` the last one's, [B, 1, Q, C]. */
tensor *detr_decoder(const struct detr_decoder *d, tensor *query_pos, tensor *memory, tensor *pos,
                     bool last_only);
