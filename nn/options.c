#include "nn/options.h"

#include "base/setting_rows.h"

/* clang-format off */
#define SETTINGS_OF struct clip_model_options
static const char *const clip_models[] = {"custom", "ViT-B/32", "ViT-B/16", "ViT-L/14", "ViT-L/14@336px", "RN50", "RN101", "RN50x4", "RN50x16", NULL};
static const char *const activations[] = {"quickgelu", "gelu", NULL}; /* enum clip_activation */
const struct setting clip_model_rows[] = {
    CHOICE("model",          model,          RESULT, "custom", clip_models, "a published model; custom: of the sizes below, which others do not read"),
    INT   ("image_size",     image_size,     RESULT, "224", 8, 4096,  "side of the picture, pixels"),
    INT   ("patch",          patch,          RESULT, "16",  1, 256,   "side of a patch, pixels"),
    INT   ("width",          width,          RESULT, "768", 8, 8192,  "image tower: channels"),
    INT   ("layers",         layers,         RESULT, "12",  1, 128,   "image tower: blocks"),
    INT   ("heads",          heads,          RESULT, "0",   0, 128,   "image tower: attention heads; 0: width / 64"),
    INT   ("features",       features,       RESULT, "512", 8, 8192,  "length of both towers' features"),
    CHOICE("activation",     activation,     RESULT, "quickgelu", activations, "OpenAI's weights have quickgelu"),
    REAL  ("sine_positions", sine_positions, RESULT, "0",   0, 10,    "amplitude of 2-D sine positions to start from; 0: random"),
    INT   ("text.width",     text_width,     RESULT, "512", 8, 8192,  "text tower: channels"),
    INT   ("text.layers",    text_layers,    RESULT, "12",  1, 128,   "text tower: blocks"),
    INT   ("text.heads",     text_heads,     RESULT, "0",   0, 128,   "text tower: attention heads; 0: width / 64"),
    INT   ("text.context",   context,        RESULT, "77",  3, 1024,  "text tower: longest text, tokens"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct prompt_options
static const char *const prompt_kinds[] = {"mask", "tokens", NULL};              /* enum prompt_kind */
static const char *const prompt_inits[] = {"normal", "uniform", "zeros", NULL}; /* enum clip_prompt_init */
const struct setting prompt_rows[] = {
    INT   ("depth", depth, RESULT, "3", 1, 128,            "blank patches are replaced at the input and after depth - 1 blocks"),
    CHOICE("init",  init,  RESULT, "normal", prompt_inits, "normal: deviation 0.02, the reference's"),
    CHOICE("kind",  kind,  RESULT, "mask", prompt_kinds,   "mask: in the place of blank patches; tokens: visual prompt tuning, beside the patches, whatever the mask"),
    INT   ("tokens", tokens, RESULT, "50", 1, 1000,        "kind tokens: how many"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct prompt_options
const struct setting prompt_found_rows[] = {
    INT   ("depth", depth, RESULT, "0", 0, 128,            "of the mask prompts in the weights; 0: there are none"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct clip_train_options
static const char *const clip_losses[] = {"in-batch", "multi-positive", "noun-bank", NULL}; /* enum clip_loss_kind */
static const char *const clip_gathers[] = {"full", "local", "reference", NULL}; /* enum clip_gather_kind */
const struct setting clip_train_rows[] = {
    CHOICE("kind",         loss,         RESULT, "in-batch", clip_losses, "in-batch: the reference's, equal nouns are negatives"),
    CHOICE("gather",       gather,       RESULT, "full", clip_gathers, "several ranks: each computes the whole loss (full) or its rows of it (local), with equal gradients; reference: features have 1/ranks of theirs (Q30)"),
    BOOL  ("freeze_scale", freeze_scale, RESULT, "false", "keep the temperature as it is; the reference trains it"),
};
#undef SETTINGS_OF

#define SETTINGS_OF struct proposals_options
static const char *const backbones[] = {"small", "resnet50", "resnet101", "resnet152", "swin-t", "swin-s", "swin-b", "swin-l", NULL}; /* enum proposals_backbone */
static const char *const stems[] = {"basic", "deeplab", NULL}; /* enum resnet_stem */
static const char *const memories[] = {"last", "res2", "res3", "res4", "res5", "encoded", NULL}; /* enum maskformer_memory */
static const char *const norms[] = {"none", "frozen-bn", "bn", "gn", "sync-bn", NULL}; /* enum norm_kind */
const struct setting proposals_rows[] = {
    CHOICE("backbone.kind",       backbone,      RESULT, "resnet101", backbones, "small: for pictures of about 64 pixels"),
    CHOICE("backbone.stem",       stem,          RESULT, "deeplab", stems,       "residual backbones; deeplab: three convolutions (R50c, R101c)"),
    INTS  ("backbone.dilations",  grid,          RESULT, "[1, 2, 4]", 1, 64,     "of the three blocks of res5 in turn: the multi-grid"),
    INT   ("backbone.stem_width", stem_width,    RESULT, "0",    0, 4096,        "channels after the stem; 0: 64, deeplab 128"),
    INT   ("backbone.res2_width", res2_width,    RESULT, "0",    0, 4096,        "channels of res2, doubled by each further map; 0: 256"),
    INT   ("backbone.block_width", block_width,  RESULT, "0",    0, 4096,        "channels inside the blocks of res2, doubled as well; 0: 64"),
    CHOICE("backbone.norm",       norm,          RESULT, "frozen-bn", norms,     "of the residual backbones; sync-bn: bn over all ranks"),
    INT   ("backbone.freeze_at",  freeze_at,     RESULT, "2",    0, 5,           "residual backbones, 1: the stem does not train, 2: nor res2, ..."),
    INT   ("backbone.embed",      embed,         RESULT, "0",    0, 4096,        "Swin: channels of the first map; 0: 96 (T, S), 128 (B), 192 (L)"),
    INTS  ("backbone.blocks",     blocks,        RESULT, "[]",   1, 18,          "Swin: of the four maps; []: the standard ones"),
    INTS  ("backbone.heads",      block_heads,   RESULT, "[]",   1, 1024,        "Swin: of the four maps; []: the standard ones"),
    INT   ("backbone.window",     window,        RESULT, "0",    0, 64,          "Swin: side of a window, tokens; 0: 7 (T, S) or 12 (B, L)"),
    REAL  ("backbone.drop_path",  drop_path,     RESULT, "0.3",  0, 0.99,        "Swin: of the last block, rising from 0"),
    INT   ("pixel.width",         conv_width,    RESULT, "256",  8, 4096,        "of the feature pyramid"),
    INT   ("pixel.mask_width",    mask_width,    RESULT, "256",  8, 4096,        "of the mask features"),
    BOOL  ("pixel.norm",          pixel_norm,    RESULT, "true",                 "group normalization; false: biases in its place"),
    INT   ("pixel.norm_groups",   norm_groups,   RESULT, "32",   1, 4096,        "of its group normalization"),
    INT   ("pixel.encoder",       pixel_encoder_layers, RESULT, "0", 0, 12,      "transformer layers over the coarsest map"),
    BOOL  ("pixel.input_proj",    pixel_input_proj, RESULT, "false",             "project the coarsest map as with an encoder, also without its layers"),
    CHOICE("decoder.memory",      memory,        RESULT, "last", memories,       "the map that the queries read; encoded: of the encoder in the pixel decoder"),
    BOOL  ("decoder.input_proj",  enforce_input_proj, RESULT, "false",           "project the memory even if its width is the decoder's"),
    INT   ("decoder.queries",     queries,       RESULT, "100",  1, 10000,       "masks proposed for an image"),
    INT   ("decoder.width",       width,         RESULT, "256",  8, 4096,        "channels"),
    INT   ("decoder.heads",       heads,         RESULT, "8",    1, 64,          "attention heads"),
    INT   ("decoder.hidden",      hidden,        RESULT, "2048", 8, 65536,       "of the feed-forward"),
    INT   ("decoder.layers",      layers,        RESULT, "6",    1, 12,          "of the decoder"),
    INT   ("decoder.encoder",     encoder_layers, RESULT, "0",   0, 12,          "encoder layers before it"),
    REAL  ("decoder.dropout",     dropout,       RESULT, "0.1",  0, 0.9,         "also of attention"),
    BOOL  ("decoder.pre_norm",    pre_norm,      RESULT, "false",                "normalize before each sublayer"),
    BOOL  ("decoder.deep_supervision", deep_supervision, RESULT, "true",         "every layer has the losses"),
    BOOL  ("decoder.own_ffn_bias", own_ffn_bias, RESULT, "false",                "false: layers start as copies of one (Q17)"),
    INT   ("class.hidden",        class_hidden,  RESULT, "1024", 8, 65536,       "of the class embedding's MLP"),
    INT   ("class.layers",        class_layers,  RESULT, "2",    1, 4,           "of that MLP"),
    REAL  ("temperature",         temperature,   RESULT, "100",  0, 10000,       "of the class cosines; 0: CLIP's trained scale"),
    INT   ("divisor",             divisor,       RESULT, "32",   1, 1024,        "pictures are padded to multiples, pixels"),
    BOOL  ("channels_last",       channels_last, RESULT, "false",                "maps in memory as NHWC: the faster layout on some processors"),
    REAL  ("loss.class",          class_weight,  RESULT, "1",    0, 1000,        "weight of the class loss"),
    REAL  ("loss.mask",           mask_weight,   RESULT, "20",   0, 1000,        "weight of the focal loss; the matching has it too"),
    REAL  ("loss.dice",           dice_weight,   RESULT, "1",    0, 1000,        "weight of the dice loss; the matching has it too"),
    REAL  ("loss.no_object",      no_object_weight, RESULT, "0.1", 0, 1000,      "of queries without a target, in the class loss"),
};
#undef SETTINGS_OF
/* clang-format on */

static struct clip_options clip_custom(const struct clip_model_options *o) {
    return (struct clip_options){
        .image = {.image_size = o->image_size,
                  .patch = o->patch,
                  .width = o->width,
                  .layers = o->layers,
                  .heads = o->heads,
                  .last_block_cls_only = true},
        .text = {.vocab = 49408,
                 .context = o->context,
                 .width = o->text_width,
                 .layers = o->text_layers,
                 .heads = o->text_heads,
                 .cut_at_end = true},
        .features = o->features,
        .temperature = 0.07,
    };
}

struct clip_options clip_model(const struct clip_model_options *o, const struct prompt_options *p) {
    struct clip_options m;
    if (!o->model || clip_options_named(clip_models[o->model], &m)) m = clip_custom(o);
    m.image.activation = m.text.activation = (enum clip_activation)o->activation;
    m.image.prompt_depth = p ? p->depth : 0;
    m.image.prompt_tokens = p && p->kind == PROMPT_TOKENS ? p->tokens : 0;
    m.image.prompt_init = p ? (enum clip_prompt_init)p->init : CLIP_PROMPT_NORMAL;
    m.image.sine_positions = o->sine_positions;
    return m;
}

void clip_model_check(const struct clip_model_options *o, const char *where, struct problems *p) {
    if (o->model) return; /* its sizes fit each other */
    int64_t heads = o->heads ? o->heads : o->width / 64;
    int64_t text_heads = o->text_heads ? o->text_heads : o->text_width / 64;
    if (o->image_size % o->patch)
        problems_add(p, "%s: clip.image_size %lld is no multiple of clip.patch %lld", where,
                     (long long)o->image_size, (long long)o->patch);
    if (!heads || o->width % heads)
        problems_add(p, "%s: clip.width %lld is no multiple of clip.heads %lld", where,
                     (long long)o->width, (long long)heads);
    if (!text_heads || o->text_width % text_heads)
        problems_add(p, "%s: clip.text.width %lld is no multiple of clip.text.heads %lld", where,
                     (long long)o->text_width, (long long)text_heads);
    if (o->sine_positions > 0 && o->width % 4)
        problems_add(p, "%s: clip.sine_positions: clip.width %lld is no multiple of 4", where,
                     (long long)o->width);
}

static struct swin_options swin(const struct proposals_options *o) {
    struct swin_options s = swin_standard("TSBL"[o->backbone - BACKBONE_SWIN_T]);
    if (o->embed) s.embed = o->embed;
    if (o->window) s.window = o->window;
    for (size_t i = 0; i < o->blocks.n; i++) s.blocks[i] = o->blocks.at[i];
    for (size_t i = 0; i < o->block_heads.n; i++) s.heads[i] = o->block_heads.at[i];
    s.drop_path = o->drop_path;
    return s;
}

static struct resnet_options resnet(const struct proposals_options *o) {
    static const int depths[] = {0, 50, 101, 152}; /* enum proposals_backbone */
    struct resnet_options r = resnet_standard(depths[o->backbone], o->stem == RESNET_STEM_DEEPLAB);
    if (o->stem_width) r.stem_out = o->stem_width;
    for (int i = 0; i < r.stages; i++) {
        if (o->res2_width) r.stage[i].out = o->res2_width << i;
        if (o->block_width) r.stage[i].width = o->block_width << i;
    }
    for (size_t i = 0; i < o->grid.n; i++) r.grid[i] = o->grid.at[i];
    r.norm = (struct norm_options){.kind = (enum norm_kind)o->norm, .groups = o->norm_groups};
    r.freeze_at = (int)o->freeze_at;
    return r;
}

/* Every norm of a residual backbone has its channels in equal groups. */
static void check_groups(const struct proposals_options *o, const char *where, struct problems *p) {
    struct resnet_options r = resnet(o);
    int64_t channels[2 + 2 * FEATURES_MAX] = {r.stem_out, r.stem_out};
    size_t n = 2;
    if (o->stem == RESNET_STEM_DEEPLAB) channels[0] /= 2;
    for (int i = 0; i < r.stages; i++) {
        channels[n++] = r.stage[i].width;
        channels[n++] = r.stage[i].out;
    }
    for (size_t i = 0; i < n; i++)
        if (channels[i] % o->norm_groups) {
            problems_add(p,
                         "%s: proposals.backbone.norm: %lld channels are no multiple of "
                         "proposals.pixel.norm_groups "
                         "%lld",
                         where, (long long)channels[i], (long long)o->norm_groups);
            return;
        }
}

static bool four(size_t n) { return n == 0 || n == FEATURES_MAX; }

void proposals_check(const struct proposals_options *o, const char *where, struct problems *p) {
    int64_t maps = o->backbone == BACKBONE_SMALL ? 3 : FEATURES_MAX;
    if (o->grid.n != 3)
        problems_add(p, "%s: proposals.backbone.dilations: three numbers are needed", where);
    if (!four(o->blocks.n) || !four(o->block_heads.n))
        problems_add(p, "%s: proposals.backbone.blocks, heads: four numbers are needed, or none",
                     where);
    if (o->backbone >= BACKBONE_SWIN_T) {
        struct swin_options w = swin(o);
        for (int i = 0; i < FEATURES_MAX; i++)
            if ((w.embed << i) % w.heads[i])
                problems_add(p, "%s: proposals.backbone.embed: %lld channels for %lld heads", where,
                             (long long)(w.embed << i), (long long)w.heads[i]);
    }
    bool residual = o->backbone != BACKBONE_SMALL && o->backbone < BACKBONE_SWIN_T;
    if (residual && o->norm == NORM_GN && o->grid.n == 3) check_groups(o, where, p);
    bool encodes = o->pixel_input_proj || o->pixel_encoder_layers;
    if (o->memory == MASKFORMER_ENCODED && !encodes)
        problems_add(p,
                     "%s: proposals.decoder.memory: encoded needs pixel.input_proj, or layers of "
                     "pixel.encoder",
                     where);
    if (o->memory != MASKFORMER_ENCODED && o->memory > maps)
        problems_add(p, "%s: proposals.decoder.memory: this backbone has %lld maps", where,
                     (long long)maps);
    if (o->width % o->heads || o->width % 4)
        problems_add(p,
                     "%s: proposals.decoder.width %lld is no multiple of its heads %lld, or of 4",
                     where, (long long)o->width, (long long)o->heads);
    if (o->pixel_norm && o->conv_width % o->norm_groups)
        problems_add(
            p, "%s: proposals.pixel.width %lld is no multiple of proposals.pixel.norm_groups %lld",
            where, (long long)o->conv_width, (long long)o->norm_groups);
    if (encodes && (o->conv_width % o->heads || o->conv_width % 4))
        problems_add(
            p,
            "%s: proposals.pixel.encoder: pixel.width %lld is no multiple of the heads %lld, "
            "or of 4",
            where, (long long)o->conv_width, (long long)o->heads);
}

static struct backbone_options backbone(const struct proposals_options *o) {
    if (o->backbone == BACKBONE_SMALL) return backbone_resnet(resnet_small());
    return o->backbone < BACKBONE_SWIN_T ? backbone_resnet(resnet(o)) : backbone_swin(swin(o));
}

struct maskformer_options proposals_model(const struct proposals_options *o, int64_t text_width,
                                          double temperature) {
    struct maskformer_options m = maskformer_standard();
    struct detr_options layers = {.width = o->width,
                                  .heads = o->heads,
                                  .hidden = o->hidden,
                                  .layers = (int)o->layers,
                                  .dropout = o->dropout,
                                  .pre_norm = o->pre_norm,
                                  .own_ffn_bias = o->own_ffn_bias};
    m.backbone = backbone(o);
    m.pixel.conv_width = o->conv_width;
    m.pixel.mask_width = o->mask_width;
    m.pixel.norm = (struct norm_options){.kind = o->pixel_norm ? NORM_GN : NORM_NONE,
                                         .groups = o->norm_groups};
    m.pixel.encoder = layers;
    m.pixel.encoder.width = o->conv_width;
    m.pixel.encoder.layers = (int)o->pixel_encoder_layers;
    m.pixel.input_proj = o->pixel_input_proj;
    m.memory = (enum maskformer_memory)o->memory;
    m.decoder.queries = o->queries;
    m.decoder.transformer = layers;
    m.decoder.encoder_layers = (int)o->encoder_layers;
    m.decoder.enforce_input_proj = o->enforce_input_proj;
    m.decoder.deep_supervision = o->deep_supervision;
    m.decoder.class_hidden = o->class_hidden;
    m.decoder.class_layers = (int)o->class_layers;
    m.text_width = text_width;
    m.temperature = temperature;
    m.divisor = o->divisor;
    m.channels_last = o->channels_last;
    return m;
}

struct mask_loss_options proposals_loss(const struct proposals_options *o) {
    struct mask_loss_options l = mask_loss_standard();
    l.class_weight = o->class_weight;
    l.mask_weight = l.match.mask_cost = o->mask_weight;
    l.dice_weight = l.match.dice_cost = o->dice_weight;
    l.no_object_weight = o->no_object_weight;
    l.plain = l.match.plain = t_device() != T_CPU; /* the fused passes are the host's */
    return l;
}
