/* B images, C conv_width, D mask_width, h x w of a map. */
#include "nn/models/pixel_decoder.h"

#include "base/error.h"
#include "nn/models/position.h"
#include "nn/resize.h"

static struct conv_options conv_of(const struct pixel_decoder_options *o, int64_t in,
                                   int64_t kernel) {
    return (struct conv_options){.in = in,
                                 .out = o->conv_width,
                                 .kernel = kernel,
                                 .bias = o->norm.kind == NORM_NONE,
                                 .init = CONV_INIT_XAVIER,
                                 .norm = o->norm};
}

static bool has_encoder(const struct pixel_decoder_options *o) {
    return o->input_proj || o->encoder.layers > 0;
}

static void encoder_init(struct pixel_decoder *d, struct path at, int64_t in) {
    const struct pixel_decoder_options *o = &d->opt;
    REQUIRE(o->encoder.width == o->conv_width, "encoder width %ld, pyramid width %ld",
            (long)o->encoder.width, (long)o->conv_width);
    struct conv_options proj = conv_of(o, in, 1);
    proj.bias = true;
    proj.norm.kind = NORM_NONE;
    conv_norm_init(&d->input_proj, path_at(at, "input_proj"), proj);
    detr_encoder_init(&d->encoder, path_at(at, "transformer.encoder"), &o->encoder);
}

void pixel_decoder_init(struct pixel_decoder *d, struct path at,
                        const struct pixel_decoder_options *opt, int stages,
                        const int64_t *channels) {
    REQUIRE(stages >= 2 && stages <= FEATURES_MAX, "%d stages", stages);
    *d = (struct pixel_decoder){.opt = *opt, .stages = stages};
    bool encode = has_encoder(opt);
    int top = stages - 1;
    for (int i = 0; i < top; i++) {
        conv_norm_init(&d->adapter[i], path_at(at, "adapter_%d", i + 1),
                       conv_of(opt, channels[i], 1));
        conv_norm_init(&d->layer[i], path_at(at, "layer_%d", i + 1),
                       conv_of(opt, opt->conv_width, 3));
    }
    if (encode) encoder_init(d, at, channels[top]);
    conv_norm_init(&d->layer[top], path_at(at, "layer_%d", top + 1),
                   conv_of(opt, encode ? opt->conv_width : channels[top], 3));
    struct conv_options masks = {.in = opt->conv_width,
                                 .out = opt->mask_width,
                                 .kernel = 3,
                                 .bias = true,
                                 .init = CONV_INIT_XAVIER};
    conv_norm_init(&d->mask_features, path_at(at, "mask_features"), masks);
}

static tensor *encode(const struct pixel_decoder *d, tensor *x) {
    int scope = t_scope_open("transformer", T_INHERIT);
    x = conv_norm(&d->input_proj, x); /* [B, C, h, w] */
    int64_t B = t_size(x, 0), C = d->opt.conv_width, h = t_size(x, 2), w = t_size(x, 3);
    tensor *tokens = t_transpose(t_reshape(x, SHAPE(B, C, h * w)), 1, 2); /* [B, hw, C] */
    tokens = detr_encoder(&d->encoder, tokens, position_sine(h, w, C));   /* [B, hw, C] */
    x = t_reshape(t_transpose(tokens, 1, 2), SHAPE(B, C, h, w));          /* [B, C, h, w] */
    return t_scope_close(scope, x);
}

struct pixel_output pixel_decoder_forward(const struct pixel_decoder *d, const struct features *f) {
    REQUIRE(f->n == d->stages, "%d feature maps for %d stages", f->n, d->stages);
    int scope = t_scope_open("pixel_decoder", T_INHERIT);
    int top = d->stages - 1;
    struct pixel_output out = {0};
    if (has_encoder(&d->opt)) out.encoded = encode(d, f->map[top]);
    tensor *y = out.encoded ? out.encoded : f->map[top];
    y = t_relu(conv_norm(&d->layer[top], y)); /* [B, C, h, w] */
    for (int i = top - 1; i >= 0; i--) {
        tensor *lateral = conv_norm(&d->adapter[i], f->map[i]); /* [B, C, h, w], no ReLU */
        y = resize(y, t_size(lateral, 2), t_size(lateral, 3), RESIZE_NEAREST);
        y = t_relu(conv_norm(&d->layer[i], t_add(lateral, y))); /* [B, C, h, w] */
    }
    t_keep(scope, out.encoded);
    out.mask_features = t_scope_close(scope, conv_norm(&d->mask_features, y)); /* [B, D, h, w] */
    return out;
}
