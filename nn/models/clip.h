/* CLIP: an image tower and a text tower that meet in one space, and the temperature between them.
 * Parameter names are those of OpenAI's files (reference-spec 3.4).
 */
#pragma once

#include "nn/models/clip_resnet.h"
#include "nn/models/clip_text.h"
#include "nn/models/clip_vit.h"

struct clip_options {
    struct clip_vit_options image;
    struct clip_resnet_options resnet; /* of the other kind of image tower; width 0: not that */
    struct clip_text_options text;
    int64_t features;   /* D, the length of both towers' features */
    double temperature; /* initial; 0.07: the reference's */
};

struct clip {
    struct clip_options opt;
    struct clip_vit visual;
    struct clip_resnet *resnet; /* in the place of `visual`, or NULL */
    struct clip_text text;
    tensor *logit_scale; /* []: log of the factor of the cosines */
};

/* The published models by name, without prompts: "ViT-B/32", "ViT-B/16", "ViT-L/14",
 * "ViT-L/14@336px", "RN50", "RN101", "RN50x4", "RN50x16"; ERR_CONFIG for another. */
int clip_options_named(const char *name, struct clip_options *out);

void clip_init(struct clip *c, struct path at, const struct clip_options *opt);
void clip_free(struct clip *c);

int64_t clip_image_size(const struct clip *c); /* side of the pictures that it takes, pixels */

/* image: [B, 3, S, S], normalized; mask: [B, S, S], 1 = foreground, or NULL; without prompts it
 * plays no part -> [B, D], not normalized. */
tensor *clip_image(const struct clip *c, tensor *image, tensor *mask);

/* exp(logit_scale), with its gradient. */
tensor *clip_scale(const struct clip *c);

/* After each step: logit_scale into [0, ln 100] (reference-spec 6.2). */
void clip_clamp_scale(struct clip *c);
