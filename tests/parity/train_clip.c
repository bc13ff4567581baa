/* B pairs of a batch, S side of a picture, T context of the text tower, D length of features. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "checkpoints/tensor_file.h"
#include "data/tokenizer.h"
#include "nn/losses/clip_loss.h"
#include "optim/adamw.h"
#include "optim/schedule.h"
#include "tests/formula.h"
#include "tests/parity/golden_config.h"
#include "tests/parity/train.h"
#include "tests/parity/trained.h"
#include "train/clip_run.h"

enum { PAIRS = 1024 };

/* 1e-4 is the bar of the issue, 1e-5 what float32 leaves of elements near 1. Where the golden says
 * that weights moved by 1e-6 of themselves move a result by more, three times as far. */
static const double BAR = 1e-4, ELEMENT = 1e-5, TIMES = 3;

struct replay {
    const cJSON *golden, *config;
    const char *path;
    struct verdicts *report;
    uint64_t seed;
    struct clip_options options;
    struct adamw_options adam;
    struct tokenizer tokenizer;
    struct tensor_file tensors; /* of a path: it is open */
    struct clip_run model;      /* of the phase */
    struct adamw adamw;
    struct schedule schedule;
    int B;
    int64_t cells_h, cells_w; /* of an input */
    double lo, hi;
};

static const cJSON *at(const cJSON *array, int i) { return cJSON_GetArrayItem(array, i); }

static int unusable(const struct replay *r, const char *what) {
    return error_set(ERR_DATA, "%s: %s: not as this program knows it", r->path, what);
}

static double number_or(const cJSON *x, double otherwise) {
    return cJSON_IsNumber(x) ? x->valuedouble : otherwise;
}

static double larger(double a, double b) { return a > b ? a : b; }

/* --- what the golden says --- */

/* A size of config.PART; 0 when it is not given, -1 when it is none. */
static int64_t size_of(const struct replay *r, const char *part, const char *key) {
    const cJSON *of = part ? golden_item(r->config, part) : r->config, *x = golden_item(of, key);
    if (!x) return 0;
    double value = golden_number(x);
    return value >= 1 && value <= 1 << 20 && value == floor(value) ? (int64_t)value : -1;
}

static int read_options(struct replay *r) {
    struct clip_options *o = &r->options;
    if (cJSON_IsArray(golden_item(golden_item(r->config, "vision"), "layers")))
        return error_set(ERR_CONFIG, "%s: config.vision: of a residual tower there are no replays",
                         r->path);
    int64_t head = size_of(r, "vision", "head_width"),
            context = size_of(r, "text", "context_length"),
            vocab = size_of(r, "text", "vocab_size");
    *o = (struct clip_options){
        .image = {.image_size = size_of(r, "vision", "image_size"),
                  .patch = size_of(r, "vision", "patch_size"),
                  .width = size_of(r, "vision", "width"),
                  .layers = size_of(r, "vision", "layers"),
                  .last_block_cls_only = true},
        .text = {.vocab = vocab ? vocab : TOKENIZER_SIZE,
                 .context = context ? context : 77,
                 .width = size_of(r, "text", "width"),
                 .layers = size_of(r, "text", "layers"),
                 .heads = size_of(r, "text", "heads"),
                 .cut_at_end = true},
        .features = size_of(r, NULL, "embed_dim"),
        .temperature = 0.07,
    };
    if (head > 0) o->image.heads = o->image.width / head;
    r->B = (int)size_of(r, NULL, "batch");
    const int64_t all[] = {
        o->image.image_size, o->image.patch, o->image.width,  o->image.layers, o->text.vocab,
        o->text.width,       o->text.layers, o->text.context, o->features,     r->B};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] < 1) return unusable(r, "config");
    if (o->text.heads < 0 || head < 0 || r->B > PAIRS || o->image.image_size % o->image.patch)
        return unusable(r, "config");
    return 0;
}

static int read_rules(struct replay *r) {
    const cJSON *rule = golden_item(golden_item(r->golden, "input_rules"), "image"),
                *adam = golden_item(r->golden, "optimizer");
    int high, wide;
    if (!cJSON_IsString(rule) ||
        sscanf(rule->valuestring, "inp('batch.P.S.image',(B,3,%d,%d),seed,%lf,%lf)", &high, &wide,
               &r->lo, &r->hi) != 4 ||
        high < 1 || wide < 1 || r->options.image.image_size % high ||
        r->options.image.image_size % wide)
        return unusable(r, "input_rules.image");
    r->cells_h = high;
    r->cells_w = wide;
    r->adam = (struct adamw_options){0.9, 0.98, 1e-6};
    if (cJSON_IsString(adam))
        sscanf(adam->valuestring, "AdamW betas (%lf, %lf) eps %lf", &r->adam.beta1, &r->adam.beta2,
               &r->adam.eps);
    return 0;
}

/* FILE.safetensors is needed only where the golden lists tensors. */
static int open_tensors(struct replay *r) {
    if (!cJSON_GetArraySize(golden_item(r->golden, "tensors"))) return 0;
    char *dir = path_dir(r->path), *stem = path_stem(r->path);
    char *path = mem_format("%s/%s.safetensors", dir, stem);
    int status = tensor_file_open(&r->tensors, path, NULL);
    free(path);
    free(stem);
    free(dir);
    return status;
}

/* --- inputs --- */

/* ids of the captions of a batch: [B, T] */
static int encode(const struct replay *r, const cJSON *batch, int64_t *ids) {
    const cJSON *captions = golden_item(batch, "captions");
    int64_t T = r->options.text.context;
    if (cJSON_GetArraySize(captions) != r->B) return unusable(r, "captions");
    int status = 0;
    for (int i = 0; !status && i < r->B; i++) {
        if (!cJSON_IsString(at(captions, i))) return unusable(r, "captions");
        status = tokenizer_encode(&r->tokenizer, at(captions, i)->valuestring, T, true, ids + i * T,
                                  NULL);
    }
    return status;
}

/* [B, 3, S, S] */
static tensor *pictures(const struct replay *r, int phase, int step) {
    int64_t S = r->options.image.image_size;
    char *name = mem_format("batch.%d.%d.image", phase, step);
    struct shape cells = SHAPE(r->B, 3, r->cells_h, r->cells_w);
    tensor *x = golden_input(name, cells, r->seed, r->lo, r->hi);
    free(name);
    return t_resize_nearest(x, S, S);
}

/* 1 inside the boxes: [B, S, S] u8; NULL when the batch has none. */
static tensor *masks(const struct replay *r, const cJSON *batch) {
    const cJSON *boxes = golden_item(batch, "boxes_y0x0y1x1");
    if (!boxes) return NULL;
    int64_t S = r->options.image.image_size;
    uint8_t *m = mem_alloc((size_t)(r->B * S * S), 1);
    for (int i = 0; i < r->B; i++) {
        double e[4];
        for (int k = 0; k < 4; k++) e[k] = golden_number(at(at(boxes, i), k));
        for (int64_t y = 0; y < S; y++)
            for (int64_t x = 0; x < S; x++)
                m[(i * S + y) * S + x] =
                    (double)y >= e[0] && (double)x >= e[1] && (double)y < e[2] && (double)x < e[3];
    }
    tensor *x = t_from_data(m, SHAPE(r->B, S, S), T_U8);
    free(m);
    return x;
}

/* --- a phase --- */

/* A phase goes on with the weights of the one before; prompts that this one has not had are filled
 * by the formula. */
static void open_model(struct replay *r, int64_t depth) {
    struct clip_run before = r->model, *c = &r->model;
    *c = (struct clip_run){0};
    r->options.image.prompt_depth = depth;
    clip_init(&c->clip, params_root(&c->params), &r->options);
    golden_fill(&c->params, r->seed, 0.02);
    int scope = t_scope_open("weights", T_NO_GRAD);
    for (size_t i = 0; i < c->params.n; i++) {
        const struct param *q = params_find(&before.params, c->params.at[i].name);
        if (q && t_numel(q->t) == t_numel(c->params.at[i].t)) t_copy_(c->params.at[i].t, q->t);
    }
    t_scope_close(scope, NULL);
    if (before.params.n) clip_run_free(&before);
}

/* reference-spec 6.2. `image`: the image tower trains, too; without it the prompts alone. */
static int open_optimizer(struct replay *r, const cJSON *phase, bool image) {
    double decay = number_or(golden_item(phase, "wd"), 0.2), on = image;
    const struct group_rule rules[] = {
        {"logit_scale", 1, 0},
        {"visual.mask_embedding", 1, number_or(golden_item(phase, "mask_wd"), 0)},
        {"visual.*bias*", on, 0},
        {"visual.*ln_*", on, 0},
        {"visual.*bn*", on, 0},
        {"visual.class_embedding", on, 0}, /* a vector */
        {"visual.*", on, decay},
        {"*", 0, 0},
    };
    struct groups groups;
    int status = groups_open(&groups, &r->model.params, rules, sizeof rules / sizeof *rules);
    adamw_open(&r->adamw, groups, r->adam); /* a new one for each phase */
    r->schedule = (struct schedule){
        .kind = SCHEDULE_COSINE,
        .base = golden_number(golden_item(phase, "lr")),
        .warmup = (int64_t)number_or(golden_item(phase, "warmup"), 0),
        .total = (int64_t)number_or(golden_item(phase, "steps"), 1),
    };
    return status;
}

static void line(const struct replay *r, int phase, int step, const char *what, double found,
                 double allowed) {
    char name[64];
    snprintf(name, sizeof name, "phase %d step %d: %s", phase, step, what);
    verdicts_line(r->report, name, found, allowed);
}

/* A tensor of FILE.safetensors, where there is one of that name: RMS of the difference over RMS. */
static void compare_tensor(struct replay *r, const char *name, tensor *got, double allowed) {
    const struct st_tensor *there = r->tensors.path ? st_table_find(r->tensors.table, name) : NULL;
    if (!there) return;
    tensor *want = tensor_file_tensor(&r->tensors, there);
    double apart = INFINITY;
    if (t_numel(got) == t_numel(want)) {
        tensor *a = t_reshape(t_cast(got, T_F64), SHAPE(-1)),
               *b = t_reshape(t_cast(want, T_F64), SHAPE(-1)), *d = t_sub(a, b);
        apart = sqrt(t_item(t_sum(t_mul(d, d))) / t_item(t_sum(t_mul(b, b))));
    }
    verdicts_line(r->report, name, apart, allowed);
}

static tensor *texts(struct replay *r, const cJSON *batch, int phase, int step) {
    int64_t T = r->options.text.context, *ids = mem_alloc((size_t)(r->B * T), sizeof *ids);
    tensor *x = NULL;
    if (!encode(r, batch, ids)) {
        char name[48];
        snprintf(name, sizeof name, "phase%d_step%d_tokens", phase, step);
        compare_tensor(r, name, t_from_data(ids, SHAPE(r->B, T), T_I64), 0);
        x = clip_text_encode(&r->model.clip.text, ids, r->B, T); /* [B, D] */
    }
    free(ids);
    return x;
}

static int run_step(struct replay *r, int phase, int s) {
    const cJSON *record = at(golden_item(r->golden, "phases"), phase),
                *batch = at(golden_item(record, "batches"), s),
                *moves = at(golden_item(golden_item(r->golden, "sensitivity"), "phases"), phase);
    struct clip *c = &r->model.clip;
    int scope = t_scope_open("step", T_TRAIN);
    double want = golden_number(at(golden_item(record, "logit_scale_exp"), s));
    line(r, phase, s, "scale", fabs(t_item(clip_scale(c)) - want) / want, ELEMENT);
    tensor *mask = c->visual.mask_embedding ? masks(r, batch) : NULL;
    tensor *image = normalize_rows(clip_vit(&c->visual, pictures(r, phase, s), mask), 1e-12);
    tensor *text = normalize_rows(texts(r, batch, phase, s), 1e-12);
    tensor *loss = clip_loss(image, text, clip_scale(c), ALL_ROWS);
    want = golden_number(at(golden_item(record, "losses"), s));
    double moved = number_or(at(golden_item(moves, "abs_loss_change"), s), 0) * TIMES;
    line(r, phase, s, "loss", fabs(t_item(loss) - want), larger(BAR * want, moved));
    t_backward(loss);
    const struct trained_bar bar = {TRAINED_BAR_GRADIENT, 0, TRAINED_BAR_GRADIENT, 0};
    if (s == 0)
        trained_compare(r->report, TRAINED_GRADIENT, &r->model.params,
                        golden_item(record, "step0_gradients"), &bar);
    want = golden_number(at(golden_item(record, "lr"), s));
    double rate = schedule_rate(&r->schedule, s);
    line(r, phase, s, "rate", fabs(rate - want) / r->schedule.base, 1e-9);
    adamw_step(&r->adamw, rate);
    params_clear_grads(&r->model.params);
    clip_clamp_scale(c);
    t_scope_close(scope, NULL);
    return error_status();
}

static int run_phase(struct replay *r, int i) {
    const cJSON *record = at(golden_item(r->golden, "phases"), i),
                *mode = golden_item(record, "mode"),
                *phase = at(golden_item(r->config, "phases"), i),
                *moves = at(golden_item(golden_item(r->golden, "sensitivity"), "phases"), i);
    double depth = number_or(golden_item(phase, "depth"), 0);
    int n = cJSON_GetArraySize(golden_item(record, "losses"));
    if (!cJSON_IsString(mode) || !n || depth < 0 || depth > (double)r->options.image.layers ||
        !(golden_number(golden_item(phase, "lr")) > 0))
        return unusable(r, "phases");
    open_model(r, (int64_t)depth);
    int status = open_optimizer(r, phase, strcmp(mode->valuestring, "mpt") != 0);
    const struct trained_bar bar = {
        larger(BAR, TIMES * number_or(golden_item(moves, "max_relative_sumsq_change"), 0)),
        larger(ELEMENT, TIMES * number_or(golden_item(moves, "max_abs_first8_change"), 0)), BAR, 0};
    for (int s = 0; !status && s < n; s++) status = run_step(r, i, s);
    if (!status) {
        char name[48];
        snprintf(name, sizeof name, "phase%d_mask_embedding_after", i);
        trained_compare(r->report, TRAINED_VALUE, &r->model.params,
                        golden_item(record, "params_after"), &bar);
        int scope = t_scope_open("prompts", T_NO_GRAD);
        if (r->model.clip.visual.mask_embedding)
            compare_tensor(r, name, r->model.clip.visual.mask_embedding, BAR);
        t_scope_close(scope, NULL);
    }
    adamw_free(&r->adamw);
    return status ? status : error_status();
}

int train_clip_replay(const char *path, const cJSON *golden, struct verdicts *report) {
    struct replay *r = mem_alloc(1, sizeof *r);
    *r = (struct replay){
        .golden = golden, .config = golden_item(golden, "config"), .path = path, .report = report};
    r->seed = (uint64_t)number_or(golden_item(r->config, "seed"), 1);
    int scope = t_scope_open("replay", T_INHERIT);
    int status = read_options(r);
    if (!status) status = read_rules(r);
    if (!status && !cJSON_GetArraySize(golden_item(golden, "phases")))
        status = unusable(r, "phases");
    if (!status) status = tokenizer_open(&r->tokenizer, NULL);
    if (!status) status = open_tensors(r);
    for (int i = 0; !status && i < cJSON_GetArraySize(golden_item(golden, "phases")); i++)
        status = run_phase(r, i);
    if (r->model.params.n) clip_run_free(&r->model);
    t_scope_close(scope, NULL);
    if (r->tensors.path) tensor_file_close(&r->tensors);
    tokenizer_close(&r->tokenizer);
    free(r);
    return status;
}
