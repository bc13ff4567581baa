/* Trains the proposal network: MaskFormer whose classes are CLIP's text features of the seen names,
 * plus one learned embedding for "no object" (reference-spec 1, 4, 6.1). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/rng.h"
#include "checkpoints/history.h"
#include "data/dataset_cache.h"
#include "data/loader.h"
#include "data/sampler.h"
#include "data/segment_sample.h"
#include "nn/losses/mask_loss.h"
#include "nn/losses/pixel_text_loss.h"
#include "optim/adamw.h"
#include "train/init_weights.h"
#include "train/loop.h"
#include "train/proposals_run.h"

/* A batch on the host: sample numbers [B], label maps [B, H, W], pictures [B, H, W, 3]. */
struct batch {
    int64_t *index;
    uint16_t *maps;
    uint8_t *pixels;
};

/* One phase: the backbone alone against names, then the whole network. */
struct phase {
    struct node *node;
    struct params *params; /* what is trained and saved */
    struct maskformer *model;
    struct pixel_text_head *head; /* NULL: the whole network */
    struct mask_loss_options loss;
    tensor *text; /* [K, D] of the seen names */
    const struct dataset *set;
    const uint16_t *name_of; /* class of the set -> row of text, or `ignore` */
    const char *purpose;     /* names the random streams */
    struct sampler sampler;
    struct loader *loader;
    int64_t B, H, W, steps;
};

static struct batch batch_in(const struct phase *p, void *slot) {
    uint8_t *at = slot;
    struct batch b = {.index = (int64_t *)(void *)at};
    at += (size_t)p->B * sizeof *b.index;
    b.maps = (uint16_t *)(void *)at;
    b.pixels = at + (size_t)(p->B * p->H * p->W) * sizeof *b.maps;
    return b;
}

static void plan(void *ctx, int64_t step, void *slot) {
    struct phase *p = ctx;
    memcpy(batch_in(p, slot).index, sampler_batch(&p->sampler, step),
           (size_t)p->B * sizeof(int64_t));
}

static int sample(const struct phase *p, int64_t i, struct rng *r, uint8_t *pixels, uint16_t *map) {
    const struct dataset *set = p->set;
    const struct segment_data_options *o = &p->node->config.segment;
    struct image im = {0};
    struct labels l = {0};
    int status = set->source->image(set, i, &im);
    if (!status) status = set->source->labels(set, i, &l);
    if (!status && !o->crop && (im.h != p->H || im.w != p->W))
        status =
            error_set(ERR_DATA, "it is %lld x %lld, the first one %lld x %lld: set segment.crop",
                      (long long)im.w, (long long)im.h, (long long)p->W, (long long)p->H);
    if (!status) status = segment_sample(o, r, &im, &l, p->H, p->W, set->ignore, pixels, map);
    for (int64_t k = 0; !status && k < p->H * p->W; k++)
        map[k] = map[k] < set->n_classes ? p->name_of[map[k]] : set->ignore;
    image_free(&im);
    labels_free(&l);
    return status ? error_context("picture %lld", (long long)set->image_id[i]) : 0;
}

static int fill(void *ctx, int64_t step, void *slot) {
    const struct phase *p = ctx;
    struct batch b = batch_in(p, slot);
    int status = 0;
    for (int64_t k = 0; !status && k < p->B; k++) {
        struct rng r =
            rng_stream((uint64_t)p->node->config.run.seed, p->purpose, (uint64_t)(step * p->B + k));
        status =
            sample(p, b.index[k], &r, b.pixels + k * 3 * p->H * p->W, b.maps + k * p->H * p->W);
    }
    return status;
}

static int start(void *self, int64_t step) {
    struct phase *p = self;
    const struct train_options *o = &p->node->config.train;
    size_t pixels = (size_t)(p->B * p->H * p->W);
    size_t bytes = (size_t)p->B * sizeof(int64_t) + pixels * (3 + sizeof(uint16_t));
    p->loader = loader_open((struct loader_options){o->loader_threads, o->loader_ahead},
                            (struct loader_source){p, bytes, plan, fill}, step, p->steps);
    return p->loader ? 0 : error_status();
}

/* The losses of the last layer by name, and the sum over all. */
static void put_terms(struct metrics_row *row, tensor *terms) {
    int64_t L = t_size(terms, 1);
    static const char *const names[MASK_TERMS] = {"loss_ce", "loss_mask", "loss_dice"};
    for (int k = 0; k < MASK_TERMS; k++)
        metrics_put(row, names[k], t_item(t_select(t_select(terms, 0, k), 0, L - 1)));
}

static tensor *loss(void *self, int64_t step, struct metrics_row *row) {
    (void)step;
    struct phase *p = self;
    void *slot;
    struct mask_targets targets;
    if (loader_next(p->loader, &slot)) return NULL;
    struct batch b = batch_in(p, slot);
    if (mask_targets_init(&targets, b.maps, p->B, p->H, p->W, p->model->opt.divisor,
                          p->set->ignore))
        return NULL;
    int scope = t_scope_open("forward", T_INHERIT);
    tensor *rgb = t_from_data(b.pixels, SHAPE(p->B, p->H, p->W, 3), T_U8);
    rgb = t_permute(rgb, SHAPE(0, 3, 1, 2));
    tensor *x = maskformer_input(p->model, &rgb, 1), *l; /* [B, 3, H', W'] */
    if (p->head) {
        struct features f = backbone_forward(&p->model->backbone, x);
        l = pixel_text_loss(p->head, &f, p->text, &targets, NULL);
    } else {
        struct maskformer_output y = maskformer_forward(p->model, x, p->text, false);
        struct mask_losses m = mask_loss(&p->loss, y.logits, y.masks, &targets, NULL);
        put_terms(row, m.terms);
        l = m.total;
    }
    mask_targets_free(&targets);
    return t_scope_close(scope, l);
}

static int phase_run(struct phase *p, const char *part, const struct optim_options *o,
                     const struct group_rule *rules, size_t n_rules) {
    struct groups groups;
    struct adamw adamw;
    struct str text = {0};
    int status = init_groups(&groups, p->node, p->params, rules, n_rules);
    adamw_open(&adamw, groups, optim_adamw(o));
    groups_print(&adamw.groups, &text);
    log_info("%s%s%s: %s", p->node->name, part ? " " : "", part ? part : "", text.at);
    str_free(&text);
    if (!status && p->set->n_images < p->B)
        status = error_set(ERR_CONFIG, "batch.global %lld, but there are only %lld pictures",
                           (long long)p->B, (long long)p->set->n_images);
    if (!status) {
        sampler_open(&p->sampler, (uint64_t)p->node->config.run.seed, p->purpose, p->set->n_images,
                     p->B);
        p->steps = o->steps ? o->steps : o->epochs * sampler_epoch_steps(&p->sampler);
        struct training t = {.node = p->node,
                             .part = part,
                             .params = p->params,
                             .adamw = &adamw,
                             .schedule = optim_schedule(o, p->steps),
                             .clip_norm = o->clip_norm,
                             .self = p,
                             .start = start,
                             .loss = loss};
        status = loop_run(&t);
    }
    loader_close(p->loader);
    p->loader = NULL;
    sampler_close(&p->sampler);
    adamw_free(&adamw);
    return status;
}

/* The backbone and two throw-away projections, in a registry of their own. */
static int pretrain(const struct phase *whole, struct params *network) {
    struct node *n = whole->node;
    const struct optim_options *o = &n->config.pretrain;
    struct params params = {0};
    struct maskformer alone = *whole->model;
    struct pixel_text_head head;
    int64_t channels[FEATURES_MAX];
    int stages = backbone_channels(&alone.opt.backbone, channels);
    int scope = t_scope_open("pretrain", T_INHERIT);
    backbone_init(&alone.backbone, path_at(params_root(&params), "backbone"), &alone.opt.backbone);
    pixel_text_head_init(&head, path_at(params_root(&params), "head"), stages, channels,
                         t_size(whole->text, 1), alone.opt.temperature);
    for (size_t i = 0; n->init && i < params.n; i++) {
        struct param *from = params_find(network, params.at[i].name);
        if (from) t_copy_(params.at[i].t, from->t);
    }
    t_scope_close(scope, NULL);
    struct phase p = *whole;
    p.params = &params;
    p.model = &alone;
    p.head = &head;
    p.purpose = "order pretrain";
    const struct group_rule rules[] = {{"*norm*", 1, 0}, {"*", 1, o->weight_decay}};
    int status = phase_run(&p, "pretrain", o, rules, 2);
    for (size_t i = 0; !status && i < params.n; i++) {
        struct param *to = params_find(network, params.at[i].name);
        if (to) t_copy_(to->t, params.at[i].t);
    }
    params_free(&params);
    return status ? status : error_status();
}

static int train(struct phase *p) {
    const struct optim_options *o = &p->node->config.optim;
    struct group_rule rules[PROPOSALS_RULES];
    proposals_rules(rules, o);
    return phase_run(p, NULL, o, rules, PROPOSALS_RULES);
}

static int run(struct node *n) {
    struct proposals_run model;
    struct dataset set;
    int status = clip_open_set(n, "seen", &set);
    if (status) return status;
    dataset_cache(&set, 1024);
    uint16_t *name_of = mem_alloc((size_t)set.n_classes, sizeof *name_of);
    status = proposals_run_new(&model, n, &set, name_of);
    if (!status) status = init_load(n, &model.params);
    int64_t side = n->config.segment.crop;
    struct image first = {0};
    if (!status && !side) status = set.source->image(&set, 0, &first);
    struct phase p = {.node = n,
                      .params = &model.params,
                      .model = &model.model,
                      .loss = proposals_loss(&n->config.proposals),
                      .text = model.text,
                      .set = &set,
                      .name_of = name_of,
                      .purpose = "order",
                      .B = n->config.train.batch_global,
                      .H = side ? side : first.h,
                      .W = side ? side : first.w};
    image_free(&first);
    /* A checkpoint of the whole network contains what the first phase made. */
    char *last = history_last(n->dir);
    if (!status && n->config.pretrain.steps && !last) status = pretrain(&p, &model.params);
    if (!status) status = train(&p);
    free(last);
    free(name_of);
    proposals_run_free(&model);
    dataset_close(&set);
    return status;
}

static void check(const struct node *n, struct problems *p) {
    proposals_check(&n->config.proposals, n->path, p);
    if (n->config.segment.sizes.n && !n->config.segment.crop)
        settings_problem(&n->doc, p, "segment.sizes",
                         "pictures of several sizes need segment.crop");
    if (*n->config.train.validate_set)
        problems_add(p, "%s: validate.set: the proposals stage does not validate", n->path);
}

static const char *const inputs[] = {"scenes", "clip", NULL};
const struct stage stage_proposals = {
    .name = "proposals",
    .inputs = inputs,
    .revision = 3,
    .check = check,
    .run = run,
};
