/* Trains the proposal network: MaskFormer whose classes are CLIP's text features of the seen names,
 * plus one learned embedding for "no object" (reference-spec 1, 4, 6.1). */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "checkpoints/history.h"
#include "data/dataset_cache.h"
#include "data/segment_batches.h"
#include "nn/losses/mask_loss.h"
#include "nn/losses/pixel_text_loss.h"
#include "optim/adamw.h"
#include "train/init_weights.h"
#include "train/loop.h"
#include "train/proposals_run.h"

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
    struct segment_batches batches;
    int64_t B, H, W, steps;
};

static int start(void *self, int64_t step) {
    struct phase *p = self;
    const struct train_options *o = &p->node->config.train;
    return segment_batches_start(
        &p->batches, (struct loader_options){o->loader_threads, o->loader_ahead}, step, p->steps);
}

static void keep(void *self, struct json_out *j) {
    struct phase *p = self;
    segment_batches_keep(&p->batches, j);
}

static int restore(void *self, const struct cJSON *samples) {
    struct phase *p = self;
    return segment_batches_restore(&p->batches, samples);
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
    struct segment_batch b;
    struct mask_targets targets;
    if (segment_batches_next(&p->batches, &b)) return NULL;
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

static void open_batches(struct phase *p) {
    const struct config *c = &p->node->config;
    const struct segment_batches_options o = {.set = p->set,
                                              .sample = &c->segment,
                                              .name_of = p->name_of,
                                              .seed = (uint64_t)c->run.seed,
                                              .purpose = p->purpose,
                                              .B = p->B,
                                              .H = p->H,
                                              .W = p->W,
                                              .damage = train_damage(&c->train)};
    segment_batches_open(&p->batches, &o);
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
        open_batches(p);
        p->steps = o->steps ? o->steps : o->epochs * (p->set->n_images / p->B);
        struct training t = {.node = p->node,
                             .part = part,
                             .params = p->params,
                             .adamw = &adamw,
                             .schedule = optim_schedule(o, p->steps),
                             .clip_norm = o->clip_norm,
                             .self = p,
                             .keep = keep,
                             .restore = restore,
                             .start = start,
                             .loss = loss};
        status = loop_run(&t);
    }
    damage_report(&p->batches.damage, p->node->name);
    segment_batches_close(&p->batches);
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
    int64_t side = segment_side(&n->config.segment);
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
    const struct segment_data_options *o = &n->config.segment;
    if (o->sizes.n && !o->crop)
        settings_problem(&n->doc, p, "segment.sizes",
                         "pictures of several sizes need segment.crop");
    if (o->pad && (!o->crop || o->pad < o->crop))
        settings_problem(&n->doc, p, "segment.pad", "must be 0, or segment.crop at least");
    if (*n->config.train.validate_set)
        problems_add(p, "%s: validate.set: the proposals stage does not validate", n->path);
}

static const char *const inputs[] = {"scenes", "clip", NULL};
const struct stage stage_proposals = {
    .name = "proposals",
    .inputs = inputs,
    .revision = 5,
    .check = check,
    .run = run,
};
