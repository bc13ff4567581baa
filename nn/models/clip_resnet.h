/* CLIP's other image tower: a residual network whose last map is read by attention
 * (reference-spec 1.10). It has no mask prompts.
 *
 * Parameters, as in OpenAI's files: conv{1,2,3}, bn{1,2,3}, layer{1..4}.{j}.{conv1, bn1, ...,
 * downsample.0, downsample.1}, attnpool.{positional_embedding, q_proj, k_proj, v_proj, c_proj}.
 * Their counters num_batches_tracked are left out: nothing reads them.
 */
#pragma once

#include "nn/layers.h"

enum { CLIP_RESNET_STAGES = 4, CLIP_RESNET_BLOCKS_MAX = 24 };

struct clip_resnet_options {
    int64_t image_size; /* pixels, a multiple of 32 */
    int64_t width;      /* channels after the stem; 32 times as many at the end */
    int64_t blocks[CLIP_RESNET_STAGES];
};

struct clip_conv {         /* a convolution without bias and its batch norm */
    tensor *weight;        /* [O, I, k, k] */
    tensor *scale, *shift; /* [O] */
    tensor *mean, *var;    /* [O], buffers */
    struct conv geometry;
};

struct clip_resnet_block {
    char name[16];
    struct clip_conv conv[3], shortcut;
    bool has_shortcut;
    int64_t stride;
};

struct clip_resnet {
    struct clip_resnet_options opt;
    struct clip_conv stem[3];
    struct clip_resnet_block block[CLIP_RESNET_STAGES][CLIP_RESNET_BLOCKS_MAX];
    tensor *positional_embedding; /* [1 + g g, C], the mean first; g = S / 32, C = 32 width */
    struct linear q, k, v, out;
};

void clip_resnet_init(struct clip_resnet *r, struct path at, const struct clip_resnet_options *opt,
                      int64_t features);

/* [B, 3, S, S], normalized -> [B, D], not normalized. S is any multiple of 32: for another than
 * image_size the table of positions is resized (reference-spec 1.10). */
tensor *clip_resnet(const struct clip_resnet *r, tensor *image);
