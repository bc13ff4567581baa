#include "checkpoints/import_rules.h"

/* The names of the rules by which tensors are dropped. */
#define RECOMPUTED "recomputed"    /* follows from the architecture or the settings */
#define COUNTER "batch-counter"    /* of batch norms; nothing reads it */
#define BY_SHAPES "told-by-shapes" /* a number that the shapes of the others tell */
#define CLASSIFIER "classifier"    /* of the images that a backbone was trained on */

/* CLIP (reference-spec 3.4). */

#define CLIP_BLOCK(AT)                                                                             \
    {AT "attn.in_proj_@", NULL, RULE_USE, RULE_ALWAYS},                                            \
        {AT "attn.out_proj.@", NULL, RULE_USE, RULE_ALWAYS},                                       \
        {AT "ln_1.@", NULL, RULE_USE, RULE_ALWAYS}, {AT "ln_2.@", NULL, RULE_USE, RULE_ALWAYS},    \
        {AT "mlp.c_fc.@", NULL, RULE_USE, RULE_ALWAYS}, {                                          \
        AT "mlp.c_proj.@", NULL, RULE_USE, RULE_ALWAYS                                             \
    }

static const struct import_rule clip_scale_rules[] = {
    {"logit_scale", NULL, RULE_USE, RULE_ALWAYS},
    {"input_resolution", BY_SHAPES, RULE_DROP, RULE_FREELY},
    {"context_length", BY_SHAPES, RULE_DROP, RULE_FREELY},
    {"vocab_size", BY_SHAPES, RULE_DROP, RULE_FREELY},
    {0},
};

static const struct import_rule clip_text_rules[] = {
    {"token_embedding.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"positional_embedding", NULL, RULE_USE, RULE_ALWAYS},
    {"text_projection", NULL, RULE_USE, RULE_ALWAYS},
    {"ln_final.@", NULL, RULE_USE, RULE_ALWAYS},
    CLIP_BLOCK("transformer.resblocks.#."),
    {"attn_mask", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {"transformer.resblocks.#.attn_mask", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {0},
};

static const struct import_rule clip_vit_rules[] = {
    {"class_embedding", NULL, RULE_USE, RULE_ALWAYS},
    {"positional_embedding", NULL, RULE_USE, RULE_ALWAYS},
    {"proj", NULL, RULE_USE, RULE_ALWAYS},
    {"conv1.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"ln_pre.@", NULL, RULE_USE, RULE_ALWAYS},
    {"ln_post.@", NULL, RULE_USE, RULE_ALWAYS},
    {"mask_embedding", NULL, RULE_USE, RULE_FREELY},
    CLIP_BLOCK("transformer.resblocks.#."),
    {"input_resolution", BY_SHAPES, RULE_DROP, RULE_FREELY},
    {0},
};

static const struct import_rule clip_resnet_rules[] = {
    {"conv1.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"conv2.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"conv3.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"bn1.%", NULL, RULE_USE, RULE_ALWAYS},
    {"bn2.%", NULL, RULE_USE, RULE_ALWAYS},
    {"bn3.%", NULL, RULE_USE, RULE_ALWAYS},
    {"layer#.#.conv1.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"layer#.#.conv2.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"layer#.#.conv3.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"layer#.#.bn1.%", NULL, RULE_USE, RULE_ALWAYS},
    {"layer#.#.bn2.%", NULL, RULE_USE, RULE_ALWAYS},
    {"layer#.#.bn3.%", NULL, RULE_USE, RULE_ALWAYS},
    {"layer#.#.downsample.|0.weight", NULL, RULE_USE, RULE_WHERE},
    {"layer#.#.downsample.|1.%", NULL, RULE_USE, RULE_WHERE},
    {"attnpool.positional_embedding", NULL, RULE_USE, RULE_ALWAYS},
    {"attnpool.q_proj.@", NULL, RULE_USE, RULE_ALWAYS},
    {"attnpool.k_proj.@", NULL, RULE_USE, RULE_ALWAYS},
    {"attnpool.v_proj.@", NULL, RULE_USE, RULE_ALWAYS},
    {"attnpool.c_proj.@", NULL, RULE_USE, RULE_ALWAYS},
    {"*.num_batches_tracked", COUNTER, RULE_DROP, RULE_FREELY},
    {"input_resolution", BY_SHAPES, RULE_DROP, RULE_FREELY},
    {0},
};

/* Hugging Face's names; theirs is the spelling of pre_layrnorm. */

#define HF_BLOCK(AT, TO)                                                                           \
    {AT "self_attn.q_proj.@", TO "attn.in_proj_@", RULE_QUERY, RULE_ALWAYS},                       \
        {AT "self_attn.k_proj.@", TO "attn.in_proj_@", RULE_KEY, RULE_ALWAYS},                     \
        {AT "self_attn.v_proj.@", TO "attn.in_proj_@", RULE_VALUE, RULE_ALWAYS},                   \
        {AT "self_attn.out_proj.@", TO "attn.out_proj.@", RULE_USE, RULE_ALWAYS},                  \
        {AT "layer_norm1.@", TO "ln_1.@", RULE_USE, RULE_ALWAYS},                                  \
        {AT "layer_norm2.@", TO "ln_2.@", RULE_USE, RULE_ALWAYS},                                  \
        {AT "mlp.fc1.@", TO "mlp.c_fc.@", RULE_USE, RULE_ALWAYS}, {                                \
        AT "mlp.fc2.@", TO "mlp.c_proj.@", RULE_USE, RULE_ALWAYS                                   \
    }

static const struct import_rule hf_text_rules[] = {
    {"embeddings.token_embedding.weight", "token_embedding.weight", RULE_USE, RULE_ALWAYS},
    {"embeddings.position_embedding.weight", "positional_embedding", RULE_USE, RULE_ALWAYS},
    {"final_layer_norm.@", "ln_final.@", RULE_USE, RULE_ALWAYS},
    HF_BLOCK("encoder.layers.#.", "transformer.resblocks.#."),
    {"embeddings.position_ids", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {0},
};

static const struct import_rule hf_image_rules[] = {
    {"embeddings.class_embedding", "class_embedding", RULE_USE, RULE_ALWAYS},
    {"embeddings.position_embedding.weight", "positional_embedding", RULE_USE, RULE_ALWAYS},
    {"embeddings.patch_embedding.weight", "conv1.weight", RULE_USE, RULE_ALWAYS},
    {"pre_layrnorm.@", "ln_pre.@", RULE_USE, RULE_ALWAYS},
    {"post_layernorm.@", "ln_post.@", RULE_USE, RULE_ALWAYS},
    HF_BLOCK("encoder.layers.#.", "transformer.resblocks.#."),
    {"embeddings.position_ids", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {0},
};

static const struct import_rule hf_top_rules[] = {
    {"logit_scale", NULL, RULE_USE, RULE_ALWAYS},
    {"visual_projection.weight", "visual.proj", RULE_TRANSPOSE, RULE_ALWAYS},
    {"text_projection.weight", "text_projection", RULE_TRANSPOSE, RULE_ALWAYS},
    {0},
};

/* Backbones. */

static const struct import_rule swin_rules[] = {
    {"patch_embed.proj.@", NULL, RULE_USE, RULE_ALWAYS},
    {"patch_embed.norm.@", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.blocks.#.norm1.@", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.blocks.#.norm2.@", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.blocks.#.attn.relative_position_bias_table", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.blocks.#.attn.qkv.@", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.blocks.#.attn.proj.@", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.blocks.#.mlp.fc1.@", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.blocks.#.mlp.fc2.@", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.downsample.reduction.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"layers.#.downsample.norm.@", NULL, RULE_USE, RULE_ALWAYS},
    {"norm#.@", NULL, RULE_USE, RULE_WHERE},
    {"*.relative_position_index", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {"*.attn_mask", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {0},
};

/* Other names for the same, in CLIP's way of training Swin. */
static const struct import_rule swin_clip_rules[] = {
    {"layers.#.blocks.#.attn.rel_pos_embed_table",
     "layers.#.blocks.#.attn.relative_position_bias_table", RULE_USE, RULE_FREELY},
    {"layers.#.downsample.channel_reduction.weight", "layers.#.downsample.reduction.weight",
     RULE_USE, RULE_FREELY},
    {"*.relative_coords", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {"*.atten_mask_matrix", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {0},
};

static const struct import_rule classifier_rules[] = {
    {"norm.@", CLASSIFIER, RULE_DROP, RULE_FREELY},
    {"head.@", CLASSIFIER, RULE_DROP, RULE_FREELY},
    {"fc.@", CLASSIFIER, RULE_DROP, RULE_FREELY},
    {"stem.fc.@", CLASSIFIER, RULE_DROP, RULE_FREELY},
    {"linear.@", CLASSIFIER, RULE_DROP, RULE_FREELY},
    {0},
};

#define CONV_NORM(AT, NEED)                                                                        \
    {AT "weight", NULL, RULE_USE, NEED}, {AT "norm.@", NULL, RULE_USE, NEED}, {                    \
        AT "norm.&", NULL, RULE_USE, RULE_ALIKE                                                    \
    }

/* Statistics are missing where the norm has none; `down` and basic blocks are our small ones. */
static const struct import_rule resnet_rules[] = {
    CONV_NORM("stem.conv#.", RULE_ALWAYS),
    CONV_NORM("res#.#.conv1.", RULE_ALWAYS),
    CONV_NORM("res#.#.conv2.", RULE_ALWAYS),
    CONV_NORM("res#.#.conv3.|", RULE_WHERE),
    CONV_NORM("res#.#.shortcut.|", RULE_WHERE),
    CONV_NORM("res#.down.|", RULE_WHERE),
    {"*.norm.num_batches_tracked", COUNTER, RULE_DROP, RULE_FREELY},
    {0},
};

static const struct import_rule torchvision_rules[] = {
    {"conv1.weight", "stem.conv1.weight", RULE_USE, RULE_ALWAYS},
    {"bn1.%", "stem.conv1.norm.%", RULE_USE, RULE_ALWAYS},
    {"layer#.#.conv1.weight", "res+.#.conv1.weight", RULE_USE, RULE_ALWAYS},
    {"layer#.#.conv2.weight", "res+.#.conv2.weight", RULE_USE, RULE_ALWAYS},
    {"layer#.#.conv3.weight", "res+.#.conv3.weight", RULE_USE, RULE_ALWAYS},
    {"layer#.#.bn1.%", "res+.#.conv1.norm.%", RULE_USE, RULE_ALWAYS},
    {"layer#.#.bn2.%", "res+.#.conv2.norm.%", RULE_USE, RULE_ALWAYS},
    {"layer#.#.bn3.%", "res+.#.conv3.norm.%", RULE_USE, RULE_ALWAYS},
    {"layer#.#.downsample.|0.weight", "res+.#.shortcut.|weight", RULE_USE, RULE_WHERE},
    {"layer#.#.downsample.|1.%", "res+.#.shortcut.|norm.%", RULE_USE, RULE_WHERE},
    {"*.num_batches_tracked", COUNTER, RULE_DROP, RULE_FREELY},
    {0},
};

/* MaskFormer's head (reference-spec 3.2). */

#define ATTEND(AT, NEED)                                                                           \
    {AT "in_proj_@", NULL, RULE_USE, NEED}, { AT "out_proj.@", NULL, RULE_USE, NEED }

#define DETR_BLOCK(AT, NEED)                                                                       \
    ATTEND(AT "self_attn.", NEED), {AT "linear1.@", NULL, RULE_USE, NEED},                         \
        {AT "linear2.@", NULL, RULE_USE, NEED}, {AT "norm1.@", NULL, RULE_USE, NEED}, {            \
        AT "norm2.@", NULL, RULE_USE, NEED                                                         \
    }

/* Convolutions have a bias where they have no norm. */
static const struct import_rule pixel_decoder_rules[] = {
    {"adapter_#.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"adapter_#.norm.@", NULL, RULE_USE, RULE_ALIKE},
    {"adapter_#.bias", NULL, RULE_USE, RULE_ALIKE},
    {"layer_#.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"layer_#.norm.@", NULL, RULE_USE, RULE_ALIKE},
    {"layer_#.bias", NULL, RULE_USE, RULE_ALIKE},
    {"mask_features.@", NULL, RULE_USE, RULE_ALWAYS},
    {"input_proj.|@", NULL, RULE_USE, RULE_WHERE},
    DETR_BLOCK("transformer.encoder.layers.#.", RULE_WHERE),
    {"transformer.encoder.norm.|@", NULL, RULE_USE, RULE_WHERE},
    {0},
};

static const struct import_rule predictor_rules[] = {
    DETR_BLOCK("transformer.decoder.layers.#.", RULE_ALWAYS),
    ATTEND("transformer.decoder.layers.#.multihead_attn.", RULE_ALWAYS),
    {"transformer.decoder.layers.#.norm3.@", NULL, RULE_USE, RULE_ALWAYS},
    {"transformer.decoder.norm.@", NULL, RULE_USE, RULE_ALWAYS},
    DETR_BLOCK("transformer.encoder.layers.#.", RULE_WHERE),
    {"transformer.encoder.norm.|@", NULL, RULE_USE, RULE_WHERE},
    {"query_embed.weight", NULL, RULE_USE, RULE_ALWAYS},
    {"input_proj.|@", NULL, RULE_USE, RULE_WHERE},
    {"mask_embed.layers.#.@", NULL, RULE_USE, RULE_ALWAYS},
    {"class_embed.layers.#.@", NULL, RULE_USE, RULE_ALWAYS},
    {0},
};

static const struct import_rule adapter_rules[] = {
    {"non_object_embedding", NULL, RULE_USE, RULE_ALWAYS},
    {"pixel_mean", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {"pixel_std", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {0},
};

static const struct import_rule model_rules[] = {
    {"criterion.empty_weight", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {"pixel_mean", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {"pixel_std", RECOMPUTED, RULE_DROP, RULE_FREELY},
    {0},
};

#define HEAD "sem_seg_head."
#define CLIP "clip_adapter.clip_model."
#define CLIP_TOWER(FROM, TO)                                                                       \
    {FROM, TO, clip_vit_rules, "proj"}, { FROM, TO, clip_resnet_rules, "attnpool.q_proj.weight" }
#define CLIP_NEEDS                                                                                 \
    { "token_embedding.weight", "visual.conv1.weight", "logit_scale" }
#define SWIN_BLOCK "layers.#.blocks.#.*"

const struct import_layout import_layouts[IMPORT_FAMILIES] = {
    [IMPORT_OURS] = {"ovseg's own", {0}, {0}, {{0}}},
    [IMPORT_PLAIN] = {"no layout that is known", {0}, {0}, {{0}}},
    [IMPORT_OVSEG] = {"the reference's OVSeg",
                      {HEAD "*", "clip_adapter.*", "criterion.*"},
                      {"backbone.*", HEAD "pixel_decoder.*", HEAD "predictor.*"},
                      {{"backbone.", "backbone.", swin_rules, "patch_embed.proj.weight"},
                       {"backbone.", "backbone.", resnet_rules, "stem.conv1.weight"},
                       {HEAD "pixel_decoder.", HEAD "pixel_decoder.", pixel_decoder_rules, NULL},
                       {HEAD, HEAD "pixel_decoder.", pixel_decoder_rules, "mask_features.weight"},
                       {HEAD "predictor.", HEAD "predictor.", predictor_rules, NULL},
                       {"clip_adapter.", "clip_adapter.", adapter_rules, NULL},
                       {CLIP, CLIP, clip_scale_rules, NULL},
                       {CLIP, CLIP, clip_text_rules, NULL},
                       CLIP_TOWER(CLIP "visual.", CLIP "visual."),
                       {"", "", model_rules, NULL}}},
    [IMPORT_OPENAI] = {"OpenAI's CLIP", /* open_clip's names in a TorchScript archive */
                       {0},
                       CLIP_NEEDS,
                       {{"", "", clip_scale_rules, NULL},
                        {"", "", clip_text_rules, NULL},
                        CLIP_TOWER("visual.", "visual.")}},
    [IMPORT_OPEN_CLIP] = {"open_clip",
                          {"visual.*"},
                          CLIP_NEEDS,
                          {{"", "", clip_scale_rules, NULL},
                           {"", "", clip_text_rules, "token_embedding.weight"},
                           {"text.", "", clip_text_rules, "token_embedding.weight"},
                           CLIP_TOWER("visual.", "visual.")}},
    [IMPORT_HF_CLIP] = {"Hugging Face's CLIPModel",
                        {"text_model.*", "vision_model.*"},
                        CLIP_NEEDS,
                        {{"", "", hf_top_rules, NULL},
                         {"text_model.", "", hf_text_rules, NULL},
                         {"vision_model.", "visual.", hf_image_rules, NULL}}},
    [IMPORT_SWIN] = {"Swin",
                     {SWIN_BLOCK, "backbone." SWIN_BLOCK, "visual_model." SWIN_BLOCK},
                     {"backbone.patch_embed.proj.weight"},
                     {{"", "backbone.", swin_rules, "patch_embed.proj.weight"},
                      {"backbone.", "backbone.", swin_rules, "patch_embed.proj.weight"},
                      {"visual_model.", "backbone.", swin_rules, "patch_embed.proj.weight"},
                      {"visual_model.", "backbone.", swin_clip_rules, NULL},
                      {"visual_model.", "", classifier_rules, NULL},
                      {"", "", classifier_rules, NULL}}},
    [IMPORT_TORCHVISION] = {"torchvision's ResNet",
                            {"layer1.0.*"},
                            {"backbone.stem.conv1.weight"},
                            {{"", "backbone.", torchvision_rules, NULL},
                             {"", "", classifier_rules, NULL}}},
    [IMPORT_DETECTRON2] = {"detectron2's ResNet",
                           {"res2.0.*", "backbone.res2.0.*"},
                           {"backbone.stem.conv1.weight"},
                           {{"", "backbone.", resnet_rules, "stem.conv1.weight"},
                            {"backbone.", "backbone.", resnet_rules, "stem.conv1.weight"},
                            {"", "", classifier_rules, NULL}}},
};

const struct import_foreign import_foreigns[] = {
    {"logit_bias", "SigLIP"},
    {"vision_model.head.*", "SigLIP"},
    {"text_model.encoder.layer.*", "Chinese-CLIP or ALIGN"},
    {"text_model.roberta.*", "AltCLIP"},
    {"mit.*", "X-CLIP"},
    {"vision_model.encoder.stages.*", "GroupViT"},
    {"*film_mul.*", "CLIPSeg"},
    {"*box_head.*", "OWL-ViT"},
    {"text_decoder.*", "CoCa or BLIP"},
    {"visual_encoder.*", "BLIP"},
    {"qformer.*", "BLIP-2"},
    {"visual.trunk.*", "open_clip with an image tower of timm"},
    {"text.transformer.embeddings.*", "open_clip with a text tower of Hugging Face"},
    {"text.transformer.encoder.*", "open_clip with a text tower of Hugging Face"},
    {"visual.blocks.*", "EVA-CLIP"},
    {"*.resblocks.#.ls_1.gamma", "open_clip with layer scale"},
    {"visual.attn_pool.*", "open_clip with an attention pool"},
    {"sem_seg_head.predictor.level_embed.weight", "Mask2Former"},
    {"sem_seg_head.predictor.class_embed.weight", "MaskFormer with a closed list of classes"},
    {"backbone.bottom_up.*", "a detectron2 model with a feature pyramid"},
    {"backbone.fpn_lateral#.weight", "a detectron2 model with a feature pyramid"},
    {"model.pixel_level_module.*", "Hugging Face's MaskFormer"},
    {"image_encoder.*", "SAM"},
    {"res2_0_branch2a_w", "Caffe2's ResNet"},
    {"embeddings.patch_embeddings.*", "Hugging Face's ViT or Swin"},
    {"blocks.#.attn.qkv.weight", "a plain vision transformer"},
    {"features.#.*", "a model of torchvision that is no ResNet"},
};
const size_t n_import_foreigns = sizeof import_foreigns / sizeof *import_foreigns;
