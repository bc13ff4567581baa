#include "tests/gpu_check/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "data/scenes.h"

enum { SEED = 1, K = SCENE_CLASSES };

const struct task_size TASK_SMALL = {false, 8, 2, 128};
const struct task_size TASK_FULL = {true, 64, 8, 512};

enum { PRETRAIN, FINETUNE, FINETUNE_BANK, MASK_PROMPT, JOINT, BACKBONE, PROPOSALS };
const char *const task_names[TASKS] = {"clip-pretrain", "clip-finetune", "clip-finetune, noun bank",
                                       "mask-prompt",   "clip-joint",    "backbone",
                                       "proposals"};

/* ---- batches ---- */

/* n scenes of one side: pixels [n, S, S, 3], labels [n, S, S]. */
struct pictures {
    uint8_t *pixels;
    uint16_t *labels;
};

static int draw(struct pictures *p, int64_t n, int64_t S) {
    struct scenes_options o = scenes_defaults();
    o.size = S;
    o.unseen = true;
    *p = (struct pictures){mem_alloc((size_t)(n * S * S), 3),
                           mem_alloc((size_t)(n * S * S), sizeof *p->labels)};
    int status = 0;
    for (int64_t i = 0; i < n && !status; i++) {
        struct scene s;
        status = scene_draw(&s, &o, SEED, "gpu-check", i);
        if (status) break;
        memcpy(p->pixels + i * S * S * 3, s.image.at, (size_t)(S * S * 3));
        memcpy(p->labels + i * S * S, s.labels.at, (size_t)(S * S) * sizeof *p->labels);
        scene_free(&s);
    }
    return status;
}

static void pictures_free(struct pictures *p) {
    free(p->pixels);
    free(p->labels);
}

/* Bytes [B, S, S, 3] -> about -2 .. 2, [B, 3, S, S] */
static tensor *to_images(const uint8_t *pixels, int64_t B, int64_t S) {
    tensor *x = t_cast(t_from_data(pixels, SHAPE(B, S, S, 3), T_U8), T_F32);
    x = t_permute(t_shift(t_scale(x, 1 / 63.75), -2), SHAPE(0, 3, 1, 2));
    return t_contiguous(x);
}

/* A pair is a picture and the region of the label in its middle. */
static void make_pairs(struct task *t, const struct pictures *p, int64_t S) {
    int64_t B = t->B, hw = S * S, *noun = mem_alloc((size_t)B, sizeof *noun);
    uint8_t *mask = mem_alloc((size_t)(B * hw), 1);
    for (int64_t b = 0; b < B; b++) {
        uint16_t *label = p->labels + b * hw, middle = label[hw / 2 + S / 2];
        noun[b] = middle < K ? middle : b % K;
        for (int64_t i = 0; i < hw; i++) mask[b * hw + i] = label[i] == middle;
        for (int64_t i = 0; i < 3 * hw; i++)
            if (!mask[b * hw + i / 3]) p->pixels[b * 3 * hw + i] = 127;
    }
    t->images = t_hold(to_images(p->pixels, B, S));
    t->masks = t_hold(t_from_data(mask, SHAPE(B, S, S), T_U8));
    t->ids = t_hold(t_from_data(noun, SHAPE(B), T_I64));
    free(mask);
    free(noun);
}

/* A name is a start, two words and an end. [n, context] */
static int64_t *make_tokens(const struct clip_options *o, int64_t n) {
    int64_t L = o->text.context, V = o->text.vocab, *ids = mem_alloc((size_t)(n * L), sizeof *ids);
    for (int64_t i = 0; i < n; i++) {
        ids[i * L] = V - 2;
        ids[i * L + 1] = 1 + 7 * i % (V - 3);
        ids[i * L + 2] = 1 + 11 * i % (V - 3);
        ids[i * L + 3] = V - 1;
    }
    return ids;
}

/* ---- steps ---- */

static tensor *image_features(struct task *t) {
    return normalize_rows(clip_image(&t->clip, t->images, t->masks), 1e-12); /* [B, D] */
}

static tensor *step_pretrain(struct task *t) {
    int64_t L = t->clip.opt.text.context;
    tensor *text = normalize_rows(clip_text_encode(&t->clip.text, t->tokens, t->B, L), 1e-12);
    return clip_loss(image_features(t), text, clip_scale(&t->clip), ALL_ROWS);
}

static tensor *step_in_batch(struct task *t) {
    tensor *text = t_index_select(t->bank, 0, t->ids); /* [B, D] */
    return clip_loss(image_features(t), text, clip_scale(&t->clip), ALL_ROWS);
}

static tensor *step_bank(struct task *t) {
    return clip_loss_bank(image_features(t), t->bank, clip_scale(&t->clip), t->ids);
}

static tensor *step_backbone(struct task *t) {
    struct features f = backbone_forward(&t->net->backbone, t->images);
    double pixels = pixel_text_labelled(&t->targets);
    return pixel_text_loss(&t->head, &f, t->bank, &t->targets, pixels);
}

static tensor *step_proposals(struct task *t) {
    struct maskformer_output y = maskformer_forward(t->net, t->images, t->bank, false);
    return mask_loss(&t->loss, y.logits, y.masks, &t->targets, NULL).total;
}

/* ---- tasks ---- */

static int open_optimizer(struct task *t, const struct group_rule *rules, size_t n) {
    struct groups g;
    int status = groups_open(&g, &t->params, rules, n);
    adamw_open(&t->adamw, g, (struct adamw_options){0.9, 0.98, 1e-6});
    return status;
}

static int open_clip(struct task *t, int which, const struct task_size *size) {
    static const struct clip_options small = {
        .image = {.image_size = 64,
                  .patch = 16,
                  .width = 64,
                  .layers = 3,
                  .heads = 2,
                  .last_block_cls_only = true},
        .text =
            {.vocab = 512, .context = 16, .width = 64, .layers = 2, .heads = 2, .cut_at_end = true},
        .features = 32,
        .temperature = 0.07,
    };
    static const struct group_rule all[] = {{"logit_scale", 1, 0}, {"*", 1, 0.2}};
    static const struct group_rule tower[] = {
        {"logit_scale", 1, 0}, {"visual.*", 1, 0.2}, {"*", 0, 0}};
    static const struct group_rule prompts[] = {
        {"logit_scale", 1, 0}, {"visual.mask_embedding", 1, 0}, {"*", 0, 0}};
    struct clip_options o = small;
    struct pictures p;
    if (size->full && clip_options_named("ViT-B/16", &o)) return error_status();
    o.image.prompt_depth = which == MASK_PROMPT || which == JOINT ? 3 : 0;
    int64_t S = o.image.image_size;
    t->B = size->clip_batch;
    clip_init(&t->clip, params_root(&t->params), &o);
    t->tokens = make_tokens(&o, t->B > K ? t->B : K);
    int off = t_scope_open("bank", T_NO_GRAD);
    tensor *bank = clip_text_encode(&t->clip.text, t->tokens, K, o.text.context);
    t->bank = t_hold(t_scope_close(off, normalize_rows(bank, 0))); /* [K, D] */
    int status = draw(&p, t->B, S);
    if (!status) make_pairs(t, &p, S);
    pictures_free(&p);
    t->step = which == PRETRAIN ? step_pretrain : which == FINETUNE ? step_in_batch : step_bank;
    if (status) return status;
    if (which == PRETRAIN) return open_optimizer(t, all, 2);
    return open_optimizer(t, which == MASK_PROMPT ? prompts : tower, 3);
}

static int open_network(struct task *t, int which, const struct task_size *size) {
    static const struct group_rule rules[] = {{"backbone.*", 0.1, 1e-4}, {"*", 1, 1e-4}};
    enum { D = 32 };
    int64_t B = size->picture_batch, S = size->picture_side, channels[FEATURES_MAX];
    struct maskformer_options o = maskformer_small(D, 15);
    if (size->full) {
        o = maskformer_standard();
        o.backbone = backbone_resnet(resnet_standard(50, false));
        o.text_width = D;
    }
    o.decoder.transformer.dropout = 0; /* whose draws differ between devices */
    t->B = B;
    t->net = mem_alloc(1, sizeof *t->net);
    maskformer_init(t->net, params_root(&t->params), &o);
    int stages = backbone_channels(&o.backbone, channels);
    if (which == BACKBONE)
        pixel_text_head_init(&t->head, path_at(params_root(&t->params), "head"), stages, channels,
                             D, 15);
    t->bank = t_hold(normalize_rows(t_randn(SHAPE(K, D), 1), 0));
    t->loss = mask_loss_standard();
    t->loss.plain = t->loss.match.plain = t_device() != T_CPU;
    struct pictures p;
    int status = draw(&p, B, S);
    if (!status)
        status = mask_targets_init(&t->targets, p.labels, B, S, S, o.divisor, SCENE_IGNORE);
    if (!status) t->images = t_hold(to_images(p.pixels, B, S));
    pictures_free(&p);
    t->step = which == BACKBONE ? step_backbone : step_proposals;
    return status ? status : open_optimizer(t, rules, 2);
}

int task_open(struct task *t, int which, const struct task_size *size) {
    *t = (struct task){.name = task_names[which]};
    t_seed(SEED);
    int scope = t_scope_open(t->name, T_INHERIT);
    int status = which >= BACKBONE ? open_network(t, which, size) : open_clip(t, which, size);
    t_scope_close(scope, NULL);
    return status ? status : error_status();
}

void task_close(struct task *t) {
    t_drop(t->images);
    t_drop(t->masks);
    t_drop(t->bank);
    t_drop(t->ids);
    free(t->tokens);
    mask_targets_free(&t->targets);
    adamw_free(&t->adamw);
    clip_free(&t->clip);
    free(t->net);
    params_free(&t->params);
}

double task_gradients(struct task *t, enum precision p) {
    int scope = t_scope_open(t->name, T_TRAIN | T_PRECISION(p));
    if (p != PRECISION_FP16)
        t->scaler = (struct scaler){0};
    else if (!(t->scaler.scale > 0))
        scaler_open(&t->scaler);
    tensor *loss = t->step(t); /* [] */
    t_backward(scaler_up(&t->scaler, loss));
    scaler_down(&t->scaler, &t->adamw);
    double value = t_item(loss);
    t_scope_close(scope, NULL);
    return value;
}

tensor *task_gradient(const struct task *t) {
    int scope = t_scope_open("gradient", T_NO_GRAD);
    tensor **all = mem_alloc(t->params.n, sizeof(tensor *));
    size_t n = 0;
    for (size_t i = 0; i < t->params.n; i++) {
        tensor *x = t->params.at[i].t, *g = t_requires_grad(x) ? t_grad(x) : NULL;
        if (g) all[n++] = t_reshape(g, SHAPE(-1));
    }
    tensor *y = n ? t_cat(all, n, 0) : t_zeros(SHAPE(1), T_F32); /* [n] */
    free(all);
    return t_scope_close(scope, y);
}

double task_update(struct task *t, double rate) {
    int scope = t_scope_open("update", T_NO_GRAD);
    double norm = t_item(adamw_clip(&t->adamw, 0));
    if (scaler_passes(&t->scaler, norm)) adamw_step(&t->adamw, rate);
    params_clear_grads(&t->params);
    t_scope_close(scope, NULL);
    return norm;
}
