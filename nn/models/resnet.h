/* Residual backbones: ResNet-50/101/152 with the basic or the deeplab stem (reference-spec 1.2),
 * and small ones of the same shape for small pictures.
 *
 * Parameters: stem.conv{1,2,3}, res{s}.{j}.{shortcut, conv1, conv2, conv3}, res{s}.down, each with
 * its norm.*. Stages are called res2, res3, ... whatever their number, as everywhere in the field.
 */
#pragma once

#include "nn/conv.h"
#include "nn/models/features.h"

enum resnet_stem {
    RESNET_STEM_BASIC,   /* 7x7 stride 2, max pool: stride 4 */
    RESNET_STEM_DEEPLAB, /* 3x3 stride 2, 3x3, 3x3, max pool: stride 4 */
    RESNET_STEM_SMALL,   /* 3x3 stride 2, 3x3 stride 2: stride 4, nothing pooled away */
};

enum resnet_block {
    RESNET_BOTTLENECK, /* 1x1, 3x3, 1x1; the first block of a stage strides and widens */
    RESNET_BASIC,      /* 3x3, 3x3; a 3x3 convolution before the blocks strides and widens */
};

struct resnet_stage {
    int64_t blocks;
    int64_t width; /* of the 3x3 convolutions inside; RESNET_BASIC ignores it */
    int64_t out;   /* channels of the feature map */
};

enum { RESNET_BLOCKS_MAX = 36 };

struct resnet_options {
    enum resnet_stem stem;
    int64_t stem_out;
    enum resnet_block block;
    int stages; /* 2..4; strides 4, 8, 16, 32 */
    struct resnet_stage stage[FEATURES_MAX];
    int64_t grid[3]; /* dilations of the last stage's blocks in turn: 1, 2, 4 of the deeplab
                        builder; strides stay. 0 means 1 */
    int freeze_at;   /* 0 nothing, 1 the stem, 2 also res2, ...; frozen BN statistics stop too */
    struct norm_options norm;
};

/* depth 50, 101 or 152. `deeplab`: its stem and its multi-grid. The released settings: FrozenBN,
 * freeze_at 2 (reference-spec Q19). */
struct resnet_options resnet_standard(int depth, bool deeplab);

/* 0.54 M parameters for pictures of about 64 pixels: strides 4, 8, 16, channels 48, 64, 96. */
struct resnet_options resnet_small(void);

struct resnet_unit {
    char name[24];
    bool has_shortcut;
    int convs; /* 3 or 2 */
    struct conv_norm shortcut, conv[3];
};

struct resnet {
    struct resnet_options opt;
    int stem_convs;
    struct conv_norm stem[3];
    struct conv_norm down[FEATURES_MAX]; /* of RESNET_BASIC, where stride or width changes */
    bool has_down[FEATURES_MAX];
    struct resnet_unit unit[FEATURES_MAX][RESNET_BLOCKS_MAX];
};

void resnet_init(struct resnet *r, struct path at, const struct resnet_options *opt);

/* x: [B, 3, H, W], normalized; H and W multiples of the largest stride. The maps belong to the
 * caller's scope. */
struct features resnet_forward(const struct resnet *r, tensor *x);
