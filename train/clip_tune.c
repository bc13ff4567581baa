#include "train/clip_tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "data/dataset_cache.h"
#include "data/region.h"
#include "data/rle.h"
#include "nn/losses/clip_loss.h"
#include "train/init_weights.h"
#include "train/noun_features.h"

/* A batch on the host: pair numbers [B], crops [B, S, S, 3], masks [B, S, S]. */
struct slot {
    int64_t *index;
    uint8_t *pixels, *mask;
};

static struct slot slot_in(const struct clip_tune *t, void *memory) {
    uint8_t *at = memory;
    struct slot s = {.index = (int64_t *)(void *)at};
    s.pixels = at + (size_t)t->B * sizeof *s.index;
    s.mask = s.pixels + t->B * 3 * t->S * t->S;
    return s;
}

static void plan(void *ctx, int64_t step, void *memory) {
    struct clip_tune *t = ctx;
    memcpy(slot_in(t, memory).index, sampler_batch(&t->sampler, step),
           (size_t)t->B * sizeof(int64_t));
}

/* reference-spec 8.2 steps 2-5 without normalizing, as bytes, then the random crop of 6.2. */
static int crop_pair(const struct clip_tune *t, int64_t i, struct rng *r, uint8_t *pixels,
                     uint8_t *mask_out) {
    const struct pair *p = &t->pairs.at[i];
    const struct crop_options *c = &t->node->config.crop;
    struct region_options o = crop_region(c, t->S);
    struct crop_range range = {c->area_lo, c->area_hi, 0.75, 4 / 3.0};
    struct image im = {0}, region = {0}, crop = {0};
    struct mask mask = {0}, region_mask = {0}, crop_mask = {0};
    struct bytes packed = {0};
    struct box box;
    int status = t->pictures.source->image(&t->pictures, p->image, &im);
    if (!status) status = pairs_mask(&t->pairs, i, &packed);
    if (!status) status = rle_unpack(packed.at, packed.n, p->h, p->w, &mask);
    if (!status && (mask.h != im.h || mask.w != im.w || !region_box(&mask, o.expand, &box)))
        status = error_set(ERR_DATA, "pair %lld: its mask does not fit its picture", (long long)i);
    if (!status) status = region_crop_u8(&im, &mask, box, &o, &region, &region_mask);
    if (!status)
        status = region_recrop(&region, &region_mask, crop_draw(r, t->S, t->S, &range), t->S, &crop,
                               &crop_mask);
    if (!status) {
        memcpy(pixels, crop.at, (size_t)(3 * t->S * t->S));
        memcpy(mask_out, crop_mask.at, (size_t)(t->S * t->S));
    }
    bytes_free(&packed);
    image_free(&im);
    image_free(&region);
    image_free(&crop);
    mask_free(&mask);
    mask_free(&region_mask);
    mask_free(&crop_mask);
    return status;
}

static int fill(void *ctx, int64_t step, void *memory) {
    const struct clip_tune *t = ctx;
    struct slot s = slot_in(t, memory);
    int status = 0;
    for (int64_t k = 0; !status && k < t->B; k++) {
        struct rng r =
            rng_stream((uint64_t)t->node->config.run.seed, "augment", (uint64_t)(step * t->B + k));
        status =
            crop_pair(t, s.index[k], &r, s.pixels + k * 3 * t->S * t->S, s.mask + k * t->S * t->S);
    }
    return status;
}

/* The batch of the step, in the caller's scope. */
static int next_batch(struct clip_tune *t, struct pair_batch *b) {
    void *memory;
    *b = (struct pair_batch){0};
    if (loader_next(t->loader, &memory)) return error_status();
    struct slot s = slot_in(t, memory);
    int64_t *noun = mem_alloc((size_t)t->B, sizeof *noun);
    for (int64_t k = 0; k < t->B; k++) noun[k] = t->pairs.at[s.index[k]].noun;
    b->region = clip_pixels(s.pixels, t->B, t->S);
    b->mask = t_from_data(s.mask, SHAPE(t->B, t->S, t->S), T_U8);
    b->noun = t_from_data(noun, SHAPE(t->B), T_I64);
    free(noun);
    return error_status();
}

tensor *clip_tune_loss(const struct clip *clip, enum clip_loss_kind kind, tensor *bank,
                       const struct pair_batch *b) {
    int scope = t_scope_open("forward", T_INHERIT);
    tensor *image = normalize_rows(clip_image(clip, b->region, b->mask), 1e-12); /* [B, D] */
    tensor *text = t_index_select(bank, 0, b->noun);                             /* [B, D] */
    tensor *scale = clip_scale(clip), *loss = NULL;                              /* [] */
    switch (kind) {
    case CLIP_LOSS_IN_BATCH: loss = clip_loss(image, text, scale, NULL); break;
    case CLIP_LOSS_MULTI_POSITIVE: loss = clip_loss_multi(image, text, scale, b->noun, NULL); break;
    case CLIP_LOSS_NOUN_BANK: loss = clip_loss_bank(image, bank, scale, b->noun); break;
    }
    return t_scope_close(scope, loss);
}

static tensor *loss(void *self, int64_t step, struct metrics_row *row) {
    (void)step;
    struct clip_tune *t = self;
    struct pair_batch b;
    int scope = t_scope_open("step", T_INHERIT);
    next_batch(t, &b);
    metrics_put(row, "scale", exp(t_item(t->model.clip.logit_scale)));
    enum clip_loss_kind kind = (enum clip_loss_kind)t->node->config.clip_train.loss;
    return t_scope_close(scope, clip_tune_loss(&t->model.clip, kind, t->bank, &b));
}

static int start(void *self, int64_t step) {
    struct clip_tune *t = self;
    const struct train_options *o = &t->node->config.train;
    size_t bytes = (size_t)t->B * (sizeof(int64_t) + (size_t)(4 * t->S * t->S));
    t->loader = loader_open((struct loader_options){o->loader_threads, o->loader_ahead},
                            (struct loader_source){t, bytes, plan, fill}, step, t->steps);
    return t->loader ? 0 : error_status();
}

static void updated(void *self) {
    struct clip_tune *t = self;
    clip_clamp_scale(&t->model.clip);
}

static int validate(void *self, struct metrics_row *row) {
    struct clip_tune *t = self;
    return clip_validation_run(&t->validation, t->node, &t->model, row);
}

int check_pairs(const struct node *n) {
    const struct node *pairs = node_from(n, "pairs"), *scenes = node_from(n, "scenes");
    const struct node *mined = pairs ? node_from(pairs, "scenes") : NULL;
    if (!mined || !scenes || strcmp(mined->id, scenes->id) == 0) return 0;
    return error_set(ERR_CONFIG,
                     "%s: inputs.pairs is mined from the scenes of %s, but inputs.scenes is %s: "
                     "name the same scenes",
                     n->path, mined->dir, scenes->dir);
}

static int open_pairs(struct clip_tune *t) {
    char *dir = node_input_path(t->node, "pairs", "pairs");
    int status = pairs_open(&t->pairs, dir);
    free(dir);
    if (!status) status = clip_open_set(t->node, "clip", &t->pictures);
    if (status) return status;
    dataset_cache(&t->pictures, 1024);
    if (t->pairs.n < t->B)
        return error_set(ERR_CONFIG, "batch.global %lld, but there are only %lld pairs",
                         (long long)t->B, (long long)t->pairs.n);
    for (int64_t i = 0; i < t->pairs.n; i++)
        if (t->pairs.at[i].image >= t->pictures.n_images)
            return error_set(ERR_DATA, "pair %lld is of picture %lld; the set has %lld",
                             (long long)i, (long long)t->pairs.at[i].image,
                             (long long)t->pictures.n_images);
    sampler_open(&t->sampler, (uint64_t)t->node->config.run.seed, "order", t->pairs.n, t->B);
    t->bank = t_hold(noun_features(t->node, &t->model.clip, t->pairs.noun.at,
                                   (int64_t)t->pairs.noun.n)); /* [K, D] */
    return error_status();
}

static int open_optimizer(struct clip_tune *t, const struct group_rule *rules, size_t n) {
    struct groups groups;
    struct str text = {0};
    int status = init_groups(&groups, t->node, &t->model.params, rules, n);
    adamw_open(&t->adamw, groups, optim_adamw(&t->node->config.optim));
    groups_print(&t->adamw.groups, &text);
    log_info("%s: %lld pairs, %zu nouns; %s", t->node->name, (long long)t->pairs.n, t->pairs.noun.n,
             text.at);
    str_free(&text);
    return status;
}

static void close_all(struct clip_tune *t) {
    loader_close(t->loader);
    sampler_close(&t->sampler);
    pairs_close(&t->pairs);
    dataset_close(&t->pictures);
    adamw_free(&t->adamw);
    clip_validation_free(&t->validation);
    t_drop(t->bank);
    clip_run_free(&t->model);
}

int clip_tune_run(struct node *n, const struct group_rule *rules, size_t n_rules,
                  const struct prompt_options *prompt) {
    const struct config *c = &n->config;
    struct clip_tune t = {.node = n, .B = c->train.batch_global};
    int status = clip_run_open(&t.model, n, "clip", prompt);
    if (!status) status = init_load(n, &t.model.params);
    t.S = clip_image_size(&t.model.clip);
    if (!status) status = open_pairs(&t);
    if (!status) status = open_optimizer(&t, rules, n_rules);
    if (!status) status = clip_validation_open(&t.validation, n, &t.model, true);
    if (!status) {
        int64_t epoch = sampler_epoch_steps(&t.sampler);
        t.steps = c->optim.steps ? c->optim.steps : c->optim.epochs * epoch;
        struct training training = {.node = n,
                                    .params = &t.model.params,
                                    .adamw = &t.adamw,
                                    .schedule = optim_schedule(&c->optim, t.steps),
                                    .clip_norm = c->optim.clip_norm,
                                    .self = &t,
                                    .start = start,
                                    .loss = loss,
                                    .updated = updated,
                                    .validate = t.validation.crops.n ? validate : NULL,
                                    .validate_every = c->train.validate_every,
                                    .keep_best = c->train.validate_keep == KEEP_BEST};
        status = loop_run(&training);
    }
    close_all(&t);
    return status;
}
