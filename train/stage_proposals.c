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
#include "train/loop.h"
#include "train/prepare_sets.h"
#include "train/proposals_run.h"
#include "train/ranks.h"
#include "train/weights/init_weights.h"

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
    struct shards shards;
    struct segment_batches batches;
    struct segment_batch batch;   /* of the step, this rank's part */
    void *made;                   /* memory of a batch that is made up; NULL: none */
    struct mask_targets *targets; /* [shards.mine] of the step */
    struct mask_norms norms;      /* of a shard of the step, the mean over all shards */
    double labelled;              /* pixels, the same */
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
    ranks_share_damage(p->node->comm, &p->batches.damage);
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

/* The share of queries whose class, in the last layer, is none. logits: [n, L, Q, K + 1]. */
static double share_of_none(tensor *logits) {
    int scope = t_scope_open("no object", T_NO_GRAD);
    int64_t L = t_size(logits, 1), K = t_size(logits, 3) - 1;
    tensor *best = t_argmax(t_select(t_detach(logits), 1, L - 1), 2); /* [n, Q] */
    tensor *none = t_full(SHAPE(1), (double)K, T_I64);
    double share = t_item(t_mean(t_cast(t_eq(best, none), T_F32)));
    t_scope_close(scope, NULL);
    return share;
}

static void free_targets(struct phase *p) {
    for (int64_t k = 0; k < p->shards.mine; k++) mask_targets_free(&p->targets[k]);
}

/* Targets of all shards come first: what their losses are divided by is counted over all ranks. */
static int set_targets(struct phase *p) {
    free_targets(p);
    double sum[3] = {0};
    int64_t n = p->shards.size, pixels = n * p->H * p->W;
    for (int64_t k = 0; k < p->shards.mine; k++) {
        struct mask_targets *t = &p->targets[k];
        if (mask_targets_init(t, p->batch.maps + k * pixels, n, p->H, p->W, p->model->opt.divisor,
                              p->set->ignore))
            return error_status();
        struct mask_norms own = mask_norms_of(&p->loss, t, p->model->opt.decoder.queries);
        sum[0] += own.queries, sum[1] += own.masks, sum[2] += pixel_text_labelled(t);
    }
    comm_sum(p->node->comm, sum, 3);
    for (int i = 0; i < 3; i++) sum[i] /= (double)p->shards.n;
    p->norms = (struct mask_norms){sum[0], sum[1]};
    p->labelled = sum[2];
    return 0;
}

static int take_batch(void *self, int64_t step) {
    (void)step;
    struct phase *p = self;
    if (segment_batches_next(&p->batches, &p->batch)) return error_status();
    return set_targets(p);
}

/* As many masks in each picture as there are names and queries, thirty at most: pictures of
 * COCO-Stuff have fewer. */
static char *largest(void *self) {
    struct phase *p = self;
    int64_t n = shards_samples(&p->shards), pixels = n * p->H * p->W;
    int64_t masks = t_size(p->text, 0), queries = p->model->opt.decoder.queries;
    masks = masks > 30 ? 30 : masks;
    masks = masks > queries ? queries : masks;
    uint16_t *maps = p->made = mem_alloc((size_t)pixels, 5);
    uint8_t *rgb = (uint8_t *)(maps + pixels);
    for (int64_t i = 0; i < pixels; i++) maps[i] = (uint16_t)(i % p->W * masks / p->W);
    made_up_pixels(rgb, 3 * pixels);
    p->batch = (struct segment_batch){.maps = maps, .pixels = rgb};
    set_targets(p);
    return mem_format("%lld pictures of %lld x %lld with %lld masks, %lld at once", (long long)n,
                      (long long)p->H, (long long)p->W, (long long)masks,
                      (long long)p->shards.size);
}

static void forget(void *self) {
    struct phase *p = self;
    free_targets(p);
    free(p->made);
    p->made = NULL;
    p->batch = (struct segment_batch){0};
}

static tensor *loss(void *self, int64_t k, struct metrics_row *row) {
    struct phase *p = self;
    int64_t n = p->shards.size, pixels = n * p->H * p->W;
    int scope = t_scope_open("forward", T_INHERIT);
    tensor *rgb = t_from_data(p->batch.pixels + k * 3 * pixels, SHAPE(n, p->H, p->W, 3), T_U8);
    rgb = t_permute(rgb, SHAPE(0, 3, 1, 2));
    tensor *x = maskformer_input(p->model, &rgb, 1), *l; /* [n, 3, H', W'] */
    if (p->head) {
        struct features f = backbone_forward(&p->model->backbone, x);
        l = pixel_text_loss(p->head, &f, p->text, &p->targets[k], p->labelled);
    } else {
        struct maskformer_output y = maskformer_forward(p->model, x, p->text, false);
        struct mask_losses m = mask_loss(&p->loss, y.logits, y.masks, &p->targets[k], &p->norms);
        put_terms(row, m.terms);
        metrics_put(row, "no_object", share_of_none(y.logits));
        l = m.total;
    }
    return t_scope_close(scope, l);
}

static double waited(void *self) {
    const struct phase *p = self;
    return loader_waited_s(p->batches.loader);
}

static const int64_t *samples(void *self, size_t *n) {
    struct phase *p = self;
    *n = (size_t)shards_samples(&p->shards);
    return p->batch.sample;
}

static void dump(void *self, struct path at) {
    struct phase *p = self;
    int64_t n = shards_samples(&p->shards);
    int32_t *map = mem_alloc((size_t)(n * p->H * p->W), sizeof *map); /* there is no T_U16 */
    for (int64_t i = 0; i < n * p->H * p->W; i++) map[i] = p->batch.maps[i];
    path_buffer(at, "image", t_from_data(p->batch.sample, SHAPE(n), T_I64));
    path_buffer(at, "pixels", t_from_data(p->batch.pixels, SHAPE(n, p->H, p->W, 3), T_U8));
    path_buffer(at, "labels", t_from_data(map, SHAPE(n, p->H, p->W), T_I32));
    free(map);
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
                                              .part = shards_part(&p->shards),
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
        p->targets = mem_alloc((size_t)p->shards.mine, sizeof *p->targets);
        p->steps = o->steps ? o->steps : o->epochs * (p->set->n_images / p->B);
        struct training t = {.node = p->node,
                             .part = part,
                             .params = p->params,
                             .adamw = &adamw,
                             .schedule = optim_schedule(o, p->steps),
                             .clip_norm = o->clip_norm,
                             .shards = p->shards,
                             .self = p,
                             .keep = keep,
                             .restore = restore,
                             .waited = waited,
                             .largest = largest,
                             .forget = forget,
                             .start = start,
                             .batch = take_batch,
                             .loss = loss,
                             .samples = samples,
                             .dump = dump};
        status = loop_run(&t);
        free_targets(p);
        free(p->targets);
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
    for (size_t i = 0; init_is_set(n) && i < params.n; i++) {
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
    struct shards shards;
    int status = shards_open(&shards, n);
    if (!status) status = clip_open_set(n, "seen", &set);
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
                      .shards = shards,
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
    if (*n->config.train.validate_set || *n->config.train.validate_probe)
        problems_add(p, "%s: validate.%s: the proposals stage does not validate", n->path,
                     *n->config.train.validate_set ? "set" : "probe");
}

static int check_inputs(const struct node *n) {
    return prepare_sets_check(node_from(n, "scenes"), "seen", n, NULL);
}

static const char *const inputs[] = {"scenes", "clip", NULL};
const struct stage stage_proposals = {
    .name = "proposals",
    .inputs = inputs,
    .ranks = true,
    .revision = 5,
    .check = check,
    .run = run,
    .check_inputs = check_inputs,
};
