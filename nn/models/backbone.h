/* What turns pictures into feature maps: a residual network or a Swin Transformer. */
#pragma once

#include "nn/models/resnet.h"
#include "nn/models/swin.h"

enum backbone_family { BACKBONE_RESNET, BACKBONE_SWIN };

struct backbone_options {
    enum backbone_family family;
    union {
        struct resnet_options resnet;
        struct swin_options swin;
    };
};

struct backbone_options backbone_resnet(struct resnet_options o);
struct backbone_options backbone_swin(struct swin_options o);

/* Number of its maps, 2..FEATURES_MAX, and the channels of each. */
int backbone_channels(const struct backbone_options *o, int64_t channels[FEATURES_MAX]);

struct backbone {
    enum backbone_family family;
    union {
        struct resnet resnet;
        struct swin swin;
    };
};

void backbone_init(struct backbone *b, struct path at, const struct backbone_options *opt);

/* x: [B, 3, H, W], normalized. The maps belong to the caller's scope. */
struct features backbone_forward(const struct backbone *b, tensor *x);
