#include "nn/models/clip.h"

#include "nn/losses/clip_loss.h"
#include "nn/models/text_bank.h"
#include "tests/torch.h"
#include "tests/unit/clip_made.h"

static const struct clip_options B16 = {
    .image = {.image_size = 224, .patch = 16, .width = 768, .layers = 12, .prompt_depth = 3},
    .text = {.vocab = 49408, .context = 77, .width = 512, .layers = 12},
    .features = 512,
    .temperature = 0.07,
};

static void expect(const struct params *p, size_t *n, const char *name, struct shape s) {
    const struct param *q = params_find(p, name);
    if (!q) test_fail(__FILE__, __LINE__, "no parameter %s", name);
    struct shape t = t_shape(q->t);
    if (t.n != s.n || memcmp(t.d, s.d, sizeof s.d) != 0)
        test_fail(__FILE__, __LINE__, "%s has another shape", name);
    (*n)++;
}

static void expect_blocks(const struct params *p, size_t *n, const char *prefix, int64_t layers,
                          int64_t W) {
    const struct {
        const char *name;
        struct shape s;
    } rows[] = {{"attn.in_proj_weight", SHAPE(3 * W, W)},
                {"attn.in_proj_bias", SHAPE(3 * W)},
                {"attn.out_proj.weight", SHAPE(W, W)},
                {"attn.out_proj.bias", SHAPE(W)},
                {"ln_1.weight", SHAPE(W)},
                {"ln_1.bias", SHAPE(W)},
                {"ln_2.weight", SHAPE(W)},
                {"ln_2.bias", SHAPE(W)},
                {"mlp.c_fc.weight", SHAPE(4 * W, W)},
                {"mlp.c_fc.bias", SHAPE(4 * W)},
                {"mlp.c_proj.weight", SHAPE(W, 4 * W)},
                {"mlp.c_proj.bias", SHAPE(W)}};
    for (int64_t i = 0; i < layers; i++)
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
            char *name = mem_format("%s.%d.%s", prefix, (int)i, rows[j].name);
            expect(p, n, name, rows[j].s);
            free(name);
        }
}

TEST(the_names_and_shapes_are_those_of_the_published_files) { /* reference-spec 3.4 */
    struct model m;
    model_open(&m, &B16);
    const struct params *p = &m.params;
    size_t n = 0;
    expect(p, &n, "positional_embedding", SHAPE(77, 512));
    expect(p, &n, "text_projection", SHAPE(512, 512));
    expect(p, &n, "logit_scale", SCALAR);
    expect(p, &n, "token_embedding.weight", SHAPE(49408, 512));
    expect(p, &n, "ln_final.weight", SHAPE(512));
    expect(p, &n, "ln_final.bias", SHAPE(512));
    expect_blocks(p, &n, "transformer.resblocks", 12, 512);
    expect(p, &n, "visual.class_embedding", SHAPE(768));
    expect(p, &n, "visual.positional_embedding", SHAPE(197, 768));
    expect(p, &n, "visual.proj", SHAPE(768, 512));
    expect(p, &n, "visual.conv1.weight", SHAPE(768, 3, 16, 16));
    expect(p, &n, "visual.ln_pre.weight", SHAPE(768));
    expect(p, &n, "visual.ln_pre.bias", SHAPE(768));
    expect(p, &n, "visual.ln_post.weight", SHAPE(768));
    expect(p, &n, "visual.ln_post.bias", SHAPE(768));
    expect_blocks(p, &n, "visual.transformer.resblocks", 12, 768);
    CHECK_INT(n, 302);
    expect(p, &n, "visual.mask_embedding", SHAPE(3, 196, 768));
    CHECK_INT(p->n, n); /* and nothing else */
    model_close(&m);
}

TEST(published_models_are_known_by_name) {
    struct clip_options o;
    CHECK_OK(clip_options_named("ViT-L/14@336px", &o));
    CHECK_INT(o.image.image_size / o.image.patch, 24);
    CHECK_INT(o.features, 768);
    CHECK_ERROR(clip_options_named("ViT-Z/3", &o), ERR_CONFIG, "ViT-Z/3");
}

/* As published: what trains, and for residual towers the running statistics of their norms. */
TEST(published_models_have_their_sizes) {
    static const struct {
        const char *name;
        int64_t parameters;
    } models[] = {{"ViT-B/32", 151277313},       {"ViT-B/16", 149620737}, {"ViT-L/14", 427616513},
                  {"ViT-L/14@336px", 427944193}, {"RN50", 102007137},     {"RN101", 119688033},
                  {"RN50x4", 178300601},         {"RN50x16", 290979217}};
    int scope = t_scope_open("shapes", T_META);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct clip_options o;
        struct params p = {0};
        struct clip c;
        CHECK_OK(clip_options_named(models[i].name, &o));
        clip_init(&c, params_root(&p), &o);
        CHECK_INT(params_count(&p, false), models[i].parameters);
        clip_free(&c);
        params_free(&p);
    }
    t_scope_close(scope, NULL);
}

static double deviation(const struct params *p, const char *name) {
    tensor *x = params_find(p, name)->t;
    return sqrt(t_item(t_mean(t_mul(t_detach(x), t_detach(x)))));
}

TEST(a_model_from_scratch_has_the_deviations_of_the_reference) { /* reference-spec 2 */
    struct model m;
    struct clip_options opt = B16;
    opt.text.layers = opt.image.layers = 3; /* enough to see the depth in the deviations */
    model_open(&m, &opt);
    const struct params *p = &m.params;
    double text = pow(512, -0.5), image = pow(768, -0.5);
    struct {
        const char *name;
        double std;
    } rows[] = {
        {"token_embedding.weight", 0.02},
        {"positional_embedding", 0.01},
        {"text_projection", text},
        {"transformer.resblocks.2.attn.in_proj_weight", text},
        {"transformer.resblocks.2.attn.out_proj.weight", text * pow(6, -0.5)},
        {"transformer.resblocks.2.mlp.c_proj.weight", text * pow(6, -0.5)},
        {"transformer.resblocks.2.mlp.c_fc.weight", pow(1024, -0.5)},
        {"visual.positional_embedding", image},
        {"visual.proj", image},
        {"visual.mask_embedding", 0.02},
        {"visual.conv1.weight", 1 / sqrt(3 * 3 * 256)},                           /* uniform */
        {"visual.transformer.resblocks.1.attn.in_proj_weight", sqrt(2.0 / 3072)}, /* Xavier */
        {"visual.transformer.resblocks.1.mlp.c_fc.weight", 1 / sqrt(3 * 768)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_NEAR(deviation(p, rows[i].name) / rows[i].std, 1, 0.02); /* > 30,000 draws each */
    CHECK_NEAR(t_item(clip_scale(&m.clip)), 1 / 0.07, 1e-4);
    CHECK_NEAR(deviation(p, "visual.transformer.resblocks.1.attn.out_proj.bias"), 0, 0);
    model_close(&m);
}

TEST(sine_positions_tell_every_patch_apart) {
    struct model m;
    struct clip_options opt = TINY;
    opt.image.sine_positions = 0.5;
    model_open(&m, &opt);
    tensor *p = t_detach(m.clip.visual.positional_embedding); /* [17, 32] */
    CHECK_NEAR(t_item(t_norm(t_select(p, 0, 0), 0, false)), 0, 0);
    tensor *patches = t_narrow(p, 0, 1, 16);
    tensor *dots =
        t_matmul(patches, t_transpose(patches, 0, 1)); /* sin^2 + cos^2 on the diagonal */
    for (int i = 0; i < 16; i++) {
        CHECK_NEAR(t_item(t_select(t_select(dots, 0, i), 0, i)), 0.25 * 16, 1e-5);
        CHECK_INT(t_item(t_argmax(t_select(dots, 0, i), 0)), i);
    }
    model_close(&m);
}

/* Sets one switch, whichever it is, and compares features and gradients. */
static void check_switch(struct model *m, bool *at, double tolerance) {
    tensor *images = make_images(), *masks = make_masks(), *y[2], *g[2], *h[2];
    for (int on = 0; on < 2; on++) {
        *at = on;
        y[on] = clip_vit(&m->clip.visual, images, masks);
        t_backward(t_sum(t_mul(y[on], y[on])));
        g[on] = t_clone(t_grad(m->clip.visual.conv1));
        h[on] = t_clone(t_grad(m->clip.visual.blocks.at[2].attn.in_weight));
        params_clear_grads(&m->params);
    }
    CHECK_CLOSE(y[1], y[0], tolerance);
    CHECK_CLOSE(g[1], g[0], tolerance * 3); /* a longer chain of sums */
    CHECK_CLOSE(h[1], h[0], tolerance * 3);
}

TEST(the_last_block_for_the_class_token_alone_gives_the_same_features_and_gradients) {
    struct model m;
    model_open(&m, &TINY);
    check_switch(&m, &m.clip.visual.opt.last_block_cls_only, 1e-6);
    model_close(&m);
}

TEST(attention_as_a_table_gives_the_same_features_and_gradients) {
    struct model m;
    model_open(&m, &TINY);
    check_switch(&m, &m.clip.visual.blocks.opt.plain_attention, 1e-6);
    model_close(&m);
}

TEST(texts_cut_at_the_last_end_token_give_the_same_bits) {
    struct clip_options opt = TINY;
    opt.text.context = 77;
    opt.text.width = 128;
    for (int64_t length = 1; length < 70; length++) {
        struct model m;
        model_open(&m, &opt);
        int64_t ids[3 * 77] = {0};
        for (int64_t i = 0; i < 3; i++) {
            for (int64_t j = 0; j <= length - (i > length ? 0 : i); j++)
                ids[i * 77 + j] = 1 + (5 * i + j) % 37;
            ids[i * 77 + length - (i > length ? 0 : i)] = END;
        }
        tensor *cut = clip_text_encode(&m.clip.text, ids, 3, 77);
        m.clip.text.opt.cut_at_end = false;
        CHECK(test_equal_bits(cut, clip_text_encode(&m.clip.text, ids, 3, 77)));
        model_close(&m);
    }
}

TEST(a_text_ends_at_its_largest_id) {
    CHECK_INT(clip_text_end((const int64_t[]){5, 2, 9, 0, 0}, 5), 2);
    CHECK_INT(clip_text_end((const int64_t[]){9, 2, 9, 0, 0}, 5), 0); /* the first of equals */
}

static void step(struct params *p, tensor **m, tensor **v, tensor **steps, double lr) {
    for (size_t i = 0; i < p->n; i++) {
        if (!p->at[i].trainable) continue;
        tensor *g = t_grad(p->at[i].t);
        if (!g) continue;
        t_adamw_(&p->at[i].t, &g, &m[i], &v[i], &steps[i], 1,
                 (struct adamw_args){lr, 0.9, 0.98, 1e-6, 0});
    }
    params_clear_grads(p);
}

enum task { IN_BATCH, MULTI, BANK };

static tensor *task_loss(const struct model *m, enum task task, tensor *images, tensor *masks,
                         const int64_t *ids) {
    const struct clip *c = &m->clip;
    tensor *image = normalize_rows(clip_vit(&c->visual, images, masks), 1e-12);
    tensor *text = normalize_rows(clip_text_encode(&c->text, ids, B, CONTEXT), 1e-12);
    tensor *labels = t_arange(B, T_I64), *scale = clip_scale(c);
    if (task == BANK) return clip_loss_bank(image, t_detach(text), scale, labels);
    if (task == MULTI) return clip_loss_multi(image, text, scale, labels, ALL_ROWS);
    return clip_loss(image, text, scale, ALL_ROWS);
}

/* Loss before and after `n` steps on one batch. */
static void overfit(struct model *m, enum task task, int n, double lr, double out[2]) {
    struct params *p = &m->params;
    tensor *mom[128], *var[128], *steps[128];
    REQUIRE(p->n <= 128, "room for 128 parameters");
    for (size_t i = 0; i < p->n; i++) {
        mom[i] = t_zeros_like(p->at[i].t);
        var[i] = t_zeros_like(p->at[i].t);
        steps[i] = t_zeros(SCALAR, T_F32);
    }
    int64_t ids[B * CONTEXT];
    make_texts(ids, B);
    tensor *images = make_images(), *masks = make_masks();
    for (int i = 0; i <= n; i++) {
        int scope = t_scope_open("step", T_TRAIN);
        tensor *loss = task_loss(m, task, images, masks, ids);
        if (i == 0) out[0] = t_item(loss);
        out[1] = t_item(loss);
        t_backward(loss);
        step(p, mom, var, steps, lr);
        clip_clamp_scale(&m->clip);
        t_scope_close(scope, NULL);
    }
}

TEST(both_towers_overfit_one_batch) {
    for (enum task task = IN_BATCH; task <= MULTI; task++) {
        struct model m;
        model_open(&m, &TINY);
        double loss[2];
        overfit(&m, task, 40, 3e-3, loss);
        CHECK(loss[0] > 1.2); /* ln 6 = 1.79 when nothing is known */
        CHECK(loss[1] < 0.05);
        model_close(&m);
    }
}

TEST(the_image_tower_overfits_one_batch_against_a_bank) {
    struct model m;
    model_open(&m, &TINY);
    CHECK(params_freeze(&m.params, "*", true) == m.params.n);
    params_freeze(&m.params, "visual.*", false);
    double loss[2];
    overfit(&m, BANK, 40, 3e-3, loss);
    CHECK(loss[0] > 1.2);
    CHECK(loss[1] < 0.05);
    model_close(&m);
}

TEST(prompts_alone_lower_the_loss_and_nothing_else_moves) {
    struct model m;
    model_open(&m, &TINY);
    params_freeze(&m.params, "*", true);
    CHECK_INT(params_freeze(&m.params, "visual.mask_embedding", false), 1);
    tensor *conv = t_clone(m.clip.visual.conv1), *text = t_clone(m.clip.text.token_embedding);
    double loss[2];
    overfit(&m, BANK, 60, 5e-2, loss);
    CHECK(loss[1] < 0.5 * loss[0]); /* not to 0: one wholly visible image has no prompts */
    CHECK(test_equal_bits(t_detach(m.clip.visual.conv1), conv));
    CHECK(test_equal_bits(t_detach(m.clip.text.token_embedding), text));
    model_close(&m);
}

TEST(a_frozen_text_tower_gets_no_gradient_and_stores_nothing) {
    struct model m;
    model_open(&m, &TINY);
    params_freeze(&m.params, "*", true);
    params_freeze(&m.params, "visual.*", false);
    params_freeze(&m.params, "logit_scale", false);
    int64_t ids[B * CONTEXT];
    make_texts(ids, B);
    tensor *text = clip_text_encode(&m.clip.text, ids, B, CONTEXT);
    CHECK(!t_requires_grad(text));
    t_backward(task_loss(&m, IN_BATCH, make_images(), make_masks(), ids));
    for (size_t i = 0; i < m.params.n; i++) {
        const struct param *q = &m.params.at[i];
        bool image = strncmp(q->name, "visual.", 7) == 0 || strcmp(q->name, "logit_scale") == 0;
        if (image != (t_grad(q->t) != NULL))
            test_fail(__FILE__, __LINE__, "%s: gradient where none belongs, or none", q->name);
    }
    model_close(&m);
}

TEST(the_scale_is_clamped_to_the_references_range) {
    struct model m;
    model_open(&m, &TINY);
    t_fill_(m.clip.logit_scale, 9);
    clip_clamp_scale(&m.clip);
    CHECK_NEAR(t_item(clip_scale(&m.clip)), 100, 1e-4);
    t_fill_(m.clip.logit_scale, -1);
    clip_clamp_scale(&m.clip);
    CHECK_NEAR(t_item(clip_scale(&m.clip)), 1, 0);
    model_close(&m);
}

TEST(the_bank_is_the_mean_of_unit_features_in_the_order_of_the_names) {
    enum { NAMES = 7, TEMPLATES = 3 };
    struct model m;
    model_open(&m, &TINY);
    int64_t ids[NAMES * TEMPLATES * CONTEXT];
    make_texts(ids, NAMES * TEMPLATES);
    struct text_bank_args args = {NAMES, TEMPLATES, CONTEXT, .batch = 4};
    tensor *bank = text_bank(&m.clip.text, ids, args);
    CHECK(!t_requires_grad(bank));
    for (int i = 0; i < NAMES; i++) {
        const int64_t *rows = ids + i * TEMPLATES * CONTEXT;
        tensor *x = normalize_rows(clip_text_encode(&m.clip.text, rows, TEMPLATES, CONTEXT), 0);
        x = normalize_rows(t_mean_dim(x, 0, true), 0);
        CHECK_CLOSE(t_narrow(bank, 0, i, 1), x, 1e-6); /* other batches, other rounding */
    }
    model_close(&m);
}

/* A table whose rows count their columns, and the one that bicubic interpolation (a = -0.75) makes
 * of it for half the side: -3/32, 19/32, 19/32, -3/32 of four neighbours, the border repeated. */
static void put_columns(const struct params *p, const double *column, int64_t g, int64_t width) {
    tensor *table = params_find(p, "attnpool.positional_embedding")->t;
    t_fill_(table, 7); /* the mean's row */
    for (int64_t i = 0; i < g * g; i++)
        t_fill_(t_narrow(table, 0, 1 + i, 1), column[i % g] / (double)width);
}

TEST(a_residual_tower_resizes_its_positions_for_smaller_pictures) {
    enum { LARGE = 128, SMALL = 64, WIDTH = 8 };
    struct clip_resnet *r[2];
    struct params p[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        struct clip_resnet_options o = {i ? SMALL : LARGE, WIDTH, {1, 1, 1, 1}};
        r[i] = mem_alloc(1, sizeof *r[i]);
        clip_resnet_init(r[i], params_root(&p[i]), &o, 16);
    }
    for (size_t k = 0; k < p[0].n; k++)
        if (strcmp(p[0].at[k].name, "attnpool.positional_embedding") != 0)
            t_copy_(params_find(&p[1], p[0].at[k].name)->t, p[0].at[k].t);
    put_columns(&p[0], (const double[]){0, 1, 2, 3}, 4, WIDTH);
    put_columns(&p[1], (const double[]){13.0 / 32, 83.0 / 32}, 2, WIDTH);
    tensor *image = t_randn(SHAPE(2, 3, SMALL, SMALL), 1);
    CHECK_CLOSE(clip_resnet(r[0], image), clip_resnet(r[1], image), 1e-5);
    CHECK(t_size(clip_resnet(r[0], t_randn(SHAPE(1, 3, LARGE, LARGE), 1)), 1) == 16);
    for (int i = 0; i < 2; i++) {
        params_free(&p[i]);
        free(r[i]);
    }
}
