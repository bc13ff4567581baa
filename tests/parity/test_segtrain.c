/* Five steps of training small proposal networks, one with a residual backbone, one with Swin,
 * against the trajectories of the reference's own criterion, matcher and optimiser. Rates, decays
 * and matchings are the recorded ones; the golden files tell in full how they were made.
 *
 * ctest: timeout=300
 */
#include "nn/losses/mask_loss.h"
#include "optim/adamw.h"
#include "optim/schedule.h"
#include "tests/formula.h"
#include "tests/golden_file.h"
#include "tests/torch.h"
#include "train/proposals_run.h"

enum { B = 2, H = 64, W = 96, K = 7, LAYERS = 3, IGNORE = 255, PLANES = 3 };

/* The files record what moves when every weight moves by 1e-6 of itself: the sum of all losses by
 * up to 1e-3 (of 40 to 90), gradients and parameters by 2e-6 of their sums of squares. */
static const double LOSS_TOLERANCE = 1e-4, SUMSQ_TOLERANCE = 1e-4, NORM_TOLERANCE = 1e-3;

static const cJSON *item(const cJSON *object, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, key);
    REQUIRE(x, "the golden file has no %s", key);
    return x;
}

static const cJSON *at(const cJSON *array, int i) { return cJSON_GetArrayItem(array, i); }

static double number(const cJSON *x) {
    return cJSON_IsString(x) ? strtod(x->valuestring, NULL) : x->valuedouble;
}

/* The fields that the files override in the released settings. */
static struct maskformer_options options(bool swin) {
    struct maskformer_options o = maskformer_standard();
    struct resnet_options r = resnet_standard(50, true);
    r.stem_out = 32;
    for (int i = 0; i < 4; i++) {
        r.stage[i].width = 16 << i;
        r.stage[i].out = 64 << i;
    }
    struct swin_options s = {32, {2, 2, 2, 2}, {1, 2, 4, 8}, 7, 0};
    o.backbone = swin ? backbone_swin(s) : backbone_resnet(r);
    o.pixel.conv_width = o.pixel.mask_width = 64;
    o.decoder.queries = 10;
    o.decoder.transformer =
        (struct detr_options){.width = 64, .heads = 4, .hidden = 128, .layers = LAYERS};
    o.decoder.class_hidden = 96;
    o.text_width = 32;
    return o;
}

/* Features of the names in ViLD's templates by a tiny CLIP: [K, 32]. */
static tensor *text_features(const cJSON *names) {
    struct clip_run c = {0};
    struct clip_options o = {
        .image = {.image_size = 32, .patch = 16, .width = 64, .layers = 1},
        .text = {.vocab = 49408, .context = 77, .width = 64, .layers = 2, .cut_at_end = true},
        .features = 32,
        .temperature = 0.07,
    };
    clip_init(&c.clip, params_root(&c.params), &o);
    golden_fill(&c.params, 1, 0.02);
    char *text[K];
    for (int k = 0; k < K; k++) text[k] = at(names, k)->valuestring;
    struct text_options t = {0};
    strings_add(&t.templates, "vild");
    tensor *x = class_text_of_names(&c.clip, &t, text, K);
    strings_free(&t.templates);
    clip_run_free(&c);
    return x;
}

/* Every value stands for 8 x 8 pixels. [B, 3, H, W] */
static tensor *pictures(int step) {
    tensor *all[B];
    for (int b = 0; b < B; b++) {
        char *name = mem_format("image.%d.%d", step, b);
        tensor *x = golden_input(name, SHAPE(1, 3, H / 8, W / 8), 1, 0, 256);
        x = t_cast(t_cast(t_clamp(x, 0, 255), T_U8), T_F32);
        all[b] = t_resize_nearest(x, H, W);
        free(name);
    }
    return t_cat(all, B, 0);
}

/* Rectangles, which overlap: each on a plane of its own. */
static void paint(const cJSON *targets, uint16_t map[PLANES][B][H][W]) {
    for (int p = 0; p < PLANES; p++)
        for (int b = 0; b < B; b++) {
            for (int i = 0; i < H * W; i++) map[p][b][i / W][i % W] = IGNORE;
            const cJSON *r = at(at(targets, b), p);
            if (!r) continue;
            for (int y = at(r, 1)->valueint; y < at(r, 3)->valueint; y++)
                for (int x = at(r, 2)->valueint; x < at(r, 4)->valueint; x++)
                    map[p][b][y][x] = (uint16_t)at(r, 0)->valueint;
        }
}

struct replay {
    struct params params;
    struct maskformer model;
    struct adamw adamw;
    struct mask_targets targets;
    tensor *text; /* [K, 32] */
};

static void check_matching(const struct matches *m, const struct mask_targets *t,
                           const cJSON *want) {
    for (int l = 0; l < LAYERS; l++) {
        char *key = l + 1 == LAYERS ? mem_strdup("last") : mem_format("aux_%d", l);
        for (int b = 0; b < B; b++) {
            const cJSON *pairs = at(item(want, key), b);
            int64_t first = m->first[b], n = m->first[b + 1] - first;
            CHECK_INT(n, cJSON_GetArraySize(at(pairs, 0)));
            for (int i = 0; i < n; i++) {
                CHECK_INT(m->query[l * m->n + first + i], at(at(pairs, 0), i)->valueint);
                CHECK_INT(m->target[l * m->n + first + i] - t->first[b],
                          at(at(pairs, 1), i)->valueint);
            }
        }
        free(key);
    }
}

static void check_losses(const struct mask_losses *l, const cJSON *step, int s) {
    for (int term = 0; term < MASK_TERMS; term++)
        for (int layer = 0; layer < LAYERS; layer++) {
            char name[32];
            mask_loss_name(name, (enum mask_term)term, layer, LAYERS);
            double want = number(item(item(step, "losses_weighted"), name));
            double got = t_item(t_select(t_select(l->terms, 0, term), 0, layer));
            if (!(fabs(got - want) <= LOSS_TOLERANCE * (1 + want)))
                test_fail(__FILE__, __LINE__, "step %d: %s is %.9g, expected %.9g", s, name, got,
                          want);
        }
    double total = number(item(step, "total"));
    CHECK_NEAR(t_item(l->total), total, LOSS_TOLERANCE * total);
}

/* Sums of squares of what `want` names; nothing else trains. */
static void check_tensors(const char *what, const struct params *p, const cJSON *want) {
    int trained = 0;
    for (size_t i = 0; i < p->n; i++) trained += p->at[i].trainable;
    CHECK_INT(trained, cJSON_GetArraySize(want));
    const cJSON *row;
    cJSON_ArrayForEach(row, want) {
        const struct param *q = params_find(p, row->string);
        CHECK(q && q->trainable);
        tensor *x = strcmp(what, "gradient") == 0 ? t_grad(q->t) : t_detach(q->t);
        x = t_reshape(t_cast(x, T_F64), SHAPE(-1));
        double sumsq = number(item(row, "sumsq")), got = t_item(t_sum(t_mul(x, x)));
        /* Gradients that are zero but for rounding have no digits to compare. */
        if (!(fabs(got - sumsq) <= SUMSQ_TOLERANCE * sumsq + 1e-5))
            test_fail(__FILE__, __LINE__, "%s of %s: sum of squares %.9g, expected %.9g", what,
                      row->string, got, sumsq);
    }
}

static void check_groups(const struct groups *g, const cJSON *want) {
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < g->at[i].n; k++) {
            const cJSON *row = item(want, g->params->at[g->at[i].members[k]].name);
            CHECK_NEAR(g->at[i].weight_decay, at(row, 0)->valuedouble, 1e-12);
            CHECK_NEAR(g->at[i].lr, at(row, 1)->valuedouble, 1e-12);
        }
}

static void run_step(struct replay *r, const cJSON *golden, int s, double rate) {
    const cJSON *want = at(item(golden, "steps"), s);
    const struct mask_loss_options o = mask_loss_standard();
    int scope = t_scope_open("step", T_TRAIN);
    tensor *x = pictures(s);
    x = maskformer_input(&r->model, &x, 1);
    struct maskformer_output y = maskformer_forward(&r->model, x, r->text, false);
    struct matches m;
    CHECK_OK(match_targets(&m, &o.match, y.logits, y.masks, &r->targets));
    check_matching(&m, &r->targets, item(want, "matching"));
    struct mask_losses l = mask_loss_matched(&o, y.logits, y.masks, &r->targets, &m, NULL);
    matches_free(&m);
    check_losses(&l, want, s);
    t_backward(l.total);
    if (s == 0) check_tensors("gradient", &r->params, item(golden, "step0_gradients_before_clip"));
    double norm = number(item(want, "grad_norm_before_clip"));
    CHECK_NEAR(t_item(adamw_clip(&r->adamw, 0.01)), norm, NORM_TOLERANCE * norm);
    const cJSON *rates = item(want, "learning_rates"); /* of the backbone, if apart; of the rest */
    CHECK_NEAR(rate, at(rates, cJSON_GetArraySize(rates) - 1)->valuedouble, 1e-15);
    adamw_step(&r->adamw, rate);
    params_clear_grads(&r->params);
    t_scope_close(scope, NULL);
}

static void replay(const char *name, bool swin) {
    cJSON *golden = golden_json(name);
    const cJSON *config = item(golden, "config");
    struct replay *r = mem_alloc(1, sizeof *r);
    struct maskformer_options o = options(swin);
    maskformer_init(&r->model, params_root(&r->params), &o);
    golden_fill(&r->params, 1, 0.02);
    r->text = text_features(item(config, "names"));
    static uint16_t map[PLANES][B][H][W];
    paint(item(config, "targets"), map);
    CHECK_OK(
        mask_targets_planes(&r->targets, PLANES, &map[0][0][0][0], B, H, W, o.divisor, IGNORE));

    struct group_rule rules[PROPOSALS_RULES];
    struct groups groups;
    proposals_rules(rules, swin ? 1 : 0.1, swin ? 0.01 : 1e-4);
    CHECK_OK(groups_open(&groups, &r->params, rules, PROPOSALS_RULES));
    check_groups(&groups, item(golden, "groups"));
    adamw_open(&r->adamw, groups, (struct adamw_options){0.9, 0.999, 1e-8});
    struct schedule schedule = {.kind = SCHEDULE_POLY,
                                .base = 1e-4,
                                .power = 0.9,
                                .warmup_factor = 0.1,
                                .warmup = 2,
                                .total = 20};
    int steps = cJSON_GetArraySize(item(golden, "steps"));
    for (int s = 0; s < steps; s++) run_step(r, golden, s, schedule_rate(&schedule, s));
    check_tensors("value", &r->params, item(golden, "params_after"));
    adamw_free(&r->adamw);
    mask_targets_free(&r->targets);
    params_free(&r->params);
    free(r);
    cJSON_Delete(golden);
}

TEST(training_with_a_residual_backbone_follows_the_reference) { replay("segtrain_r50c", false); }

TEST(training_with_swin_follows_the_reference) { replay("segtrain_swin", true); }
