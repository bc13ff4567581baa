/* One training step of what each stage trains, in bf16 against fp32: the same weights, the same
 * batch. bfloat16 has 8 bits: a rounding is 2^-9 = 0.2 %. In small models, which average
 * over little, a few layers of them make 1 to 2 % of a gradient. Convolutional networks with norms
 * also store the maps between them in bf16: 8 % in ten layers, 16 % in the residual CLIP's thirty.
 */
#include "nn/losses/clip_loss.h"
#include "nn/losses/mask_loss.h"
#include "nn/losses/pixel_text_loss.h"
#include "nn/models/clip.h"
#include "nn/models/maskformer.h"
#include "optim/scaler.h"
#include "tests/torch.h"

enum { B = 4, S = 16, K = 5, D = 16, SIDE = 64, CONTEXT = 12, END = 39 };
static const double OF_LOSS = 0.01, TRANSFORMER = 0.05, CONVOLUTIONAL = 0.12, RESIDUAL_CLIP = 0.25;

struct subject {
    struct params params;
    struct clip clip;
    struct maskformer net;
    struct pixel_text_head head;
    tensor *images, *masks, *text, *ids;
    struct mask_targets targets;
};

/* The loss of one step -> [] */
typedef tensor *step(struct subject *s);

static const struct clip_options TINY = {
    .image = {.image_size = S,
              .patch = 4,
              .width = 32,
              .layers = 3,
              .heads = 2,
              .prompt_depth = 2,
              .last_block_cls_only = true},
    .text =
        {.vocab = 40, .context = CONTEXT, .width = 32, .layers = 2, .heads = 2, .cut_at_end = true},
    .features = D,
    .temperature = 0.07,
};

static void open_clip(struct subject *s) {
    *s = (struct subject){0};
    clip_init(&s->clip, params_root(&s->params), &TINY);
    s->images = t_randn(SHAPE(B, 3, S, S), 1);
    s->masks = t_cast(t_gt(t_randn(SHAPE(B, S, S), 1), 2), T_U8); /* some patches are blank */
    s->text = normalize_rows(t_randn(SHAPE(K, D), 1), 0);
    s->ids = t_arange(B, T_I64);
}

static void open_net(struct subject *s, struct maskformer_options o) {
    static uint16_t maps[2 * SIDE * SIDE];
    for (int i = 0; i < 2 * SIDE * SIDE; i++) maps[i] = (uint16_t)(i / SIDE / 16 % K);
    *s = (struct subject){0};
    o.decoder.transformer.dropout = 0;
    maskformer_init(&s->net, params_root(&s->params), &o);
    s->images = t_randn(SHAPE(2, 3, SIDE, SIDE), 1);
    s->text = normalize_rows(t_randn(SHAPE(K, D), 1), 0);
    CHECK_OK(mask_targets_init(&s->targets, maps, 2, SIDE, SIDE, 32, 255));
}

static void close(struct subject *s) {
    mask_targets_free(&s->targets);
    clip_free(&s->clip);
    params_free(&s->params);
}

static tensor *image_of(struct subject *s) {
    return normalize_rows(clip_image(&s->clip, s->images, s->masks), 1e-12);
}

static tensor *pretrain_clip(struct subject *s) {
    int64_t ids[B * CONTEXT] = {0};
    for (int i = 0; i < B; i++) {
        for (int k = 0; k <= i; k++) ids[i * CONTEXT + k] = 1 + 7 * i + k;
        ids[i * CONTEXT + i + 1] = END;
    }
    tensor *text = normalize_rows(clip_text_encode(&s->clip.text, ids, B, CONTEXT), 1e-12);
    return clip_loss(image_of(s), text, clip_scale(&s->clip), ALL_ROWS);
}

static tensor *fine_tune_in_batch(struct subject *s) {
    return clip_loss(image_of(s), t_narrow(s->text, 0, 0, B), clip_scale(&s->clip), ALL_ROWS);
}

static tensor *fine_tune_multi(struct subject *s) {
    tensor *text = t_narrow(s->text, 0, 0, B);
    return clip_loss_multi(image_of(s), text, clip_scale(&s->clip), s->ids, ALL_ROWS);
}

static tensor *fine_tune_bank(struct subject *s) {
    return clip_loss_bank(image_of(s), s->text, clip_scale(&s->clip), s->ids);
}

static tensor *pretrain_backbone(struct subject *s) {
    struct features f = backbone_forward(&s->net.backbone, s->images);
    double pixels = pixel_text_labelled(&s->targets);
    return pixel_text_loss(&s->head, &f, s->text, &s->targets, pixels);
}

static tensor *train_proposals(struct subject *s) {
    struct mask_loss_options o = mask_loss_standard();
    struct maskformer_output y = maskformer_forward(&s->net, s->images, s->text, false);
    CHECK(t_dtype(y.logits) == T_F32 && t_dtype(y.masks) == T_F32);
    return mask_loss(&o, y.logits, y.masks, &s->targets, NULL).total;
}

/* All gradients as one vector [n], and the loss. */
static tensor *gradients(struct subject *s, step *f, enum precision p, double *loss) {
    int scope = t_scope_open("step", T_TRAIN | T_PRECISION(p));
    tensor *l = f(s), *all[512];
    size_t n = 0;
    CHECK(t_dtype(l) == T_F32);
    *loss = t_item(l);
    t_backward(l);
    for (size_t i = 0; i < s->params.n; i++) {
        tensor *x = s->params.at[i].t, *g = t_requires_grad(x) ? t_grad(x) : NULL;
        if (!g) continue;
        CHECK(t_dtype(g) == T_F32);
        REQUIRE(n < 512, "too many tensors");
        all[n++] = t_reshape(g, SHAPE(-1));
    }
    tensor *y = t_cat(all, n, 0); /* [n] */
    params_clear_grads(&s->params);
    return t_scope_close(scope, y);
}

static void check_step(struct subject *s, step *f, double of_gradients) {
    double loss[2];
    tensor *full = gradients(s, f, PRECISION_FP32, &loss[0]);
    tensor *low = gradients(s, f, PRECISION_BF16, &loss[1]);
    double off = test_rel_rms(low, full);
    printf("loss %.5f, in bf16 %.5f; gradients off by %.2g\n", loss[0], loss[1], off);
    CHECK_NEAR(loss[1] / loss[0], 1, OF_LOSS);
    CHECK(off > 1e-4 && off < of_gradients); /* below: it was no bf16 */
    double again;
    CHECK(test_equal_bits(gradients(s, f, PRECISION_BF16, &again), low));
    for (size_t i = 0; i < s->params.n; i++) {
        enum t_dtype type = t_dtype(s->params.at[i].t);
        CHECK(type == T_F32 || type == T_I64);
    }
}

TEST(a_step_of_clip_in_bf16_is_near_that_in_fp32) {
    struct subject s;
    open_clip(&s);
    check_step(&s, pretrain_clip, TRANSFORMER);
    check_step(&s, fine_tune_in_batch, TRANSFORMER);
    check_step(&s, fine_tune_multi, TRANSFORMER);
    check_step(&s, fine_tune_bank, TRANSFORMER);
    close(&s);
}

TEST(a_step_of_a_residual_clip_in_bf16_is_near_that_in_fp32) {
    struct subject s = {0};
    struct clip_options o = TINY;
    o.resnet =
        (struct clip_resnet_options){.image_size = SIDE, .width = 16, .blocks = {1, 1, 1, 1}};
    clip_init(&s.clip, params_root(&s.params), &o);
    s.images = t_randn(SHAPE(B, 3, SIDE, SIDE), 1);
    s.text = normalize_rows(t_randn(SHAPE(K, D), 1), 0);
    s.ids = t_arange(B, T_I64);
    check_step(&s, fine_tune_bank, RESIDUAL_CLIP);
    close(&s);
}

TEST(a_step_of_the_small_network_in_bf16_is_near_that_in_fp32) {
    struct subject s;
    open_net(&s, maskformer_small(D, 15));
    int64_t channels[FEATURES_MAX];
    int stages = backbone_channels(&s.net.opt.backbone, channels);
    pixel_text_head_init(&s.head, path_at(params_root(&s.params), "head"), stages, channels, D, 15);
    check_step(&s, pretrain_backbone, CONVOLUTIONAL);
    check_step(&s, train_proposals, CONVOLUTIONAL);
    close(&s);
}

TEST(a_step_of_a_swin_network_in_bf16_is_near_that_in_fp32) {
    struct subject s;
    struct maskformer_options o = maskformer_small(D, 15);
    struct swin_options swin = {16, {1, 2, 1, 1}, {1, 2, 4, 8}, 4, 0, false};
    o.backbone = backbone_swin(swin);
    o.divisor = 32;
    open_net(&s, o);
    check_step(&s, train_proposals, CONVOLUTIONAL);
    close(&s);
}

TEST(products_of_models_have_the_precision_around_them_and_others_stay_fp32) {
    tensor *a = t_randn(SHAPE(4, 4), 1);
    int run = t_scope_open("run", T_PRECISION(PRECISION_BF16));
    CHECK(t_dtype(t_matmul(a, a)) == T_F32);
    int model = t_scope_open("model", T_MODEL);
    CHECK(t_precision() == PRECISION_BF16 && t_half_products());
    CHECK(t_dtype(t_matmul(a, a)) == T_BF16);
    int part = t_scope_open("part", T_PRECISION(PRECISION_FP32));
    CHECK(t_dtype(t_matmul(a, a)) == T_F32);
    t_scope_close(part, NULL);
    CHECK(t_dtype(t_matmul(a, a)) == T_BF16);
    CHECK(t_dtype(as_f32(t_matmul(a, a))) == T_F32);
    t_scope_close(model, NULL);
    CHECK(t_dtype(t_matmul(a, a)) == T_F32);
    t_scope_close(run, NULL);
    CHECK(t_precision() == PRECISION_FP32 && !t_half_products());
}

/* libtorch can keep bf16 copies of weights, and would use them after an update. */
TEST(a_weight_that_was_updated_is_used_at_once) {
    tensor *w = t_ones(SHAPE(2, 2), T_F32), *x = t_ones(SHAPE(1, 2), T_F32);
    t_require_grad(w, true);
    int run = t_scope_open("run", T_PRECISION(PRECISION_BF16) | T_MODEL);
    CHECK_NEAR(t_item(t_sum(t_matmul(x, w))), 4, 0);
    t_scale_(w, 2);
    CHECK_NEAR(t_item(t_sum(t_matmul(x, w))), 8, 0);
    t_scope_close(run, NULL);
}
