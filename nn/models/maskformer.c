#include "nn/models/maskformer.h"

#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "nn/models/names.h"

/* ImageNet's, as everywhere in detection (reference-spec 1.1). */
#define PIXEL_MEAN                                                                                 \
    { 123.675, 116.28, 103.53 }
#define PIXEL_STD                                                                                  \
    { 58.395, 57.12, 57.375 }

struct maskformer_options maskformer_standard(void) {
    return (struct maskformer_options){
        .backbone = backbone_resnet(resnet_standard(101, true)),
        .pixel = {.conv_width = 256, .mask_width = 256, .norm = {.kind = NORM_GN, .groups = 32}},
        .decoder =
            {
                .queries = 100,
                .transformer =
                    {.width = 256, .heads = 8, .hidden = 2048, .layers = 6, .dropout = 0.1},
                .deep_supervision = true,
                .class_hidden = 1024,
                .class_layers = 2,
            },
        .text_width = 512,
        .temperature = 100,
        .divisor = 32,
        .pixel_mean = PIXEL_MEAN,
        .pixel_std = PIXEL_STD,
    };
}

struct maskformer_options maskformer_small(int64_t text_width, double temperature) {
    struct maskformer_options o = maskformer_standard();
    o.backbone = backbone_resnet(resnet_small());
    o.pixel = (struct pixel_decoder_options){
        .conv_width = 48, .mask_width = 48, .norm = {.kind = NORM_GN, .groups = 8}};
    o.decoder.queries = 12;
    o.decoder.transformer =
        (struct detr_options){.width = 64, .heads = 4, .hidden = 128, .layers = 2, .dropout = 0.1};
    o.decoder.class_hidden = 128;
    o.text_width = text_width;
    o.temperature = temperature;
    o.divisor = 16;
    return o;
}

/* Which of the backbone's n maps is the memory; -1: the encoded one. */
static int memory_stage(enum maskformer_memory memory, int n) {
    if (memory == MASKFORMER_ENCODED) return -1;
    return memory == MASKFORMER_LAST ? n - 1 : (int)memory - MASKFORMER_RES2;
}

void maskformer_init(struct maskformer *m, struct path at, const struct maskformer_options *opt) {
    REQUIRE(
        opt->memory != MASKFORMER_ENCODED || opt->pixel.input_proj || opt->pixel.encoder.layers > 0,
        "the encoded memory needs an encoder in the pixel decoder");
    m->opt = *opt;
    int64_t channels[FEATURES_MAX], D = opt->text_width;
    int stages = backbone_channels(&opt->backbone, channels);
    int stage = memory_stage(opt->memory, stages);
    REQUIRE(stage < stages, "the memory is map %d of %d", stage, stages);
    int64_t memory = stage < 0 ? opt->pixel.conv_width : channels[stage];

    backbone_init(&m->backbone, path_at(at, "backbone"), &opt->backbone);
    struct path head = path_at(at, "sem_seg_head");
    pixel_decoder_init(&m->pixel, path_at(head, "pixel_decoder"), &opt->pixel, stages, channels);
    mask_decoder_init(&m->decoder, path_at(head, "predictor"), &opt->decoder, memory,
                      opt->pixel.mask_width, D);
    m->no_object = path_param(path_at(at, "clip_adapter"), "non_object_embedding",
                              t_randn(SHAPE(1, D), 1 / sqrt((double)D)));
}

static int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

tensor *maskformer_input(const struct maskformer *m, tensor *const *images, size_t n) {
    enum { MAX = 1024 };
    REQUIRE(n > 0 && n <= MAX, "%zu tensors of images", n);
    int scope = t_scope_open("input", T_NO_GRAD);
    float mean[3], std[3];
    for (int c = 0; c < 3; c++) {
        mean[c] = (float)m->opt.pixel_mean[c];
        std[c] = (float)m->opt.pixel_std[c];
    }
    tensor *shift = t_from_data(mean, SHAPE(3, 1, 1), T_F32);
    tensor *scale = t_from_data(std, SHAPE(3, 1, 1), T_F32);
    int64_t H = 0, W = 0;
    for (size_t i = 0; i < n; i++) {
        if (t_size(images[i], 2) > H) H = t_size(images[i], 2);
        if (t_size(images[i], 3) > W) W = t_size(images[i], 3);
    }
    H = round_up(H, m->opt.divisor);
    W = round_up(W, m->opt.divisor);
    tensor *padded[MAX];
    for (size_t i = 0; i < n; i++) {
        tensor *x = t_div(t_sub(t_cast(images[i], T_F32), shift), scale); /* [b, 3, h, w] */
        padded[i] = t_pad(x, SHAPE(0, W - t_size(x, 3), 0, H - t_size(x, 2)), 0);
    }
    tensor *x = n == 1 ? padded[0] : t_cat(padded, n, 0); /* [B, 3, H, W] */
    return t_scope_close(scope, m->opt.channels_last ? t_channels_last(x) : x);
}

tensor *maskformer_classify(const struct maskformer *m, tensor *embeddings, tensor *text) {
    int scope = t_scope_open("classifier", T_PRECISION(PRECISION_FP32));
    tensor *classes = names_append(text, normalize_rows(m->no_object, 0));  /* [(W,) K + 1, D] */
    tensor *cosine = names_cosines(normalize_rows(embeddings, 0), classes); /* [..., K + 1] */
    return t_scope_close(scope, t_scale(cosine, m->opt.temperature));
}

struct maskformer_output maskformer_forward(const struct maskformer *m, tensor *x, tensor *text,
                                            bool last_only) {
    int scope = t_scope_open("maskformer", T_MODEL);
    struct features f = backbone_forward(&m->backbone, x);
    struct pixel_output pixel = pixel_decoder_forward(&m->pixel, &f);
    int stage = memory_stage(m->opt.memory, f.n);
    tensor *memory = stage < 0 ? pixel.encoded : f.map[stage]; /* [B, C, h, w] */
    struct mask_predictions p =
        mask_decoder_forward(&m->decoder, memory, pixel.mask_features, last_only);
    for (int i = 0; m->tap && i < f.n; i++) {
        char name[16];
        snprintf(name, sizeof name, "backbone.res%d", i + 2);
        tap_put(m->tap, name, f.map[i]);
    }
    tap_put(m->tap, "mask_features", pixel.mask_features);
    struct maskformer_output out = {
        .logits = t_keep(scope, maskformer_classify(m, p.embeddings, text)), /* [B, L, Q, K + 1] */
        .masks = t_keep(scope, as_f32(p.masks)), /* [B, L, Q, H/4, W/4] */
    };
    if (m->tap) {
        tap_put(m->tap, "pred_embed", t_select(p.embeddings, 1, -1)); /* [B, Q, text_width] */
        tap_put(m->tap, "pred_logits", t_select(out.logits, 1, -1));  /* [B, Q, K + 1] */
        tap_put(m->tap, "pred_masks", t_select(out.masks, 1, -1));    /* [B, Q, H/4, W/4] */
    }
    t_scope_close(scope, NULL);
    return out;
}
