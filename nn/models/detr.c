/* B images, S pixels of the memory, Q queries, C width. */
#include "nn/models/detr.h"

#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "nn/recompute.h"

/* Xavier weights, and biases that repeat those of the layer before (reference-spec 2). */
static void ffn_init(struct linear *l, struct path at, int64_t in, int64_t out,
                     const struct linear *like) {
    double bound = sqrt(6 / (double)(in + out)), bias = 1 / sqrt((double)in);
    l->weight = path_param(at, "weight", t_uniform(SHAPE(out, in), -bound, bound));
    l->bias = path_param(at, "bias",
                         like ? t_clone(t_detach(like->bias)) : t_uniform(SHAPE(out), -bias, bias));
}

/* Here the output projection is Xavier too (reference-spec 2). */
static void attend_init(struct attention *a, struct path at, const struct detr_options *o) {
    attention_init(a, at, o->width, o->heads);
    double bound = sqrt(6 / (double)(2 * o->width));
    t_copy_(a->out.weight, t_uniform(SHAPE(o->width, o->width), -bound, bound));
}

static void layer_init(struct detr_layer *l, struct path at, const struct detr_options *o,
                       bool cross, const struct detr_layer *like) {
    attend_init(&l->self_attn, path_at(at, "self_attn"), o);
    if (cross) attend_init(&l->cross_attn, path_at(at, "multihead_attn"), o);
    ffn_init(&l->linear1, path_at(at, "linear1"), o->width, o->hidden,
             like ? &like->linear1 : NULL);
    ffn_init(&l->linear2, path_at(at, "linear2"), o->hidden, o->width,
             like ? &like->linear2 : NULL);
    layer_norm_init(&l->norm1, path_at(at, "norm1"), o->width);
    layer_norm_init(&l->norm2, path_at(at, "norm2"), o->width);
    if (cross) layer_norm_init(&l->norm3, path_at(at, "norm3"), o->width);
}

static void layers_init(struct detr_layer *layer, struct path at, const struct detr_options *o,
                        bool cross) {
    REQUIRE(o->layers >= 0 && o->layers <= DETR_LAYERS_MAX, "%s: %d layers", at.prefix, o->layers);
    for (int i = 0; i < o->layers; i++) {
        const struct detr_layer *like = i && !o->own_ffn_bias ? &layer[0] : NULL;
        snprintf(layer[i].name, sizeof layer[i].name, "layers.%d", i);
        layer_init(&layer[i], path_at(at, "layers.%d", i), o, cross, like);
    }
}

void detr_encoder_init(struct detr_encoder *e, struct path at, const struct detr_options *opt) {
    *e = (struct detr_encoder){.opt = *opt};
    layers_init(e->layer, at, opt, false);
    if (opt->pre_norm) layer_norm_init(&e->norm, path_at(at, "norm"), opt->width);
}

void detr_decoder_init(struct detr_decoder *d, struct path at, const struct detr_options *opt) {
    *d = (struct detr_decoder){.opt = *opt};
    REQUIRE(opt->layers > 0, "%s: a decoder needs a layer", at.prefix);
    layers_init(d->layer, at, opt, true);
    layer_norm_init(&d->norm, path_at(at, "norm"), opt->width);
}

/* The three sublayers; attention in products, as the reference has it: few queries, small tables.
 * h is what enters (normalized before, with pre-norm); dropout comes after. */

static tensor *self_attention(const struct detr_layer *l, const struct detr_options *o, tensor *h,
                              tensor *pos) {
    struct attention_args args = {.dropout = o->dropout, .plain = true};
    tensor *qk = t_add(h, pos);                            /* [B, L, C] */
    tensor *y = attention(&l->self_attn, qk, qk, h, args); /* [B, L, C] */
    return t_dropout(y, o->dropout);
}

static tensor *cross_attention(const struct detr_layer *l, const struct detr_options *o, tensor *h,
                               tensor *query_pos, tensor *key, tensor *value) {
    struct attention_args args = {.dropout = o->dropout, .plain = true};
    tensor *q = t_add(h, query_pos);                            /* [B, Q, C] */
    tensor *y = attention(&l->cross_attn, q, key, value, args); /* [B, Q, C] */
    return t_dropout(y, o->dropout);
}

static tensor *feed_forward(const struct detr_layer *l, const struct detr_options *o, tensor *h) {
    tensor *y = t_dropout(t_relu(linear(&l->linear1, h)), o->dropout); /* [B, L, hidden] */
    return t_dropout(linear(&l->linear2, y), o->dropout);              /* [B, L, C] */
}

struct layer_args {
    const struct detr_layer *l;
    const struct detr_options *o;
};

/* in: [B, S, C], positions */
static tensor *encoder_layer(const void *args, tensor *const *in, size_t n) {
    const struct detr_layer *l = ((const struct layer_args *)args)->l;
    const struct detr_options *o = ((const struct layer_args *)args)->o;
    tensor *x = in[0], *pos = in[1];
    (void)n;
    int scope = t_scope_open(l->name, T_INHERIT);
    if (o->pre_norm) {
        x = t_add(x, self_attention(l, o, layer_norm(&l->norm1, x), pos));
        x = t_add(x, feed_forward(l, o, layer_norm(&l->norm2, x)));
    } else {
        x = layer_norm(&l->norm1, t_add(x, self_attention(l, o, x, pos)));
        x = layer_norm(&l->norm2, t_add(x, feed_forward(l, o, x)));
    }
    return t_scope_close(scope, x); /* [B, S, C] */
}

tensor *detr_encoder(const struct detr_encoder *e, tensor *x, tensor *pos) {
    int scope = t_scope_open("encoder", T_INHERIT);
    for (int i = 0; i < e->opt.layers; i++) {
        struct layer_args args = {&e->layer[i], &e->opt};
        bool trains = t_requires_grad(args.l->norm1.weight);
        tensor *in[] = {x, pos};
        x = t_next(x, recompute(encoder_layer, &args, sizeof args, in, 2, trains));
    }
    if (e->opt.pre_norm) x = layer_norm(&e->norm, x);
    return t_scope_close(scope, x); /* [B, S, C] */
}

/* in: [B, Q, C], positions of the queries, keys and values */
static tensor *decoder_layer(const void *args, tensor *const *in, size_t n) {
    const struct detr_layer *l = ((const struct layer_args *)args)->l;
    const struct detr_options *o = ((const struct layer_args *)args)->o;
    tensor *x = in[0], *query_pos = in[1], *key = in[2], *value = in[3];
    (void)n;
    int scope = t_scope_open(l->name, T_INHERIT);
    if (o->pre_norm) {
        x = t_add(x, self_attention(l, o, layer_norm(&l->norm1, x), query_pos));
        x = t_add(x, cross_attention(l, o, layer_norm(&l->norm2, x), query_pos, key, value));
        x = t_add(x, feed_forward(l, o, layer_norm(&l->norm3, x)));
    } else {
        x = layer_norm(&l->norm1, t_add(x, self_attention(l, o, x, query_pos)));
        x = layer_norm(&l->norm2, t_add(x, cross_attention(l, o, x, query_pos, key, value)));
        x = layer_norm(&l->norm3, t_add(x, feed_forward(l, o, x)));
    }
    return t_scope_close(scope, x); /* [B, Q, C] */
}

tensor *detr_decoder(const struct detr_decoder *d, tensor *query_pos, tensor *memory, tensor *pos,
                     bool last_only) {
    int scope = t_scope_open("decoder", T_INHERIT);
    int64_t B = t_size(memory, 0), Q = t_size(query_pos, 0), C = d->opt.width;
    tensor *x = t_zeros_like(t_expand(query_pos, SHAPE(B, Q, C))); /* [B, Q, C] */
    tensor *key = t_add(memory, pos);                              /* [B, S, C] */
    tensor *state[DETR_LAYERS_MAX];
    int n = 0;
    for (int i = 0; i < d->opt.layers; i++) {
        struct layer_args args = {&d->layer[i], &d->opt};
        bool trains = t_requires_grad(args.l->norm1.weight);
        /* Its gradients are summed layer by layer, as they are when it is computed again. */
        tensor *own_pos = t_reshape(query_pos, SHAPE(Q, C));
        tensor *in[] = {x, own_pos, key, memory};
        x = t_next(x, recompute(decoder_layer, &args, sizeof args, in, 4, trains));
        if (i + 1 == d->opt.layers || !last_only) state[n++] = layer_norm(&d->norm, x);
    }
    return t_scope_close(scope, t_stack(state, (size_t)n, 1)); /* [B, layers, Q, C] */
}
