#include "train/clip_tune.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "data/clip_picture.h"
#include "data/dataset_cache.h"
#include "data/pairs_crop.h"
#include "data/region.h"
#include "nn/losses/clip_loss.h"
#include "train/mine/noun_features.h"
#include "train/prepare_sets.h"
#include "train/ranks.h"
#include "train/weights/init_weights.h"

/* A batch on the host: pair numbers [B] as planned; of this rank's part pair numbers as they came,
 * crops [n, S, S, 3], masks [n, S, S]. */
struct slot {
    int64_t *planned, *index;
    uint8_t *pixels, *mask;
};

static struct slot slot_in(const struct clip_tune *t, void *memory) {
    uint8_t *at = memory;
    struct slot s = {.planned = (int64_t *)(void *)at};
    s.index = s.planned + t->B;
    s.pixels = at + 2 * (size_t)t->B * sizeof *s.index;
    s.mask = s.pixels + shards_samples(&t->shards) * 3 * t->S * t->S;
    return s;
}

static void plan(void *ctx, int64_t step, void *memory) {
    struct clip_tune *t = ctx;
    const int64_t *batch =
        t->table.n ? sampler_batch(&t->sampler, step) : pairs_mix_batch(&t->pairs, step);
    memcpy(slot_in(t, memory).planned, batch, (size_t)t->B * sizeof *batch);
}

/* reference-spec 8.2 steps 2-5 without normalizing, as bytes, then the random crop of 6.2. */
static int crop_pair(const struct clip_tune *t, int64_t i, struct rng *r, uint8_t *pixels,
                     uint8_t *mask_out) {
    const struct crop_options *c = &t->node->config.crop;
    struct region_options o = crop_region(c, t->S);
    struct crop_range range = {c->area_lo, c->area_hi, 0.75, 4 / 3.0};
    struct image im = {0}, region = {0}, crop = {0};
    struct mask region_mask = {0};
    int64_t place;
    const struct pairs *pairs = pairs_mix_find(&t->pairs, i, &place);
    int status = t->pictures.source->image(&t->pictures, pairs->at[place].image, &im);
    if (!status) status = pairs_crop(pairs, place, &im, &o, &region, &region_mask);
    if (!status)
        status = clip_picture_part(&region, &region_mask, crop_draw(r, t->S, t->S, &range), t->S,
                                   &crop, mask_out);
    if (!status) memcpy(pixels, crop.at, (size_t)(3 * t->S * t->S));
    image_free(&im);
    image_free(&region);
    image_free(&crop);
    mask_free(&region_mask);
    return status ? error_context("pair %lld", (long long)i) : 0;
}

static int make_sample(void *ctx, int64_t i, struct rng *r, int64_t place, void *memory) {
    const struct clip_tune *t = ctx;
    struct slot s = slot_in(t, memory);
    int64_t pixels = t->S * t->S;
    uint8_t *crop = s.pixels + place * 3 * pixels, *mask = s.mask + place * pixels;
    return t->table.n ? pairs_tsv_crop(&t->table, i, r, &t->node->config.crop, t->S, crop, mask)
                      : crop_pair(t, i, r, crop, mask);
}

static int fill(void *ctx, int64_t step, void *memory) {
    struct clip_tune *t = ctx;
    struct slot s = slot_in(t, memory);
    struct batch_maker m = {.ctx = t,
                            .sample = make_sample,
                            .seed = (uint64_t)t->node->config.run.seed,
                            .purpose = "augment"};
    return batch_make(&m, &t->damage, step, s.planned, t->B, shards_part(&t->shards), s.index,
                      memory);
}

static int64_t noun_of(const struct clip_tune *t, int64_t pair) {
    return t->table.n ? t->table.text[pair] : pairs_mix_noun(&t->pairs, pair);
}

/* The loader's next slot, and the nouns of all ranks' samples. */
static int take_batch(void *self, int64_t step) {
    (void)step;
    struct clip_tune *t = self;
    if (loader_next(t->loader, &t->slot)) return error_status();
    struct slot s = slot_in(t, t->slot);
    int64_t n = shards_samples(&t->shards), *mine = t->noun + shards_first_sample(&t->shards);
    for (int64_t k = 0; k < n; k++) mine[k] = noun_of(t, s.index[k]);
    if (t->node->comm) {
        int64_t *all = mem_alloc((size_t)t->B, sizeof *all);
        comm_gather(t->node->comm, mine, (size_t)n * sizeof *mine, all);
        memcpy(t->noun, all, (size_t)t->B * sizeof *all);
        free(all);
    }
    return 0;
}

/* The rank's k-th shard, in the caller's scope. */
static struct pair_batch shard(const struct clip_tune *t, int64_t k) {
    struct slot s = slot_in(t, t->slot);
    int64_t n = t->shards.size, at = k * n, pixels = t->S * t->S;
    return (struct pair_batch){
        .region = clip_pixels(s.pixels + at * 3 * pixels, n, t->S),
        .mask = t_from_data(s.mask + at * pixels, SHAPE(n, t->S, t->S), T_U8),
        .noun = t_from_data(t->noun + shards_first_sample(&t->shards) + at, SHAPE(n), T_I64),
    };
}

static tensor *image_features(const struct clip *clip, const struct pair_batch *b) {
    return normalize_rows(clip_image(clip, b->region, b->mask), 1e-12); /* [B, D] */
}

/* image: [B, D]; noun: [B]. */
static tensor *loss_of(const struct clip *clip, enum clip_loss_kind kind, tensor *bank,
                       tensor *image, tensor *noun, struct loss_rows rows) {
    int scope = t_scope_open("loss", T_INHERIT);
    tensor *text = t_index_select(bank, 0, noun);   /* [B, D] */
    tensor *scale = clip_scale(clip), *loss = NULL; /* [] */
    switch (kind) {
    case CLIP_LOSS_IN_BATCH: loss = clip_loss(image, text, scale, rows); break;
    case CLIP_LOSS_MULTI_POSITIVE: loss = clip_loss_multi(image, text, scale, noun, rows); break;
    case CLIP_LOSS_NOUN_BANK: loss = clip_loss_bank(image, bank, scale, noun); break;
    }
    return t_scope_close(scope, loss);
}

tensor *clip_tune_loss(const struct clip *clip, enum clip_loss_kind kind, tensor *bank,
                       const struct pair_batch *b) {
    int scope = t_scope_open("forward", T_INHERIT);
    tensor *image = image_features(clip, b); /* [B, D] */
    return t_scope_close(scope, loss_of(clip, kind, bank, image, b->noun, ALL_ROWS));
}

static enum clip_loss_kind kind_of(const struct clip_tune *t) {
    return (enum clip_loss_kind)t->node->config.clip_train.loss;
}

static void put_scale(const struct clip_tune *t, struct metrics_row *row) {
    metrics_put(row, "scale", exp(t_item(t->model.clip.logit_scale)));
}

static tensor *loss(void *self, int64_t k, struct metrics_row *row) {
    struct clip_tune *t = self;
    int scope = t_scope_open("step", T_INHERIT);
    struct pair_batch b = shard(t, k);
    put_scale(t, row);
    return t_scope_close(scope, clip_tune_loss(&t->model.clip, kind_of(t), t->bank, &b));
}

static tensor *features(void *self, int64_t k) {
    struct clip_tune *t = self;
    int scope = t_scope_open("step", T_INHERIT);
    struct pair_batch b = shard(t, k);
    return t_scope_close(scope, image_features(&t->model.clip, &b)); /* [size, D] */
}

static tensor *whole(void *self, tensor *all, struct metrics_row *row) {
    struct clip_tune *t = self;
    int scope = t_scope_open("step", T_INHERIT);
    put_scale(t, row);
    tensor *noun = t_from_data(t->noun, SHAPE(t->B), T_I64);
    return t_scope_close(scope, loss_of(&t->model.clip, kind_of(t), t->bank, all, noun,
                                        loss_rows(t->node, &t->shards)));
}

static const int64_t *samples(void *self, size_t *n) {
    struct clip_tune *t = self;
    *n = (size_t)shards_samples(&t->shards);
    return slot_in(t, t->slot).index;
}

static void dump(void *self, struct path at) {
    struct clip_tune *t = self;
    struct slot s = slot_in(t, t->slot);
    int64_t n = shards_samples(&t->shards);
    path_buffer(at, "pair", t_from_data(s.index, SHAPE(n), T_I64));
    path_buffer(at, "crop", t_from_data(s.pixels, SHAPE(n, t->S, t->S, 3), T_U8));
    path_buffer(at, "mask", t_from_data(s.mask, SHAPE(n, t->S, t->S), T_U8));
}

static size_t slot_bytes(const struct clip_tune *t) {
    return (size_t)t->B * 2 * sizeof(int64_t) +
           (size_t)(shards_samples(&t->shards) * 4 * t->S * t->S);
}

static char *largest(void *self) {
    struct clip_tune *t = self;
    int64_t n = shards_samples(&t->shards), pixels = t->S * t->S;
    t->slot = mem_alloc(1, slot_bytes(t));
    struct slot s = slot_in(t, t->slot);
    made_up_pixels(s.pixels, n * 3 * pixels);
    for (int64_t i = 0; i < n * pixels; i++) s.mask[i] = i % t->S < t->S / 2;
    for (int64_t k = 0; k < t->B; k++) t->noun[k] = k % t_size(t->bank, 0);
    return mem_format("%lld crops of %lld x %lld, %lld at once", (long long)n, (long long)t->S,
                      (long long)t->S, (long long)t->shards.size);
}

static void forget(void *self) {
    struct clip_tune *t = self;
    free(t->slot);
    t->slot = NULL;
}

static int start(void *self, int64_t step) {
    struct clip_tune *t = self;
    const struct train_options *o = &t->node->config.train;
    size_t bytes = slot_bytes(t);
    t->loader = loader_open((struct loader_options){o->loader_threads, o->loader_ahead},
                            (struct loader_source){t, bytes, plan, fill}, step, t->steps);
    return t->loader ? 0 : error_status();
}

static void keep(void *self, struct json_out *j) {
    struct clip_tune *t = self;
    ranks_share_damage(t->node->comm, &t->damage);
    json_object(j);
    json_key(j, "damaged");
    damage_write(&t->damage, j);
    json_end(j);
}

static int restore(void *self, const struct cJSON *samples) {
    struct clip_tune *t = self;
    return damage_restore(&t->damage, cJSON_GetObjectItemCaseSensitive(samples, "damaged"));
}

static double waited(void *self) {
    const struct clip_tune *t = self;
    return loader_waited_s(t->loader);
}

static void updated(void *self) {
    struct clip_tune *t = self;
    clip_clamp_scale(&t->model.clip);
}

static int validate(void *self, struct metrics_row *row) {
    struct clip_tune *t = self;
    return clip_validation_run(&t->validation, t->node, &t->model, row);
}

static int validate_try(void *self) {
    struct clip_tune *t = self;
    return clip_validation_try(&t->validation, t->node, &t->model, shards_samples(&t->shards));
}

static int open_mined(struct clip_tune *t) {
    int status = pairs_mix_open(&t->pairs, t->node);
    if (!status) status = clip_open_set(t->node, "clip", &t->pictures);
    if (status) return status;
    dataset_cache(&t->pictures, 1024);
    t->n_pairs = t->pairs.n;
    for (int64_t i = 0, place; i < t->pairs.n; i++) {
        const struct pairs *p = pairs_mix_find(&t->pairs, i, &place);
        if (p->at[place].image >= t->pictures.n_images)
            return error_set(ERR_DATA, "pair %lld is of picture %lld; the set has %lld",
                             (long long)i, (long long)p->at[place].image,
                             (long long)t->pictures.n_images);
    }
    return 0;
}

/* Texts of a table stand for themselves, nouns in the templates. */
static tensor *open_bank(const struct clip_tune *t) {
    static char *as_it_is[] = {"{}"};
    struct text_options text = t->node->config.text;
    const struct strings *names = &t->pairs.noun;
    if (t->table.n) {
        text.templates = (struct strings){.at = as_it_is, .n = 1};
        names = &t->table.texts;
    }
    return text_features(t->node, &t->model.clip, &text, names->at, (int64_t)names->n); /* [K, D] */
}

static int open_pairs(struct clip_tune *t) {
    bool table = pairs_input_is_table(t->node);
    int status = table ? pairs_input_table(&t->table, t->node) : open_mined(t);
    if (status) return status;
    if (table) t->n_pairs = t->table.n;
    if (t->n_pairs < t->B)
        return error_set(ERR_CONFIG, "batch.global %lld, but there are only %lld pairs",
                         (long long)t->B, (long long)t->n_pairs);
    damage_open(&t->damage, train_damage(&t->node->config.train), t->n_pairs);
    if (table)
        sampler_open(&t->sampler, (uint64_t)t->node->config.run.seed, "order", t->n_pairs, t->B);
    else
        status = pairs_mix_sample(&t->pairs, t->node, t->B);
    if (status) return status;
    t->bank = t_hold(open_bank(t)); /* [K, D] */
    return error_status();
}

static int open_optimizer(struct clip_tune *t, const struct group_rule *rules, size_t n) {
    struct groups groups;
    struct str text = {0};
    int status = init_groups(&groups, t->node, &t->model.params, rules, n);
    adamw_open(&t->adamw, groups, optim_adamw(&t->node->config.optim));
    groups_print(&t->adamw.groups, &text);
    size_t names = t->table.n ? t->table.texts.n : t->pairs.noun.n;
    log_info("%s: %lld pairs, %zu nouns; %s", t->node->name, (long long)t->n_pairs, names, text.at);
    str_free(&text);
    return status;
}

static void close_all(struct clip_tune *t) {
    loader_close(t->loader);
    damage_report(&t->damage, t->node->name);
    damage_close(&t->damage);
    sampler_close(&t->sampler);
    pairs_mix_close(&t->pairs);
    pairs_tsv_close(&t->table);
    dataset_close(&t->pictures);
    adamw_free(&t->adamw);
    clip_validation_free(&t->validation);
    t_drop(t->bank);
    free(t->noun);
    clip_run_free(&t->model);
}

int clip_tune_run(struct node *n, const struct group_rule *rules, size_t n_rules,
                  const struct prompt_options *prompt) {
    const struct config *c = &n->config;
    struct clip_tune t = {.node = n, .B = c->train.batch_global};
    int status = shards_open(&t.shards, n);
    t.noun = mem_alloc((size_t)t.B, sizeof *t.noun);
    if (!status) status = clip_run_open(&t.model, n, "clip", prompt);
    if (!status) status = init_load(n, &t.model.params);
    t.S = clip_image_size(&t.model.clip);
    if (!status) status = open_pairs(&t);
    if (!status) status = open_optimizer(&t, rules, n_rules);
    if (!status) status = clip_validation_open(&t.validation, n, &t.model, true);
    status = ranks_meet(n->comm, status); /* texts were encoded, between signals */
    if (!status) {
        int64_t epoch = t.table.n ? sampler_epoch_steps(&t.sampler) : pairs_mix_epoch(&t.pairs);
        t.steps = c->optim.steps ? c->optim.steps : c->optim.epochs * epoch;
        bool compared = kind_of(&t) != CLIP_LOSS_NOUN_BANK;
        struct training training = {
            .node = n,
            .shards = t.shards,
            .params = &t.model.params,
            .adamw = &t.adamw,
            .schedule = optim_schedule(&c->optim, t.steps),
            .clip_norm = c->optim.clip_norm,
            .self = &t,
            .keep = keep,
            .restore = restore,
            .compared = kind_of(&t) == CLIP_LOSS_IN_BATCH ? t.B : 0,
            .waited = waited,
            .largest = largest,
            .forget = forget,
            .start = start,
            .batch = take_batch,
            .loss = loss,
            .features = compared ? features : NULL,
            .whole = whole,
            .whole_kind = whole_kind(n),
            .samples = samples,
            .dump = dump,
            .updated = updated,
            .validate = clip_validation_any(&t.validation) ? validate : NULL,
            .validate_try = validate_try,
            .validate_every = c->train.validate_every,
            .validate_first = *c->train.validate_probe,
            .keep_best = c->train.validate_keep == KEEP_BEST};
        status = loop_run(&training);
    }
    close_all(&t);
    return status;
}

int clip_tune_check_inputs(const struct node *n) {
    const char *set = n->config.train.validate_set;
    int status = pairs_input_check(n);
    if (!status && *set)
        status = prepare_sets_check(node_from(n, "scenes"), set, n, "validate.set");
    return status ? status : clip_probe_check(n);
}
