/* B images, C channels, H x W pixels of the input, h x w of a map. */
#include "nn/models/resnet.h"

#include <stdio.h>

#include "base/error.h"

struct resnet_options resnet_standard(int depth, bool deeplab) {
    REQUIRE(depth == 50 || depth == 101 || depth == 152, "there is no ResNet-%d", depth);
    int64_t res3 = depth == 152 ? 8 : 4, res4 = depth == 50 ? 6 : depth == 101 ? 23 : 36;
    return (struct resnet_options){
        .stem = deeplab ? RESNET_STEM_DEEPLAB : RESNET_STEM_BASIC,
        .stem_out = deeplab ? 128 : 64,
        .block = RESNET_BOTTLENECK,
        .stages = 4,
        .stage = {{3, 64, 256}, {res3, 128, 512}, {res4, 256, 1024}, {3, 512, 2048}},
        .grid = {1, deeplab ? 2 : 1, deeplab ? 4 : 1},
        .freeze_at = 2,
        .norm = {.kind = NORM_FROZEN_BN},
    };
}

struct resnet_options resnet_small(void) {
    return (struct resnet_options){
        .stem = RESNET_STEM_SMALL,
        .stem_out = 48,
        .block = RESNET_BASIC,
        .stages = 3,
        .stage = {{1, 0, 48}, {1, 0, 64}, {2, 0, 96}},
        .norm = {.kind = NORM_GN, .groups = 8},
    };
}

/* Below freeze_at a trained batch norm becomes a frozen one, as in the reference's library. */
static struct norm_options norm_of(const struct resnet_options *o, int part) {
    struct norm_options n = o->norm;
    if (part <= o->freeze_at && (n.kind == NORM_BN || n.kind == NORM_SYNC_BN))
        n.kind = NORM_FROZEN_BN;
    return n;
}

static void freeze(struct path at) {
    char pattern[sizeof at.prefix + 2];
    snprintf(pattern, sizeof pattern, "%s.*", at.prefix);
    params_freeze(at.params, pattern, true);
}

static void stem_init(struct resnet *r, struct path at) {
    const struct resnet_options *o = &r->opt;
    struct conv_options c = {
        .in = 3, .out = o->stem_out, .kernel = 3, .stride = 2, .norm = norm_of(o, 1)};
    if (o->stem == RESNET_STEM_BASIC) {
        c.kernel = 7;
        r->stem_convs = 1;
        conv_norm_init(&r->stem[0], path_at(at, "conv1"), c);
        return;
    }
    c.out = o->stem_out / 2;
    conv_norm_init(&r->stem[0], path_at(at, "conv1"), c);
    c.in = c.out;
    if (o->stem == RESNET_STEM_DEEPLAB) {
        c.stride = 1;
        conv_norm_init(&r->stem[1], path_at(at, "conv2"), c);
    }
    r->stem_convs = o->stem == RESNET_STEM_DEEPLAB ? 3 : 2;
    c.out = o->stem_out;
    conv_norm_init(&r->stem[r->stem_convs - 1], path_at(at, "conv%d", r->stem_convs), c);
}

static void bottleneck_init(struct resnet_unit *u, struct path at, struct conv_options c,
                            int64_t width) {
    int64_t in = c.in, out = c.out, stride = c.stride, dilation = c.dilation;
    u->convs = 3;
    c.kernel = 1;
    c.dilation = 1;
    u->has_shortcut = in != out || stride != 1;
    if (u->has_shortcut) conv_norm_init(&u->shortcut, path_at(at, "shortcut"), c);
    c.stride = 1;
    c.out = width;
    conv_norm_init(&u->conv[0], path_at(at, "conv1"), c);
    c.in = width;
    c.kernel = 3; /* the stride sits here: STRIDE_IN_1X1 is false */
    c.stride = stride;
    c.dilation = dilation;
    conv_norm_init(&u->conv[1], path_at(at, "conv2"), c);
    c.out = out;
    c.kernel = 1;
    c.stride = c.dilation = 1;
    conv_norm_init(&u->conv[2], path_at(at, "conv3"), c);
}

static void basic_init(struct resnet_unit *u, struct path at, struct conv_options c) {
    u->convs = 2;
    c.kernel = 3;
    conv_norm_init(&u->conv[0], path_at(at, "conv1"), c);
    conv_norm_init(&u->conv[1], path_at(at, "conv2"), c);
}

static void stage_init(struct resnet *r, struct path at, int s, int64_t in) {
    const struct resnet_options *o = &r->opt;
    const struct resnet_stage *st = &o->stage[s];
    REQUIRE(st->blocks > 0 && st->blocks <= RESNET_BLOCKS_MAX, "%s: %ld blocks", at.prefix,
            (long)st->blocks);
    struct conv_options c = {
        .in = in, .out = st->out, .kernel = 3, .stride = s == 0 ? 1 : 2, .norm = norm_of(o, s + 2)};
    if (o->block == RESNET_BASIC && (in != st->out || c.stride != 1)) {
        r->has_down[s] = true;
        conv_norm_init(&r->down[s], path_at(at, "down"), c);
        c.in = st->out;
        c.stride = 1;
    }
    for (int j = 0; j < st->blocks; j++) {
        struct resnet_unit *u = &r->unit[s][j];
        struct path place = path_at(at, "%d", j);
        snprintf(u->name, sizeof u->name, "res%d.%d", s + 2, j);
        c.dilation = s == o->stages - 1 ? o->grid[j % 3] : 1;
        if (o->block == RESNET_BASIC)
            basic_init(u, place, c);
        else
            bottleneck_init(u, place, c, st->width);
        c.in = st->out;
        c.stride = 1;
    }
}

void resnet_init(struct resnet *r, struct path at, const struct resnet_options *opt) {
    REQUIRE(opt->stages >= 2 && opt->stages <= FEATURES_MAX, "%d stages", opt->stages);
    *r = (struct resnet){.opt = *opt};
    struct path stem = path_at(at, "stem");
    stem_init(r, stem);
    if (opt->freeze_at >= 1) freeze(stem);
    int64_t in = opt->stem_out;
    for (int s = 0; s < opt->stages; s++) {
        struct path stage = path_at(at, "res%d", s + 2);
        stage_init(r, stage, s, in);
        if (opt->freeze_at >= s + 2) freeze(stage);
        in = opt->stage[s].out;
    }
}

static tensor *unit_forward(const struct resnet_unit *u, tensor *x) {
    int scope = t_scope_open(u->name, T_INHERIT);
    tensor *y = x;
    for (int i = 0; i < u->convs; i++) {
        y = conv_norm(&u->conv[i], y); /* [B, C, h, w] */
        if (i + 1 < u->convs) y = t_relu(y);
    }
    tensor *skip = u->has_shortcut ? conv_norm(&u->shortcut, x) : x; /* [B, C, h, w] */
    return t_scope_close(scope, t_relu(t_add(y, skip)));
}

static tensor *stem_forward(const struct resnet *r, tensor *x) {
    int scope = t_scope_open("stem", T_INHERIT);
    for (int i = 0; i < r->stem_convs; i++)
        x = t_relu(conv_norm(&r->stem[i], x));                          /* [B, C, H/2, W/2] */
    if (r->opt.stem != RESNET_STEM_SMALL) x = t_max_pool2d(x, 3, 2, 1); /* [B, C, H/4, W/4] */
    return t_scope_close(scope, x);
}

static tensor *stage_forward(const struct resnet *r, int s, tensor *x) {
    int scope = t_scope_open("stage", T_INHERIT);
    if (r->has_down[s]) x = t_relu(conv_norm(&r->down[s], x));
    for (int j = 0; j < r->opt.stage[s].blocks; j++) x = t_next(x, unit_forward(&r->unit[s][j], x));
    return t_scope_close(scope, x); /* [B, C, h, w] */
}

struct features resnet_forward(const struct resnet *r, tensor *x) {
    struct features f = {.n = r->opt.stages};
    int scope = t_scope_open("backbone", T_INHERIT);
    x = stem_forward(r, x);
    for (int s = 0; s < r->opt.stages; s++) x = f.map[s] = stage_forward(r, s, x);
    for (int s = 0; s < r->opt.stages; s++) t_keep(scope, f.map[s]);
    t_scope_close(scope, NULL);
    return f;
}
