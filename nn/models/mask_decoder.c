/* B images, L decoder layers, Q queries, C transformer width, D mask width, h x w of a map. */
#include "nn/models/mask_decoder.h"

#include "base/error.h"
#include "nn/models/position.h"

void mlp_init(struct mlp *m, struct path at, int64_t in, int64_t hidden, int64_t out, int layers) {
    REQUIRE(layers > 0 && layers <= MLP_LAYERS_MAX, "%s: %d layers", at.prefix, layers);
    m->layers = layers;
    for (int i = 0; i < layers; i++)
        linear_init(&m->layer[i], path_at(at, "layers.%d", i), i ? hidden : in,
                    i + 1 < layers ? hidden : out, true);
}

tensor *mlp(const struct mlp *m, tensor *x) {
    for (int i = 0; i < m->layers; i++) {
        x = linear(&m->layer[i], x);
        if (i + 1 < m->layers) x = t_relu(x);
    }
    return x;
}

void mask_decoder_init(struct mask_decoder *d, struct path at,
                       const struct mask_decoder_options *opt, int64_t memory_width,
                       int64_t mask_width, int64_t text_width) {
    *d = (struct mask_decoder){.opt = *opt};
    int64_t C = opt->transformer.width;
    struct detr_options encoder = opt->transformer;
    encoder.layers = opt->encoder_layers;
    detr_encoder_init(&d->encoder, path_at(at, "transformer.encoder"), &encoder);
    detr_decoder_init(&d->decoder, path_at(at, "transformer.decoder"), &opt->transformer);
    d->query_embed =
        path_param(path_at(at, "query_embed"), "weight", t_randn(SHAPE(opt->queries, C), 1));
    d->has_input_proj = memory_width != C || opt->enforce_input_proj;
    struct conv_options proj = {
        .in = memory_width, .out = C, .kernel = 1, .bias = true, .init = CONV_INIT_XAVIER};
    if (d->has_input_proj) conv_norm_init(&d->input_proj, path_at(at, "input_proj"), proj);
    mlp_init(&d->mask_embed, path_at(at, "mask_embed"), C, C, mask_width, 3);
    mlp_init(&d->class_embed, path_at(at, "class_embed"), C, opt->class_hidden, text_width,
             opt->class_layers);
}

/* Each query's mask: its embedding against the feature of each pixel. */
static tensor *masks_of(const struct mask_decoder *d, tensor *states, tensor *features) {
    int64_t B = t_size(states, 0), L = t_size(states, 1), Q = t_size(states, 2);
    int64_t D = t_size(features, 1), h = t_size(features, 2), w = t_size(features, 3);
    tensor *e = t_reshape(mlp(&d->mask_embed, states), SHAPE(B, L * Q, D)); /* [B, LQ, D] */
    tensor *m = t_matmul(e, t_reshape(features, SHAPE(B, D, h * w)));       /* [B, LQ, hw] */
    return t_reshape(m, SHAPE(B, L, Q, h, w));
}

struct mask_predictions mask_decoder_forward(const struct mask_decoder *d, tensor *memory,
                                             tensor *mask_features, bool last_only) {
    int scope = t_scope_open("predictor", T_INHERIT);
    if (d->has_input_proj) memory = conv_norm(&d->input_proj, memory); /* [B, C, h, w] */
    int64_t B = t_size(memory, 0), C = d->opt.transformer.width;
    int64_t h = t_size(memory, 2), w = t_size(memory, 3);
    tensor *pos = position_sine(h, w, C);                                      /* [hw, C] */
    tensor *tokens = t_transpose(t_reshape(memory, SHAPE(B, C, h * w)), 1, 2); /* [B, hw, C] */
    tokens = detr_encoder(&d->encoder, tokens, pos);                           /* [B, hw, C] */
    tensor *states = detr_decoder(&d->decoder, d->query_embed, tokens, pos,
                                  last_only || !d->opt.deep_supervision); /* [B, L, Q, C] */
    struct mask_predictions p = {
        .embeddings = t_keep(scope, mlp(&d->class_embed, states)),  /* [B, L, Q, text_width] */
        .masks = t_keep(scope, masks_of(d, states, mask_features)), /* [B, L, Q, H/4, W/4] */
    };
    t_scope_close(scope, NULL);
    return p;
}
