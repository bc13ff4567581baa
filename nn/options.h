/* The settings of the models; the defaults are the reference's small model (ResNet-101c with CLIP
 * ViT-B/16). */
#pragma once

#include "base/settings.h"
#include "nn/losses/mask_loss.h"
#include "nn/models/clip.h"
#include "nn/models/maskformer.h"

struct clip_model_options {
    int model; /* 0: of the other fields; else a published one */
    int64_t image_size, patch, width, layers, heads;
    int64_t text_width, text_layers, text_heads, context;
    int64_t features;
    int activation; /* enum clip_activation */
    double sine_positions;
};
extern const struct setting clip_model_rows[13];

enum prompt_kind { PROMPT_MASK, PROMPT_TOKENS };

struct prompt_options {
    int64_t depth;
    int init; /* enum clip_prompt_init */
    int kind; /* enum prompt_kind */
    int64_t tokens;
};
extern const struct setting prompt_rows[4];
extern const struct setting prompt_found_rows[1]; /* of weights that are there */

/* Adds what the ranges of the rows cannot say, as "WHERE: clip.KEY: ...". */
void clip_model_check(const struct clip_model_options *o, const char *where, struct problems *p);

/* Prompt depth 0 when `prompt` is NULL. */
struct clip_options clip_model(const struct clip_model_options *o, const struct prompt_options *p);

enum clip_loss_kind { CLIP_LOSS_IN_BATCH, CLIP_LOSS_MULTI_POSITIVE, CLIP_LOSS_NOUN_BANK };

enum clip_gather_kind { CLIP_GATHER_FULL, CLIP_GATHER_LOCAL, CLIP_GATHER_REFERENCE };

struct clip_train_options {
    int loss;   /* enum clip_loss_kind */
    int gather; /* enum clip_gather_kind */
    bool freeze_scale;
};
extern const struct setting clip_train_rows[3];

enum proposals_backbone {
    BACKBONE_SMALL,
    BACKBONE_R50,
    BACKBONE_R101,
    BACKBONE_R152,
    BACKBONE_SWIN_T,
    BACKBONE_SWIN_S,
    BACKBONE_SWIN_B,
    BACKBONE_SWIN_L,
};

struct proposals_options {
    int backbone; /* enum proposals_backbone */
    int stem;     /* enum resnet_stem: basic or deeplab */
    struct ints grid;
    int norm; /* enum norm_kind, of the standard backbones */
    int64_t freeze_at;
    int64_t stem_width, res2_width, block_width; /* 0: the standard ones */
    int64_t embed, window;                       /* of Swin; 0: the standard ones */
    struct ints blocks, block_heads;             /* of Swin; empty: the same */
    double drop_path;
    int64_t conv_width, mask_width, norm_groups;
    bool pixel_norm, pixel_input_proj;
    int memory; /* enum maskformer_memory */
    int64_t queries, width, heads, hidden, layers, encoder_layers, pixel_encoder_layers;
    double dropout;
    bool pre_norm, deep_supervision, own_ffn_bias, enforce_input_proj;
    int64_t class_hidden, class_layers, divisor;
    double temperature; /* 0: CLIP's trained scale */
    bool channels_last;
    double class_weight, mask_weight, dice_weight, no_object_weight;
};
extern const struct setting proposals_rows[40];

/* Adds what the ranges of the rows cannot say, as "WHERE: proposals.KEY: ...". */
void proposals_check(const struct proposals_options *o, const char *where, struct problems *p);

/* The options must have passed the check. */
struct maskformer_options proposals_model(const struct proposals_options *o, int64_t text_width,
                                          double temperature);
struct mask_loss_options proposals_loss(const struct proposals_options *o);
