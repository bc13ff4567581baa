#include "nn/models/backbone.h"

struct backbone_options backbone_resnet(struct resnet_options o) {
    return (struct backbone_options){.family = BACKBONE_RESNET, .resnet = o};
}

struct backbone_options backbone_swin(struct swin_options o) {
    return (struct backbone_options){.family = BACKBONE_SWIN, .swin = o};
}

int backbone_channels(const struct backbone_options *o, int64_t channels[FEATURES_MAX]) {
    bool swin = o->family == BACKBONE_SWIN;
    int n = swin ? FEATURES_MAX : o->resnet.stages;
    for (int i = 0; i < n; i++) channels[i] = swin ? o->swin.embed << i : o->resnet.stage[i].out;
    return n;
}

void backbone_init(struct backbone *b, struct path at, const struct backbone_options *opt) {
    b->family = opt->family;
    if (b->family == BACKBONE_SWIN)
        swin_init(&b->swin, at, &opt->swin);
    else
        resnet_init(&b->resnet, at, &opt->resnet);
}

struct features backbone_forward(const struct backbone *b, tensor *x) {
    int scope = t_scope_open("", T_MODEL);
    struct features f =
        b->family == BACKBONE_SWIN ? swin_forward(&b->swin, x) : resnet_forward(&b->resnet, x);
    for (int i = 0; i < f.n; i++) t_keep(scope, f.map[i] = as_f32(f.map[i]));
    t_scope_close(scope, NULL);
    return f;
}
