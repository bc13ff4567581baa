/* MaskFormer's predictor: object queries read an image's memory and each become a mask and an
 * embedding in the space of class names (reference-spec 1.6).
 *
 * Parameters: transformer.{encoder, decoder}.*, query_embed.weight, input_proj.*, mask_embed.*,
 * class_embed.*.
 */
#pragma once

#include "nn/conv.h"
#include "nn/models/detr.h"

enum { MLP_LAYERS_MAX = 4 };

/* layers.{n}; ReLU between them, none after the last. */
struct mlp {
    int layers;
    struct linear layer[MLP_LAYERS_MAX];
};
void mlp_init(struct mlp *m, struct path at, int64_t in, int64_t hidden, int64_t out, int layers);
tensor *mlp(const struct mlp *m, tensor *x); /* [..., in] -> [..., out] */

struct mask_decoder_options {
    int64_t queries;
    struct detr_options transformer; /* of the decoder; the encoder differs in `layers` alone */
    int encoder_layers;
    bool deep_supervision;   /* predictions of every layer while training */
    bool enforce_input_proj; /* also where the memory already has the transformer's width */
    int64_t class_hidden;
    int class_layers;
};

struct mask_decoder {
    struct mask_decoder_options opt;
    struct detr_encoder encoder;
    struct detr_decoder decoder;
    tensor *query_embed; /* [Q, C] */
    bool has_input_proj;
    struct conv_norm input_proj;
    struct mlp mask_embed, class_embed;
};

/* memory_width: channels of the memory map; mask_width: of the mask features; text_width: of the
 * class-name embeddings. */
void mask_decoder_init(struct mask_decoder *d, struct path at,
                       const struct mask_decoder_options *opt, int64_t memory_width,
                       int64_t mask_width, int64_t text_width);

/* Of the layers 0 .. L-1, the last of which is the result and the others deep supervision. */
struct mask_predictions {
    tensor *embeddings; /* [B, L, Q, text_width], not normalized */
    tensor *masks;      /* [B, L, Q, H/4, W/4], logits */
};

/* memory: [B, memory_width, h, w]; mask_features: [B, mask_width, H/4, W/4]. L is 1 with
 * `last_only` or without deep supervision. */
struct mask_predictions mask_decoder_forward(const struct mask_decoder *d, tensor *memory,
                                             tensor *mask_features, bool last_only);
