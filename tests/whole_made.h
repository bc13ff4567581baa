/* A narrow whole model with random weights, in a file, for tests of what reads weights. */
#pragma once

#include "checkpoints/weights.h"
#include "nn/models/ovseg.h"
#include "tests/torch.h"

/* The reference's layout, as a file of published weights has it. Owned. */
static inline char *made_whole_as(const char *name) {
    struct maskformer_options proposals = maskformer_standard();
    struct resnet_options r = resnet_standard(50, false);
    r.stem_out = 16;
    for (int i = 0; i < 4; i++) {
        r.stage[i].out = 16 << i;
        r.stage[i].width = 8 << i;
    }
    proposals.backbone = backbone_resnet(r);
    proposals.pixel.conv_width = proposals.pixel.mask_width = 32;
    proposals.decoder.queries = 5;
    proposals.decoder.transformer =
        (struct detr_options){.width = 32, .heads = 8, .hidden = 48, .layers = 2};
    proposals.decoder.class_hidden = 40;
    proposals.text_width = 24;
    struct clip_options clip = {
        .image = {.image_size = 32, .patch = 8, .width = 64, .layers = 3, .prompt_depth = 2},
        .text = {.vocab = 49408, .context = 77, .width = 64, .layers = 1, .cut_at_end = true},
        .features = 24,
        .temperature = 0.07};
    struct params p = {0};
    struct ovseg *m = mem_alloc(1, sizeof *m);
    ovseg_init(m, params_root(&p), &proposals, &clip);
    struct param *masks =
        params_find(&p, "sem_seg_head.predictor.mask_embed.layers.2.weight"); /* with edges */
    CHECK(masks);
    t_scale_(masks->t, 40);
    char *file = test_path(name);
    CHECK_OK(weights_save(file, &p, NULL, 0));
    ovseg_free(m);
    params_free(&p);
    free(m);
    return file;
}
