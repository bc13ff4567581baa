/* Trains a CLIP from scratch on whole pictures and their captions: where no CLIP weights can be
 * assumed to exist, this is what the rest of the method starts from. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/rng.h"
#include "data/damage.h"
#include "data/dataset_cache.h"
#include "data/loader.h"
#include "data/region.h"
#include "data/sampler.h"
#include "data/tokenizer.h"
#include "nn/losses/clip_loss.h"
#include "optim/adamw.h"
#include "train/clip_validate.h"
#include "train/loop.h"
#include "train/ranks.h"
#include "train/weights/init_weights.h"

/* A batch on the host: sample numbers as planned, [B]; of this rank's n samples numbers as they
 * came, [n], token ids [n, T], pixels [n, S, S, 3]. */
struct batch {
    uint8_t *pixels;
    int64_t *ids;
    int64_t *planned, *index;
    bool easy;
};

struct pretrain {
    struct node *node;
    struct clip_run model;
    struct clip_validation validation;
    struct adamw adamw;
    struct dataset full, easy; /* easy: only when some steps draw from it */
    struct sampler sampler, easy_sampler;
    int64_t easy_steps;
    struct tokenizer tokenizer;
    int64_t *ids, *easy_ids; /* [n_captions, T] */
    struct damage damage, easy_damage;
    struct loader *loader;
    struct shards shards;
    struct batch batch; /* of the step */
    void *made;         /* memory of a batch that is made up; NULL: none */
    int64_t B, S, T, steps;
};

static struct batch batch_in(const struct pretrain *p, int64_t step, void *slot) {
    uint8_t *at = slot;
    struct batch b = {.planned = (int64_t *)(void *)at, .easy = step < p->easy_steps};
    b.index = b.planned + p->B;
    at += 2 * (size_t)p->B * sizeof *b.index;
    b.ids = (int64_t *)(void *)at;
    b.pixels = at + (size_t)(shards_samples(&p->shards) * p->T) * sizeof *b.ids;
    return b;
}

static size_t batch_bytes(const struct pretrain *p) {
    return (size_t)p->B * 2 * sizeof(int64_t) +
           (size_t)shards_samples(&p->shards) *
               ((size_t)p->T * sizeof(int64_t) + (size_t)(3 * p->S * p->S));
}

static void plan(void *ctx, int64_t step, void *slot) {
    struct pretrain *p = ctx;
    struct batch b = batch_in(p, step, slot);
    const int64_t *index = b.easy ? sampler_batch(&p->easy_sampler, step)
                                  : sampler_batch(&p->sampler, step - p->easy_steps);
    memcpy(b.planned, index, (size_t)p->B * sizeof *index);
}

/* Mirror and shift in place of the source; pixels that come from outside repeat the border. */
static void place(const struct image *im, uint8_t *to, bool mirror, int64_t dy, int64_t dx) {
    int64_t S = im->h;
    for (int64_t y = 0; y < S; y++)
        for (int64_t x = 0; x < S; x++) {
            int64_t v = y + dy, u = x + dx;
            v = v < 0 ? 0 : v >= S ? S - 1 : v;
            u = u < 0 ? 0 : u >= S ? S - 1 : u;
            if (mirror) u = S - 1 - u;
            memcpy(to + 3 * (y * S + x), im->at + 3 * (v * S + u), 3);
        }
}

static int fill_one(const struct pretrain *p, const struct dataset *d, const int64_t *ids,
                    struct batch b, int64_t i, int64_t k, struct rng *r) {
    const struct pretrain_data_options *o = &p->node->config.data;
    const struct crop_options *crop = &p->node->config.crop;
    int64_t S = p->S;
    int64_t captions = d->caption_at[i + 1] - d->caption_at[i];
    captions = captions < o->captions ? captions : o->captions;
    if (captions < 1)
        return error_set(ERR_DATA, "image %lld has no caption", (long long)d->image_id[i]);
    int64_t caption = d->caption_at[i] + (captions > 1 ? rng_below(r, captions) : 0);
    memcpy(b.ids + k * p->T, ids + caption * p->T, (size_t)p->T * sizeof *ids);

    struct image im = {0}, sized = {0};
    int status = d->source->image(d, i, &im);
    if (!status && (im.h != S || im.w != S)) { /* a photograph: RandomResizedCrop, spec 6.2 */
        struct crop_range range = {crop->area_lo, crop->area_hi, 0.75, 4 / 3.0};
        status = region_recrop(&im, NULL, crop_draw(r, im.h, im.w, &range), S, &sized, NULL);
    }
    if (!status) {
        bool mirror = o->mirror && rng_chance(r, 0.5);
        int64_t dy = o->shift ? rng_below(r, 2 * o->shift + 1) - o->shift : 0;
        int64_t dx = o->shift ? rng_below(r, 2 * o->shift + 1) - o->shift : 0;
        place(sized.at ? &sized : &im, b.pixels + k * 3 * S * S, mirror, dy, dx);
    }
    image_free(&im);
    image_free(&sized);
    return status;
}

static int make_sample(void *ctx, int64_t i, struct rng *r, int64_t place, void *slot) {
    const struct pretrain *p = ctx;
    return fill_one(p, &p->full, p->ids, batch_in(p, p->easy_steps, slot), i, place, r);
}

static int make_easy(void *ctx, int64_t i, struct rng *r, int64_t place, void *slot) {
    const struct pretrain *p = ctx;
    return fill_one(p, &p->easy, p->easy_ids, batch_in(p, p->easy_steps, slot), i, place, r);
}

static int fill(void *ctx, int64_t step, void *slot) {
    struct pretrain *p = ctx;
    struct batch b = batch_in(p, step, slot);
    struct batch_maker m = {.ctx = p,
                            .sample = b.easy ? make_easy : make_sample,
                            .seed = (uint64_t)p->node->config.run.seed,
                            .purpose = "augment"};
    return batch_make(&m, b.easy ? &p->easy_damage : &p->damage, step, b.planned, p->B,
                      shards_part(&p->shards), b.index, slot);
}

static int start(void *self, int64_t step) {
    struct pretrain *p = self;
    const struct train_options *o = &p->node->config.train;
    p->loader = loader_open((struct loader_options){o->loader_threads, o->loader_ahead},
                            (struct loader_source){p, batch_bytes(p), plan, fill}, step, p->steps);
    return p->loader ? 0 : error_status();
}

static int take_batch(void *self, int64_t step) {
    struct pretrain *p = self;
    void *slot;
    if (loader_next(p->loader, &slot)) return error_status();
    p->batch = batch_in(p, step, slot);
    return 0;
}

static char *largest(void *self) {
    struct pretrain *p = self;
    int64_t n = shards_samples(&p->shards), T = p->T;
    p->made = mem_alloc(1, batch_bytes(p));
    p->batch = batch_in(p, 0, p->made);
    made_up_pixels(p->batch.pixels, n * 3 * p->S * p->S);
    for (int64_t k = 0; k < n; k++) { /* every place of a text is taken */
        int64_t *ids = p->batch.ids + k * T;
        ids[0] = TOKENIZER_START;
        for (int64_t i = 1; i < T; i++) ids[i] = i == T - 1 ? TOKENIZER_END : TOKENIZER_MERGED + i;
    }
    return mem_format("%lld pictures of %lld x %lld and texts of %lld tokens, %lld at once",
                      (long long)n, (long long)p->S, (long long)p->S, (long long)T,
                      (long long)p->shards.size);
}

static void forget(void *self) {
    struct pretrain *p = self;
    free(p->made);
    p->made = NULL;
    p->batch = (struct batch){0};
}

/* What the loss sees of a shard: image and text of each sample, side by side. */
static tensor *features(void *self, int64_t k) {
    struct pretrain *p = self;
    int64_t n = p->shards.size, at = k * n;
    int scope = t_scope_open("forward", T_INHERIT);
    tensor *pixels = clip_pixels(p->batch.pixels + at * 3 * p->S * p->S, n, p->S);
    tensor *image = clip_image(&p->model.clip, pixels, NULL); /* [n, D] both */
    tensor *text = clip_text_encode(&p->model.clip.text, p->batch.ids + at * p->T, n, p->T);
    tensor *both[] = {normalize_rows(image, 1e-12), normalize_rows(text, 1e-12)};
    return t_scope_close(scope, t_cat(both, 2, 1)); /* [n, 2 D] */
}

static tensor *whole(void *self, tensor *all, struct metrics_row *row) {
    struct pretrain *p = self;
    int scope = t_scope_open("loss", T_INHERIT);
    int64_t D = t_size(all, 1) / 2;
    tensor *image = t_contiguous(t_narrow(all, 1, 0, D)); /* [B, D] both */
    tensor *text = t_contiguous(t_narrow(all, 1, D, D));
    tensor *scale = clip_scale(&p->model.clip);
    metrics_put(row, "scale", t_item(scale));
    return t_scope_close(scope, clip_loss(image, text, scale, loss_rows(p->node, &p->shards)));
}

static const int64_t *samples(void *self, size_t *n) {
    struct pretrain *p = self;
    *n = (size_t)shards_samples(&p->shards);
    return p->batch.index;
}

static void dump(void *self, struct path at) {
    struct pretrain *p = self;
    int64_t n = shards_samples(&p->shards);
    path_buffer(at, "image", t_from_data(p->batch.index, SHAPE(n), T_I64));
    path_buffer(at, "pixels", t_from_data(p->batch.pixels, SHAPE(n, p->S, p->S, 3), T_U8));
    path_buffer(at, "text", t_from_data(p->batch.ids, SHAPE(n, p->T), T_I64));
}

static void keep(void *self, struct json_out *j) {
    struct pretrain *p = self;
    ranks_share_damage(p->node->comm, &p->damage);
    if (p->easy_steps) ranks_share_damage(p->node->comm, &p->easy_damage);
    json_object(j);
    json_key(j, "damaged");
    damage_write(&p->damage, j);
    if (p->easy_steps) {
        json_key(j, "easy_damaged");
        damage_write(&p->easy_damage, j);
    }
    json_end(j);
}

static int restore(void *self, const struct cJSON *samples) {
    struct pretrain *p = self;
    int status = damage_restore(&p->damage, cJSON_GetObjectItemCaseSensitive(samples, "damaged"));
    if (status || !p->easy_steps) return status;
    return damage_restore(&p->easy_damage,
                          cJSON_GetObjectItemCaseSensitive(samples, "easy_damaged"));
}

static double waited(void *self) {
    const struct pretrain *p = self;
    return loader_waited_s(p->loader);
}

static void updated(void *self) {
    struct pretrain *p = self;
    clip_clamp_scale(&p->model.clip);
}

static int validate(void *self, struct metrics_row *row) {
    struct pretrain *p = self;
    return clip_validation_run(&p->validation, p->node, &p->model, row);
}

static int validate_try(void *self) {
    struct pretrain *p = self;
    return clip_validation_try(&p->validation, p->node, &p->model, shards_samples(&p->shards));
}

/* All captions of a set as token ids; too long ones are cut, as in the reference's training. */
static int64_t *tokenize(const struct pretrain *p, const struct dataset *d) {
    int64_t *ids = mem_alloc((size_t)d->n_captions, (size_t)p->T * sizeof *ids);
    int status = 0;
    for (int64_t i = 0; !status && i < d->n_captions; i++)
        status = tokenizer_encode(&p->tokenizer, d->caption[i], p->T, true, ids + i * p->T, NULL);
    if (!status) return ids;
    free(ids);
    return NULL;
}

static int open_data(struct pretrain *p) {
    const struct config *c = &p->node->config;
    uint64_t seed = (uint64_t)c->run.seed;
    int status = tokenizer_open(&p->tokenizer, NULL);
    if (!status) status = clip_open_set(p->node, "clip", &p->full);
    if (!status) dataset_cache(&p->full, 1024);
    if (!status && !(p->ids = tokenize(p, &p->full))) status = error_status();
    if (!status && p->full.n_images < p->B)
        status = error_set(ERR_CONFIG, "batch.global %lld, but there are only %lld pictures",
                           (long long)p->B, (long long)p->full.n_images);
    if (status) return status;
    damage_open(&p->damage, train_damage(&c->train), p->full.n_images);
    sampler_open(&p->sampler, seed, "order", p->full.n_images, p->B);
    p->steps = c->optim.steps ? c->optim.steps : c->optim.epochs * sampler_epoch_steps(&p->sampler);
    p->easy_steps = (int64_t)(c->data.easy * (double)p->steps);
    if (!p->easy_steps) return 0;
    status = clip_open_set(p->node, "easy", &p->easy);
    if (!status) dataset_cache(&p->easy, 1024);
    if (!status && !(p->easy_ids = tokenize(p, &p->easy))) status = error_status();
    if (!status && p->easy.n_images < p->B)
        status = error_set(ERR_CONFIG, "batch.global %lld, but there are only %lld easy pictures",
                           (long long)p->B, (long long)p->easy.n_images);
    if (status) return status;
    damage_open(&p->easy_damage, train_damage(&c->train), p->easy.n_images);
    sampler_open(&p->easy_sampler, seed, "order easy", p->easy.n_images, p->B);
    return 0;
}

static int open_model(struct pretrain *p) {
    const struct optim_options *o = &p->node->config.optim;
    clip_run_init(&p->model, p->node, NULL);
    int status = init_load(p->node, &p->model.params);
    if (status) return status;
    p->S = clip_image_size(&p->model.clip);
    p->T = p->model.clip.opt.text.context;
    /* reference-spec 6.2: matrices decay, vectors do not. */
    double frozen = p->node->config.clip_train.freeze_scale ? 0 : 1;
    const struct group_rule rules[] = {{"logit_scale", frozen, 0},
                                       {"*bias*", 1, 0},
                                       {"*ln_*", 1, 0},
                                       {"visual.*bn?.*", 1, 0},
                                       {"visual.*downsample.1.*", 1, 0},
                                       {"*class_embedding", 1, 0},
                                       {"*", 1, o->weight_decay}};
    struct groups groups;
    status = init_groups(&groups, p->node, &p->model.params, rules, sizeof rules / sizeof *rules);
    adamw_open(&p->adamw, groups, optim_adamw(o));
    struct str text = {0};
    groups_print(&p->adamw.groups, &text);
    log_info("%s: %s", p->node->name, text.at);
    str_free(&text);
    return status;
}

static void close_all(struct pretrain *p) {
    loader_close(p->loader);
    damage_report(&p->damage, p->node->name);
    damage_report(&p->easy_damage, p->node->name);
    damage_close(&p->damage);
    damage_close(&p->easy_damage);
    sampler_close(&p->sampler);
    sampler_close(&p->easy_sampler);
    dataset_close(&p->full);
    dataset_close(&p->easy);
    tokenizer_close(&p->tokenizer);
    free(p->ids);
    free(p->easy_ids);
    adamw_free(&p->adamw);
    clip_validation_free(&p->validation);
    clip_run_free(&p->model);
}

static int run(struct node *n) {
    const struct config *c = &n->config;
    struct pretrain p = {.node = n, .B = c->train.batch_global};
    int status = shards_open(&p.shards, n);
    if (!status) status = open_model(&p);
    if (!status) status = open_data(&p);
    if (!status) status = clip_validation_open(&p.validation, n, &p.model, false);
    struct training t = {.node = n,
                         .params = &p.model.params,
                         .adamw = &p.adamw,
                         .schedule = optim_schedule(&c->optim, p.steps),
                         .clip_norm = c->optim.clip_norm,
                         .self = &p,
                         .keep = keep,
                         .restore = restore,
                         .compared = p.B,
                         .waited = waited,
                         .largest = largest,
                         .forget = forget,
                         .start = start,
                         .batch = take_batch,
                         .shards = p.shards,
                         .features = features,
                         .whole = whole,
                         .whole_kind = whole_kind(n),
                         .samples = samples,
                         .dump = dump,
                         .updated = updated,
                         .validate = clip_validation_any(&p.validation) ? validate : NULL,
                         .validate_try = validate_try,
                         .validate_every = c->train.validate_every,
                         .validate_first = *c->train.validate_probe,
                         .keep_best = c->train.validate_keep == KEEP_BEST};
    if (!status) status = loop_run(&t);
    close_all(&p);
    return status;
}

static void check(const struct node *n, struct problems *p) {
    if (n->config.clip_train.loss != CLIP_LOSS_IN_BATCH)
        problems_add(p, "%s: loss.kind: pretraining knows in-batch alone", n->path);
    clip_model_check(&n->config.clip, n->path, p);
}

static const char *const inputs[] = {"scenes", NULL};
const struct stage stage_clip_pretrain = {
    .name = "clip-pretrain",
    .inputs = inputs,
    .files = clip_probe_files,
    .ranks = true,
    .revision = 2,
    .check = check,
    .check_inputs = clip_probe_check,
    .run = run,
};
