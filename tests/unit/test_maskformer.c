#include "nn/models/maskformer.h"

#include "base/error.h"
#include "configs/config.h"
#include "nn/losses/mask_loss.h"
#include "tests/golden_file.h"
#include "tests/torch.h"

enum { K = 4, TEXT = 16, STEPS = 100 };

static struct maskformer *make(struct params *p, const struct maskformer_options *o) {
    struct maskformer *m = mem_alloc(1, sizeof *m);
    maskformer_init(m, params_root(p), o);
    return m;
}

static void drop(struct maskformer *m, struct params *p) {
    params_free(p);
    free(m);
}

static bool starts(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int64_t count(const struct params *p, const char *prefix, bool trainable) {
    int64_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        if (starts(p->at[i].name, prefix) && !p->at[i].buffer && (p->at[i].trainable || !trainable))
            n += t_numel(p->at[i].t);
    return n;
}

static int keys(const struct params *p, const char *prefix) {
    int n = 0;
    for (size_t i = 0; i < p->n; i++) n += starts(p->at[i].name, prefix);
    return n;
}

/* Ours is the reference's state dict, in its order, without what other modules hold. */
TEST(names_shapes_and_order_are_those_of_the_published_checkpoint) {
    struct params p = {0};
    struct maskformer_options o = maskformer_standard();
    struct maskformer *m = make(&p, &o);
    CHECK_INT(keys(&p, "backbone."), 530);
    CHECK_INT(keys(&p, "sem_seg_head.pixel_decoder."), 23);
    CHECK_INT(keys(&p, "sem_seg_head.predictor."), 123);
    cJSON *manifest = golden_json("manifest-r101c-vitb16");
    const cJSON *entry;
    size_t i = 0;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(manifest, "tensors")) {
        const char *name = cJSON_GetArrayItem(entry, 0)->valuestring;
        const cJSON *shape = cJSON_GetArrayItem(entry, 1);
        if (starts(name, "criterion.") || starts(name, "clip_adapter.clip_model.") ||
            starts(name, "clip_adapter.pixel_"))
            continue;
        CHECK(i < p.n);
        CHECK_TEXT(p.at[i].name, name);
        CHECK_INT(t_dim(p.at[i].t), cJSON_GetArraySize(shape));
        for (int d = 0; d < t_dim(p.at[i].t); d++)
            CHECK_INT(t_size(p.at[i].t, d), cJSON_GetArrayItem(shape, d)->valueint);
        i++;
    }
    CHECK_INT(i, p.n);
    cJSON_Delete(manifest);
    drop(m, &p);
}

TEST(parameter_totals_are_those_of_the_specification) {
    struct params p = {0};
    struct maskformer_options o = maskformer_standard();
    struct maskformer *m = make(&p, &o);
    CHECK_INT(count(&p, "backbone.", false), 42518208);
    CHECK_INT(count(&p, "backbone.", true), 42172416); /* freeze_at 2 */
    CHECK_INT(count(&p, "sem_seg_head.pixel_decoder.", true), 7540480);
    CHECK_INT(count(&p, "sem_seg_head.predictor.", true), 11008512);
    CHECK_INT(params_count(&p, true), 60721920);
    drop(m, &p);
}

/* The settings of a proposals stage, as `text` says; the problems that proposals_check finds. */
static int check_settings(const char *text, struct config *c) {
    struct settings_doc doc;
    struct problems problems = {0};
    CHECK_OK(settings_parse(&doc, "c.yaml", text));
    settings_assign(&doc, config_used(STAGE_PROPOSALS), config_known(), "", c, &problems);
    proposals_check(&c->proposals, "c.yaml", &problems);
    settings_doc_free(&doc);
    return problems_close(&problems, ERR_CONFIG);
}

/* reference-spec 1.3 and 3.2; residual ones as torchvision counts them, without classifier and
 * norms. */
TEST(every_backbone_of_the_settings_has_its_published_size) {
    static const struct {
        int kind; /* enum proposals_backbone */
        bool deeplab;
        int64_t features, backbone, pixel, predictor;
    } all[] = {
        {BACKBONE_R50, false, 512, 23454912, 7540480, 11008512},
        {BACKBONE_R101, false, 512, 42394816, 7540480, 11008512},
        {BACKBONE_R101, true, 512, 42518208, 7540480, 11008512},
        {BACKBONE_SWIN_T, false, 512, 27520698, 4304640, 10680832},
        {BACKBONE_SWIN_S, false, 512, 48838602, 4304640, 10680832},
        {BACKBONE_SWIN_B, false, 768, 86880376, 4951808, 11008768},
        {BACKBONE_SWIN_L, false, 512, 195201204, 6246144, 10877440},
    };
    int scope = t_scope_open("shapes", T_META);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct params p = {0};
        struct config c = {0};
        CHECK_OK(check_settings("stage: proposals\n", &c));
        c.proposals.backbone = all[i].kind;
        c.proposals.stem = all[i].deeplab ? RESNET_STEM_DEEPLAB : RESNET_STEM_BASIC;
        struct maskformer_options o = proposals_model(&c.proposals, all[i].features, 100);
        struct maskformer *m = make(&p, &o);
        CHECK_INT(count(&p, "backbone.", false), all[i].backbone);
        CHECK_INT(count(&p, "sem_seg_head.pixel_decoder.", false), all[i].pixel);
        CHECK_INT(count(&p, "sem_seg_head.predictor.", false), all[i].predictor);
        /* freeze_at is 2: Swin does not listen (Q20) */
        CHECK((count(&p, "backbone.", true) == all[i].backbone) ==
              (all[i].kind >= BACKBONE_SWIN_T));
        drop(m, &p);
        config_free(&c);
    }
    t_scope_close(scope, NULL);
}

TEST(group_norms_need_channels_that_their_groups_divide) {
    static const struct {
        const char *settings, *wrong; /* NULL: none */
    } all[] = {
        {"backbone: {kind: resnet50, norm: gn}", NULL},
        {"backbone: {kind: resnet50, norm: gn, stem: deeplab, stem_width: 48}", "24 channels"},
        {"backbone: {kind: resnet50, norm: gn, stem: basic, stem_width: 48}", "48 channels"},
        {"backbone: {kind: resnet50, norm: gn, block_width: 8}", "8 channels"},
        {"backbone: {kind: resnet50, norm: frozen-bn, stem_width: 48}", NULL},
        {"pixel: {width: 48}", "proposals.pixel.width 48"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct config c = {0};
        char *text = mem_format("stage: proposals\nproposals: {%s}\n", all[i].settings);
        if (all[i].wrong)
            CHECK_ERROR(check_settings(text, &c), ERR_CONFIG, all[i].wrong);
        else
            CHECK_OK(check_settings(text, &c));
        config_free(&c);
        free(text);
    }
}

TEST(pre_norm_adds_the_encoder_norm_and_little_else_changes) {
    struct params p = {0};
    struct maskformer_options o = maskformer_small(TEXT, 100);
    o.decoder.transformer.pre_norm = true;
    struct maskformer *m = make(&p, &o);
    CHECK(params_find(&p, "sem_seg_head.predictor.transformer.encoder.norm.weight"));
    tensor *x = t_randn(SHAPE(1, 3, 64, 64), 1), *text = t_randn(SHAPE(K, TEXT), 1);
    struct maskformer_output out = maskformer_forward(m, x, text, false);
    CHECK_INT(t_size(out.logits, 1), 2);
    CHECK_NEAR(t_item(t_isfinite_all(out.logits)), 1, 0);
    drop(m, &p);
}

TEST(feed_forward_biases_start_equal_unless_asked_otherwise) {
    for (int own = 0; own < 2; own++) {
        struct params p = {0};
        struct maskformer_options o = maskformer_small(TEXT, 100);
        o.decoder.transformer.own_ffn_bias = own;
        struct maskformer *m = make(&p, &o);
        const struct detr_layer *l = m->decoder.decoder.layer;
        CHECK(test_equal_bits(l[0].linear1.bias, l[1].linear1.bias) == !own);
        CHECK(test_equal_bits(l[0].linear2.bias, l[1].linear2.bias) == !own);
        CHECK(!test_equal_bits(l[0].linear1.weight, l[1].linear1.weight));
        drop(m, &p);
    }
}

TEST(images_of_different_sizes_are_normalized_then_padded_with_zeros) {
    struct params p = {0};
    struct maskformer_options o = maskformer_small(TEXT, 100);
    struct maskformer *m = make(&p, &o);
    tensor *images[2] = {t_full(SHAPE(1, 3, 20, 40), 200, T_U8),
                         t_zeros(SHAPE(1, 3, 30, 10), T_F32)};
    tensor *x = maskformer_input(m, images, 2);
    CHECK_INT(t_size(x, 0), 2);
    CHECK_INT(t_size(x, 2), 32);
    CHECK_INT(t_size(x, 3), 48);
    tensor *red = t_select(x, 1, 0); /* [2, 32, 48] */
    CHECK_NEAR(t_item(t_sum(t_select(red, 0, 0))), 20 * 40 * (200 - 123.675) / 58.395, 1e-2);
    CHECK_NEAR(t_item(t_select(t_select(t_select(red, 0, 0), 0, 19), 0, 40)), 0, 0);
    CHECK_NEAR(t_item(t_select(t_select(t_select(red, 0, 0), 0, 20), 0, 39)), 0, 0);
    CHECK_NEAR(t_item(t_select(t_select(t_select(red, 0, 1), 0, 29), 0, 9)), -123.675 / 58.395,
               1e-6);
    drop(m, &p);
}

TEST(a_trained_batch_norm_below_freeze_at_is_frozen) {
    static const enum norm_kind kinds[] = {NORM_BN, NORM_SYNC_BN};
    for (int i = 0; i < 2; i++) {
        struct params p = {0};
        struct resnet_options o = resnet_standard(50, false);
        o.norm.kind = kinds[i];
        struct resnet *r = mem_alloc(1, sizeof *r);
        resnet_init(r, params_root(&p), &o);
        CHECK(params_find(&p, "res2.0.conv1.norm.weight")->buffer);
        CHECK(params_find(&p, "res3.0.conv1.norm.weight")->trainable);
        CHECK_INT(r->unit[1][0].conv[0].norm.kind, kinds[i]);
        CHECK(!params_find(&p, "res2.0.conv1.weight")->trainable);
        CHECK(params_find(&p, "stem.conv1.norm.running_var")->buffer);
        free(r);
        params_free(&p);
    }
}

/* reference-spec 1.5 with TRANSFORMER_ENC_LAYERS 0. */
TEST(the_transformers_pixel_decoder_without_layers_is_its_projection) {
    static const int64_t channels[] = {8, 16, 24, 32};
    for (int pre_norm = 0; pre_norm < 2; pre_norm++) {
        struct params p = {0};
        struct pixel_decoder d;
        struct pixel_decoder_options o = {
            .conv_width = 16,
            .mask_width = 12,
            .norm = {.kind = NORM_GN, .groups = 4},
            .encoder = {.width = 16, .heads = 4, .hidden = 20, .pre_norm = pre_norm},
            .input_proj = true};
        pixel_decoder_init(&d, params_root(&p), &o, 4, channels);
        CHECK_INT(t_size(params_find(&p, "layer_4.weight")->t, 1), 16);
        CHECK(!params_find(&p, "transformer.encoder.layers.0.linear1.weight"));
        CHECK_INT(params_find(&p, "transformer.encoder.norm.weight") != NULL, pre_norm);
        struct features f = {.n = 4};
        for (int i = 0; i < 4; i++) f.map[i] = t_randn(SHAPE(2, channels[i], 40 >> i, 24 >> i), 1);
        struct pixel_output out = pixel_decoder_forward(&d, &f);
        tensor *want = t_conv2d(f.map[3], params_find(&p, "input_proj.weight")->t,
                                params_find(&p, "input_proj.bias")->t, (struct conv){1, 0, 1, 1});
        if (pre_norm)
            want = t_permute(layer_norm(&d.encoder.norm, t_permute(want, SHAPE(0, 2, 3, 1))),
                             SHAPE(0, 3, 1, 2));
        CHECK_CLOSE(out.encoded, want, 1e-6);
        struct params q = {0}; /* a plain one, which is given the projection */
        struct pixel_decoder base;
        o.input_proj = false;
        pixel_decoder_init(&base, params_root(&q), &o, 4, (const int64_t[]){8, 16, 24, 16});
        for (size_t i = 0; i < q.n; i++) t_copy_(q.at[i].t, params_find(&p, q.at[i].name)->t);
        f.map[3] = out.encoded;
        struct pixel_output plain = pixel_decoder_forward(&base, &f);
        CHECK(!plain.encoded && test_equal_bits(plain.mask_features, out.mask_features));
        params_free(&q);
        params_free(&p);
    }
}

TEST(a_folded_frozen_norm_equals_the_norm_after_the_convolution) {
    struct params p = {0};
    struct conv_norm c;
    struct conv_options o = {.in = 6,
                             .out = 8,
                             .kernel = 3,
                             .stride = 2,
                             .bias = true,
                             .norm = {.kind = NORM_FROZEN_BN}};
    conv_norm_init(&c, params_root(&p), o);
    for (size_t i = 0; i < p.n; i++) t_copy_(p.at[i].t, t_uniform(t_shape(p.at[i].t), 0.5, 1.5));
    tensor *x = t_randn(SHAPE(2, 6, 9, 11), 1);
    tensor *y = t_conv2d(x, c.weight, c.bias, c.geometry);
    CHECK_CLOSE(conv_norm(&c, x), t_batch_norm(y, c.scale, c.shift, c.mean, c.var, 0, 1e-5), 1e-6);
    params_free(&p);
}

/* Two pictures of flat patches on noise, and their label maps. */
static tensor *two_pictures(uint16_t *maps) {
    static const int box[K][4] = {
        {0, 30, 0, 28}, {34, 64, 2, 40}, {4, 40, 36, 64}, {44, 60, 44, 60}};
    float *x = mem_alloc(2 * 3 * 64 * 64, sizeof *x);
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < 64 * 64; i++) {
            uint16_t label = 255;
            for (int k = 0; k < K - b; k++)
                if (i / 64 >= box[k][0] && i / 64 < box[k][1] && i % 64 >= box[k][2] &&
                    i % 64 < box[k][3])
                    label = (uint16_t)((k + b) % K);
            maps[b * 4096 + i] = label;
            for (int c = 0; c < 3; c++)
                x[(b * 3 + c) * 4096 + i] =
                    (float)(label == 255 ? 120 : 40 * label + 30 * c) + (float)(i * 37 % 11);
        }
    tensor *t = t_from_data(x, SHAPE(2, 3, 64, 64), T_F32);
    free(x);
    return t;
}

struct trained {
    struct params p;
    struct maskformer *m;
    tensor *list[512], *mean[512], *var[512], *steps[512];
};

static void update(struct trained *s, double lr) {
    tensor *x[512], *grad[512], *mean[512], *var[512], *steps[512];
    size_t n = 0;
    for (size_t i = 0; i < s->p.n; i++) {
        tensor *g = s->p.at[i].trainable ? t_grad(s->p.at[i].t) : NULL;
        if (!g) continue;
        if (!s->mean[i]) {
            s->mean[i] = t_hold(t_zeros_like(g));
            s->var[i] = t_hold(t_zeros_like(g));
            s->steps[i] = t_hold(t_zeros(SCALAR, T_F32));
        }
        x[n] = s->p.at[i].t, grad[n] = g, mean[n] = s->mean[i], var[n] = s->var[i];
        steps[n++] = s->steps[i];
    }
    t_adamw_(x, grad, mean, var, steps, n, (struct adamw_args){lr, 0.9, 0.999, 1e-8, 1e-4});
    params_clear_grads(&s->p);
}

static double step(struct trained *s, tensor *images, tensor *text, const struct mask_targets *t,
                   double lr) {
    struct mask_loss_options o = mask_loss_standard();
    int scope = t_scope_open("step", T_TRAIN);
    tensor *x = maskformer_input(s->m, &images, 1);
    struct maskformer_output out = maskformer_forward(s->m, x, text, false);
    tensor *loss = mask_loss(&o, out.logits, out.masks, t, NULL).total;
    double value = t_item(loss);
    t_backward(loss);
    update(s, lr);
    t_scope_close(scope, NULL);
    return value;
}

/* Best overlap of any query's mask with target 0 of image 0, of the queries that name its class. */
static double overlap(struct maskformer *m, tensor *images, tensor *text, const uint16_t *maps) {
    int scope = t_scope_open("look", T_NO_GRAD);
    tensor *x = maskformer_input(m, &images, 1);
    struct maskformer_output out = maskformer_forward(m, x, text, true);
    int64_t Q = t_size(out.masks, 2);
    tensor *masks = t_resize_bilinear(t_select(out.masks, 1, 0), 64, 64); /* [2, Q, 64, 64] */
    float *mask = mem_alloc((size_t)(2 * Q * 4096), sizeof *mask);
    int64_t *class = mem_alloc((size_t)(2 * Q), sizeof *class);
    t_copy_out(masks, mask, (size_t)(2 * Q * 4096) * sizeof *mask);
    t_copy_out(t_argmax(t_select(out.logits, 1, 0), -1), class, (size_t)(2 * Q) * sizeof *class);
    t_scope_close(scope, NULL);
    double best = 0;
    for (int64_t q = 0; q < Q; q++) {
        int both = 0, any = 0;
        for (int i = 0; i < 4096; i++) {
            both += maps[i] == 0 && mask[q * 4096 + i] > 0;
            any += maps[i] == 0 || mask[q * 4096 + i] > 0;
        }
        if (class[q] == 0 && (double)both / any > best) best = (double)both / any;
    }
    free(mask);
    free(class);
    return best;
}

TEST(the_small_model_learns_two_pictures_by_heart) {
    struct trained s = {0};
    struct maskformer_options o = maskformer_small(TEXT, 15);
    o.decoder.transformer.dropout = 0;
    s.m = make(&s.p, &o);
    CHECK(params_count(&s.p, true) > 760000 && params_count(&s.p, true) < 800000);
    uint16_t maps[2 * 4096];
    tensor *images = two_pictures(maps);
    tensor *text = normalize_rows(t_randn(SHAPE(K, TEXT), 1), 0); /* [K, TEXT] */
    struct mask_targets t;
    CHECK_OK(mask_targets_init(&t, maps, 2, 64, 64, o.divisor, 255));
    double first = 0, last = 0;
    for (int i = 0; i < STEPS; i++) {
        last = step(&s, images, text, &t, 1e-3 * (1 - (double)i / STEPS));
        if (i == 0) first = last;
    }
    CHECK_OK(error_status());
    printf("loss %.3f -> %.3f\n", first, last);
    CHECK(last < 0.1 * first);
    CHECK(overlap(s.m, images, text, maps) > 0.8);
    for (size_t i = 0; i < 512; i++) {
        t_drop(s.mean[i]);
        t_drop(s.var[i]);
        t_drop(s.steps[i]);
    }
    mask_targets_free(&t);
    drop(s.m, &s.p);
}

TEST(gradients_reach_every_parameter_and_the_no_object_row_but_not_the_text) {
    struct params p = {0};
    struct maskformer_options o = maskformer_small(TEXT, 15);
    struct maskformer *m = make(&p, &o);
    uint16_t maps[2 * 4096];
    tensor *images = two_pictures(maps);
    tensor *text = normalize_rows(t_randn(SHAPE(K, TEXT), 1), 0);
    struct mask_targets t;
    CHECK_OK(mask_targets_init(&t, maps, 2, 64, 64, o.divisor, 255));
    for (size_t i = 0; i < p.n; i++) /* no bias of 0, no scale of 1 */
        if (t_dim(p.at[i].t) == 1) t_add_(p.at[i].t, t_uniform(t_shape(p.at[i].t), -0.2, 0.2), 1);
    struct mask_loss_options lo = mask_loss_standard();
    struct maskformer_output out =
        maskformer_forward(m, maskformer_input(m, &images, 1), text, false);
    t_backward(mask_loss(&lo, out.logits, out.masks, &t, NULL).total);
    CHECK_OK(error_status());
    /* Queries start at zero: the first self attention sees nothing but its biases, for good. */
    const char *silent = "sem_seg_head.predictor.transformer.decoder.layers.0.self_attn.in_proj_w";
    for (size_t i = 0; i < p.n; i++) {
        tensor *g = t_grad(p.at[i].t);
        if (starts(p.at[i].name, silent)) continue;
        if (!g || !(t_item(t_sum(t_abs(g))) > 0)) test_fail(__FILE__, __LINE__, "%s", p.at[i].name);
    }
    CHECK(!t_grad(text));
    /* The row counts by its direction alone, so its gradient is perpendicular to it. */
    tensor *row = t_select(m->no_object, 0, 0), *g = t_select(t_grad(m->no_object), 0, 0);
    double along =
        t_item(t_dot(row, g)) / t_item(t_norm(row, 0, false)) / t_item(t_norm(g, 0, false));
    CHECK_NEAR(along, 0, 1e-5);
    mask_targets_free(&t);
    drop(m, &p);
}

TEST(every_failing_op_surfaces_and_nothing_leaks) {
    struct params p = {0};
    struct maskformer_options o = maskformer_small(TEXT, 15);
    o.pixel.encoder = (struct detr_options){.width = 48, .heads = 4, .hidden = 32, .layers = 1};
    o.memory = MASKFORMER_ENCODED;
    struct maskformer *m = make(&p, &o);
    tensor *image = t_uniform(SHAPE(1, 3, 32, 48), 0, 255), *text = t_randn(SHAPE(K, TEXT), 1);
    bool failed = true;
    long n = 1;
    for (; failed; n += 3) {
        int scope = t_scope_open("attempt", T_TRAIN);
        t_fail_at(n);
        struct maskformer_output out =
            maskformer_forward(m, maskformer_input(m, &image, 1), text, false);
        t_backward(t_add(t_sum(out.logits), t_sum(out.masks)));
        failed = error_status() != 0;
        t_fail_at(0);
        if (failed) CHECK_TENSOR_ERROR("failed on request");
        params_clear_grads(&p);
        t_scope_close(scope, NULL);
    }
    CHECK(n > 150);
    drop(m, &p);
}

/* Convolutions and norms sum in another order then. */
TEST(channels_last_changes_nothing_but_the_rounding) {
    tensor *logits[2], *masks[2], *grad[2];
    for (int last = 0; last < 2; last++) {
        struct params p = {0};
        struct maskformer_options o = maskformer_small(TEXT, 10);
        o.channels_last = last;
        t_seed(1);
        struct maskformer *m = make(&p, &o);
        tensor *images = t_randn(SHAPE(2, 3, 64, 64), 50), *text = t_randn(SHAPE(K, TEXT), 1);
        tensor *x = maskformer_input(m, &images, 1);
        struct maskformer_output y = maskformer_forward(m, x, text, true);
        t_backward(t_add(t_sum(y.logits), t_mean(y.masks)));
        logits[last] = t_detach(y.logits);
        masks[last] = t_detach(y.masks);
        grad[last] = t_clone(t_grad(m->backbone.resnet.stem[0].weight));
        drop(m, &p);
    }
    CHECK_CLOSE(logits[1], logits[0], 1e-5);
    CHECK_CLOSE(masks[1], masks[0], 1e-5);
    CHECK_CLOSE(grad[1], grad[0], 1e-4);
    CHECK(!test_equal_bits(grad[1], grad[0])); /* it was another path */
}
