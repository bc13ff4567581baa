/* The feature pyramid that turns backbone maps into mask features at stride 4: the reference's
 * BasePixelDecoder, and with `input_proj` or `encoder.layers` > 0 its
 * TransformerEncoderPixelDecoder, which refines the coarsest map by a transformer first
 * (reference-spec 1.4, 1.5). Without layers that is its projection alone, and with pre-norm the
 * norm behind it.
 *
 * Parameters, n = number of stages: adapter_{1..n-1}, layer_{1..n}, mask_features, and with an
 * encoder input_proj, transformer.encoder.*.
 */
#pragma once

#include "nn/conv.h"
#include "nn/models/detr.h"
#include "nn/models/features.h"

struct pixel_decoder_options {
    int64_t conv_width;          /* of the pyramid */
    int64_t mask_width;          /* of the mask features */
    struct norm_options norm;    /* NORM_NONE gives the convolutions a bias instead */
    struct detr_options encoder; /* its width must be conv_width when it is there */
    bool input_proj;             /* the encoder is there also without layers */
};

struct pixel_decoder {
    struct pixel_decoder_options opt;
    int stages;
    struct conv_norm adapter[FEATURES_MAX]; /* [i]: of stage i, named adapter_{i+1} */
    struct conv_norm layer[FEATURES_MAX];
    struct conv_norm mask_features;
    struct conv_norm input_proj;
    struct detr_encoder encoder;
};

/* channels[i]: of feature map i. */
void pixel_decoder_init(struct pixel_decoder *d, struct path at,
                        const struct pixel_decoder_options *opt, int stages,
                        const int64_t *channels);

struct pixel_output {
    tensor *mask_features; /* [B, mask_width, H/4, W/4] */
    tensor *encoded;       /* [B, conv_width, h, w] of the coarsest stage; NULL without encoder */
};
struct pixel_output pixel_decoder_forward(const struct pixel_decoder *d, const struct features *f);
