/* Blocks that are computed again in the backward: the same bits, with dropout and drop path, in
 * fp32 and bf16, and less memory. */
#include "nn/losses/clip_loss.h"
#include "nn/models/clip.h"
#include "nn/models/maskformer.h"
#include "nn/torch/costs.h"
#include "tests/torch.h"

enum { B = 4, S = 32, SIDE = 128 };

struct subject {
    struct params params;
    struct clip clip;
    struct maskformer net;
    tensor *images, *text;
};

typedef tensor *forward(struct subject *s);

static tensor *of_clip(struct subject *s) {
    tensor *x = normalize_rows(clip_image(&s->clip, s->images, NULL), 0);
    return clip_loss(x, s->text, clip_scale(&s->clip), ALL_ROWS);
}

static tensor *of_network(struct subject *s) {
    struct maskformer_output y = maskformer_forward(&s->net, s->images, s->text, false);
    return t_add(t_mean(t_mul(y.logits, y.logits)), t_mean(t_mul(y.masks, y.masks)));
}

struct outcome {
    tensor *loss, *gradient, *draw; /* draw: what the generator gives next */
    int64_t peak;                   /* bytes */
};

static struct outcome run(struct subject *s, forward *f, int modes) {
    struct outcome o;
    tensor *all[512];
    size_t n = 0;
    int scope = t_scope_open("step", T_TRAIN | modes);
    t_seed(5);
    t_costs_begin();
    int inner = t_scope_open("forward", T_INHERIT);
    tensor *loss = t_scope_close(inner, f(s));
    t_backward(loss);
    o.peak = t_costs_end().peak;
    for (size_t i = 0; i < s->params.n; i++) {
        tensor *x = s->params.at[i].t, *g = t_requires_grad(x) ? t_grad(x) : NULL;
        if (g) all[n++] = t_reshape(g, SHAPE(-1));
    }
    o.gradient = t_keep(scope, t_cat(all, n, 0));
    o.loss = t_keep(scope, t_detach(loss));
    o.draw = t_keep(scope, t_dropout(t_ones(SHAPE(64), T_F32), 0.5));
    params_clear_grads(&s->params);
    t_scope_close(scope, NULL);
    return o;
}

static void check(struct subject *s, forward *f, double less) {
    for (int p = PRECISION_FP32; p <= PRECISION_BF16; p += PRECISION_BF16) {
        struct outcome plain = run(s, f, T_PRECISION(p)),
                       again = run(s, f, T_PRECISION(p) | T_RECOMPUTE);
        printf("peak %.2f MB, with blocks computed again %.2f MB\n", (double)plain.peak / 1e6,
               (double)again.peak / 1e6);
        CHECK(test_equal_bits(plain.loss, again.loss));
        CHECK(test_equal_bits(plain.gradient, again.gradient));
        CHECK(test_equal_bits(plain.draw, again.draw));
        CHECK((double)again.peak < less * (double)plain.peak);
    }
}

static void open_clip(struct subject *s, int64_t depth) {
    struct clip_options o = {
        .image = {.image_size = S,
                  .patch = 4,
                  .width = 64,
                  .layers = 8,
                  .heads = 2,
                  .prompt_depth = depth,
                  .last_block_cls_only = true},
        .text =
            {.vocab = 40, .context = 12, .width = 32, .layers = 2, .heads = 2, .cut_at_end = true},
        .features = 16,
        .temperature = 0.07,
    };
    *s = (struct subject){0};
    clip_init(&s->clip, params_root(&s->params), &o);
    s->images = t_randn(SHAPE(B, 3, S, S), 1);
    s->text = normalize_rows(t_randn(SHAPE(B, 16), 1), 0);
}

static void close(struct subject *s) {
    clip_free(&s->clip);
    params_free(&s->params);
}

TEST(blocks_of_clip_computed_again_give_the_same_bits_in_less_memory) {
    struct subject s;
    open_clip(&s, 0);
    check(&s, of_clip, 0.5);
    params_freeze(&s.params, "visual.conv1.*", true); /* the first block's input has no history */
    params_freeze(&s.params, "visual.*embedding", true);
    params_freeze(&s.params, "visual.ln_pre.*", true);
    check(&s, of_clip, 0.5);
    params_freeze(&s.params, "visual.transformer.resblocks.[0-3].*", true);
    check(&s, of_clip, 0.8);
    close(&s);
}

static void open_network(struct subject *s, bool swin, double dropout) {
    struct maskformer_options o = maskformer_small(16, 15);
    if (swin)
        o.backbone =
            backbone_swin((struct swin_options){32, {2, 2, 6, 2}, {1, 2, 4, 8}, 4, 0.3, false});
    o.divisor = 32;
    o.decoder.transformer.dropout = dropout;
    o.decoder.transformer.layers = 6;
    *s = (struct subject){0};
    maskformer_init(&s->net, params_root(&s->params), &o);
    s->images = t_randn(SHAPE(2, 3, SIDE, SIDE), 1);
    s->text = normalize_rows(t_randn(SHAPE(5, 16), 1), 0);
}

TEST(swin_with_drop_path_computed_again_gives_the_same_bits_in_less_memory) {
    struct subject s;
    open_network(&s, true, 0.1);
    check(&s, of_network, 0.8); /* the pixel decoder, of convolutions, keeps all */
    close(&s);
}

TEST(a_decoder_with_dropout_computed_again_gives_the_same_bits) {
    struct subject s;
    open_network(&s, false, 0.1);
    check(&s, of_network, 1);
    close(&s);
}

TEST(an_error_in_a_block_that_is_computed_again_is_reported) {
    struct subject s;
    open_clip(&s, 0);
    int scope = t_scope_open("step", T_TRAIN | T_RECOMPUTE);
    tensor *loss = of_clip(&s);
    t_fail_at(40); /* in the backward */
    t_backward(loss);
    t_fail_at(0);
    CHECK_TENSOR_ERROR("resblocks");
    params_clear_grads(&s.params);
    t_scope_close(scope, NULL);
    close(&s);
}
