#include "nn/models/clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { VOCABULARY = 49408, CONTEXT = 77 };

static struct clip_options options(int64_t features, int64_t text_width) {
    return (struct clip_options){
        .text = {.vocab = VOCABULARY,
                 .context = CONTEXT,
                 .width = text_width,
                 .layers = 12,
                 .cut_at_end = true},
        .features = features,
        .temperature = 0.07,
    };
}

int clip_options_named(const char *name, struct clip_options *out) {
    static const struct {
        const char *name;
        int64_t features, text_width, image_size;
        int64_t patch; /* 0: a residual image tower */
        int64_t width, blocks[CLIP_RESNET_STAGES];
    } models[] = {
        {"ViT-B/32", 512, 512, 224, 32, 768, {12}},
        {"ViT-B/16", 512, 512, 224, 16, 768, {12}},
        {"ViT-L/14", 768, 768, 224, 14, 1024, {24}},
        {"ViT-L/14@336px", 768, 768, 336, 14, 1024, {24}},
        {"RN50", 1024, 512, 224, 0, 64, {3, 4, 6, 3}},
        {"RN101", 512, 512, 224, 0, 64, {3, 4, 23, 3}},
        {"RN50x4", 640, 640, 288, 0, 80, {4, 6, 10, 6}},
        {"RN50x16", 768, 768, 384, 0, 96, {6, 8, 18, 8}},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (strcmp(models[i].name, name) != 0) continue;
        *out = options(models[i].features, models[i].text_width);
        int64_t S = models[i].image_size, W = models[i].width;
        const int64_t *blocks = models[i].blocks;
        if (models[i].patch)
            out->image = (struct clip_vit_options){.image_size = S,
                                                   .patch = models[i].patch,
                                                   .width = W,
                                                   .layers = blocks[0],
                                                   .last_block_cls_only = true};
        else
            out->resnet = (struct clip_resnet_options){
                .image_size = S,
                .width = W,
                .blocks = {blocks[0], blocks[1], blocks[2], blocks[3]}};
        return 0;
    }
    return error_set(ERR_CONFIG,
                     "no CLIP model is named %s (ViT-B/32, ViT-B/16, ViT-L/14, ViT-L/14@336px, "
                     "RN50, RN101, RN50x4, RN50x16)",
                     name);
}

void clip_init(struct clip *c, struct path at, const struct clip_options *opt) {
    REQUIRE(opt->temperature > 0, "the initial temperature of CLIP is %g", opt->temperature);
    *c = (struct clip){.opt = *opt};
    c->logit_scale = path_param(at, "logit_scale", t_full(SCALAR, -log(opt->temperature), T_F32));
    if (opt->resnet.width) {
        c->resnet = mem_alloc(1, sizeof *c->resnet);
        clip_resnet_init(c->resnet, path_at(at, "visual"), &opt->resnet, opt->features);
    } else {
        clip_vit_init(&c->visual, path_at(at, "visual"), &opt->image, opt->features);
    }
    clip_text_init(&c->text, at, &opt->text, opt->features);
}

void clip_free(struct clip *c) {
    free(c->resnet);
    clip_vit_free(&c->visual);
    clip_text_free(&c->text);
}

int64_t clip_image_size(const struct clip *c) {
    return c->resnet ? c->opt.resnet.image_size : c->opt.image.image_size;
}

tensor *clip_image(const struct clip *c, tensor *image, tensor *mask) {
    if (c->resnet) return clip_resnet(c->resnet, image);
    return clip_vit(&c->visual, image, c->visual.mask_embedding ? mask : NULL);
}

tensor *clip_scale(const struct clip *c) { return t_exp(c->logit_scale); }

void clip_clamp_scale(struct clip *c) { t_clamp_(c->logit_scale, 0, log(100)); }
