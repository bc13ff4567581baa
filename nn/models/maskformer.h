/* The proposal network: MaskFormer whose classes are the names it is given
 * (reference-spec 1.1-1.8).
 *
 * images -> backbone -> pixel decoder -> queries -> a mask and an embedding each; the embedding's
 * cosine to the text feature of every class name, and to one learned "no object" row, are the class
 * logits. CLIP enters only through those text features.
 */
#pragma once

#include "nn/models/backbone.h"
#include "nn/models/mask_decoder.h"
#include "nn/models/pixel_decoder.h"
#include "nn/tap.h"

/* The map that the queries read. */
enum maskformer_memory {
    MASKFORMER_LAST, /* the coarsest of the backbone */
    MASKFORMER_RES2,
    MASKFORMER_RES3,
    MASKFORMER_RES4,
    MASKFORMER_RES5,
    MASKFORMER_ENCODED, /* the coarsest, refined; needs pixel.encoder.layers */
};

struct maskformer_options {
    struct backbone_options backbone;
    struct pixel_decoder_options pixel;
    struct mask_decoder_options decoder;
    enum maskformer_memory memory;
    int64_t text_width;
    double temperature;                 /* cosines are multiplied by it */
    int64_t divisor;                    /* batches are padded to a multiple of it */
    bool channels_last;                 /* maps in memory as NHWC; equal to 1e-5 */
    double pixel_mean[3], pixel_std[3]; /* of RGB 0..255 */
};

/* The released settings with ResNet-101c and CLIP ViT-B/16. */
struct maskformer_options maskformer_standard(void);

/* 0.79 M parameters for drawn scenes of 64 pixels; `temperature` is CLIP's trained logit scale. */
struct maskformer_options maskformer_small(int64_t text_width, double temperature);

struct maskformer {
    struct maskformer_options opt;
    struct backbone backbone;
    struct pixel_decoder pixel;
    struct mask_decoder decoder;
    tensor *no_object;     /* [1, text_width]: clip_adapter.non_object_embedding */
    const struct tap *tap; /* backbone.res2, ..., mask_features, pred_embed, pred_logits,
                              pred_masks, the last three of the last layer; NULL: nobody looks */
};

/* Registers backbone.*, sem_seg_head.{pixel_decoder, predictor}.*,
 * clip_adapter.non_object_embedding below `at`, which is the root when published weights are to
 * load by name. */
void maskformer_init(struct maskformer *m, struct path at, const struct maskformer_options *opt);

/* Normalizes and joins: each of the n tensors is [b, 3, h, w], RGB 0..255 of any type; the result
 * [sum of b, 3, H, W], zeros at right and bottom, H and W the largest rounded up to the divisor. */
tensor *maskformer_input(const struct maskformer *m, tensor *const *images, size_t n);

/* B images, L decoder layers of which the last is the result, Q queries, K classes. */
struct maskformer_output {
    tensor *logits; /* [B, L, Q, K + 1], the last column is "no object" */
    tensor *masks;  /* [B, L, Q, H/4, W/4], logits */
};

/* x: of maskformer_input(); text: [K, text_width], rows of unit length, or names of several
 * wordings (nn/models/names.h). With `last_only` L is 1. */
struct maskformer_output maskformer_forward(const struct maskformer *m, tensor *x, tensor *text,
                                            bool last_only);

/* The classifier alone: [..., text_width] -> [..., K + 1] (reference-spec 1.8). */
tensor *maskformer_classify(const struct maskformer *m, tensor *embeddings, tensor *text);
