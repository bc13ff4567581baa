#include "nn/models/clip.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

int clip_options_named(const char *name, struct clip_options *out) {
    static const struct {
        const char *name;
        int64_t image_size, patch, width, layers, features, text_width;
    } models[] = {
        {"ViT-B/32", 224, 32, 768, 12, 512, 512},
        {"ViT-B/16", 224, 16, 768, 12, 512, 512},
        {"ViT-L/14", 224, 14, 1024, 24, 768, 768},
        {"ViT-L/14@336px", 336, 14, 1024, 24, 768, 768},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (strcmp(models[i].name, name) != 0) continue;
        *out = (struct clip_options){
            .image = {.image_size = models[i].image_size,
                      .patch = models[i].patch,
                      .width = models[i].width,
                      .layers = models[i].layers,
                      .last_block_cls_only = true},
            .text = {.vocab = 49408,
                     .context = 77,
                     .width = models[i].text_width,
                     .layers = 12,
                     .cut_at_end = true},
            .features = models[i].features,
            .temperature = 0.07,
        };
        return 0;
    }
    return error_set(ERR_CONFIG,
                     "no CLIP model is named %s (ViT-B/32, ViT-B/16, ViT-L/14, ViT-L/14@336px)",
                     name);
}

void clip_init(struct clip *c, struct path at, const struct clip_options *opt) {
    REQUIRE(opt->temperature > 0, "the initial temperature of CLIP is %g", opt->temperature);
    *c = (struct clip){.opt = *opt};
    c->logit_scale = path_param(at, "logit_scale", t_full(SCALAR, -log(opt->temperature), T_F32));
    clip_vit_init(&c->visual, path_at(at, "visual"), &opt->image, opt->features);
    clip_text_init(&c->text, at, &opt->text, opt->features);
}

void clip_free(struct clip *c) {
    clip_vit_free(&c->visual);
    clip_text_free(&c->text);
}

tensor *clip_scale(const struct clip *c) { return t_exp(c->logit_scale); }

void clip_clamp_scale(struct clip *c) { t_clamp_(c->logit_scale, 0, log(100)); }
