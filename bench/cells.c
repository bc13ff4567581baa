/* B crops or pictures, S side, T tokens, D feature length, K classes. */
#include "bench/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "tests/formula.h"

enum { SEED = 1, T = 77, CLASSES = 171, TARGETS = 8 };

/* ---- CLIP ---- */

/* Texts of 6 to 12 tokens as CLIP's are laid out: start, words, end, zeros. [B, T] i64 */
static tensor *make_texts(int64_t B) {
    int64_t *ids = mem_alloc((size_t)(B * T), sizeof *ids);
    for (int64_t b = 0; b < B; b++) {
        int64_t n = 6 + b % 7;
        for (int64_t t = 1; t < n - 1; t++)
            ids[b * T + t] =
                1000 + (int64_t)(20000 * (1 + golden_u("text", (uint64_t)(b * T + t), SEED)));
        ids[b * T] = 49406;
        ids[b * T + n - 1] = 49407;
    }
    tensor *x = t_from_data(ids, SHAPE(B, T), T_I64);
    free(ids);
    return x;
}

/* Regions over nine of the fourteen columns of patches and thirteen of the rows: 40 % are blank.
 * [B, S, S] u8 */
static tensor *make_masks(int64_t B, int64_t S) {
    uint8_t *mask = mem_alloc((size_t)(B * S * S), 1);
    for (int64_t i = 0; i < B * S * S; i++) {
        int64_t y = i / S % S, x = i % S;
        mask[i] = y >= S / 14 && x < S * 9 / 14;
    }
    tensor *t = t_from_data(mask, SHAPE(B, S, S), T_U8);
    free(mask);
    return t;
}

static tensor *clip_cell_loss(void *self, int64_t k, struct metrics_row *row) {
    struct cell *c = self;
    (void)k;
    (void)row;
    int scope = t_scope_open("batch", T_INHERIT);
    struct pair_batch b = {
        .region = params_find(&c->batch, "region")->t,
        .mask = params_find(&c->batch, "mask")->t,
        .noun = t_arange(t_size(c->bank, 0), T_I64),
    };
    return t_scope_close(scope, clip_tune_loss(&c->clip, CLIP_LOSS_IN_BATCH, c->bank, &b));
}

static void clip_cell_updated(void *self) {
    struct cell *c = self;
    clip_clamp_scale(&c->clip);
}

static int clip_cell_open(struct cell *c, const struct cell_options *o, bool prompts) {
    struct clip_options opt;
    if (clip_options_named("ViT-B/16", &opt)) return error_status();
    int64_t B = o->batch, S = opt.image.image_size;
    opt.image.prompt_depth = prompts ? 3 : 0;
    opt.image.last_block_cls_only = true;
    clip_init(&c->clip, params_root(&c->params), &opt);
    golden_fill(&c->params, SEED, 0.02);

    struct path at = params_root(&c->batch);
    tensor *texts = make_texts(B);
    path_buffer(at, "region", golden_input("region", SHAPE(B, 3, S, S), SEED, -1.8, 2));
    path_buffer(at, "mask", make_masks(B, S));
    path_buffer(at, "text", texts);
    int64_t *ids = mem_alloc((size_t)(B * T), sizeof *ids);
    if (!t_copy_out(texts, ids, (size_t)(B * T) * sizeof *ids))
        c->bank = t_hold(normalize_rows(clip_text_encode(&c->clip.text, ids, B, T), 1e-12));
    free(ids);

    const struct group_rule tower[] = {{"logit_scale", 1, 0}, {"visual.*", 1, 0.2}, {"*", 0, 0}};
    const struct group_rule masks[] = {
        {"logit_scale", 1, 0}, {"visual.mask_embedding", 1, 0}, {"*", 0, 0}};
    struct groups groups;
    int status = groups_open(&groups, &c->params, prompts ? masks : tower, 3);
    adamw_open(&c->adamw, groups, (struct adamw_options){0.9, 0.98, 1e-6});
    c->training.loss = clip_cell_loss;
    c->training.updated = clip_cell_updated;
    c->training.schedule = (struct schedule){.kind = SCHEDULE_CONSTANT, .base = 5e-6, .total = 1};
    return status;
}

/* ---- proposals ---- */

/* TARGETS bands of one class each and a part without a label. */
static void make_maps(uint16_t *map, int64_t B, int64_t S) {
    for (int64_t i = 0; i < B * S * S; i++) {
        int64_t b = i / (S * S), y = i / S % S, x = i % S;
        int64_t band = (y + x / 4) * (TARGETS + 1) / (S + S / 4);
        map[i] = (uint16_t)(band < TARGETS ? (band * 19 + b) % CLASSES : 255);
    }
}

static tensor *proposals_cell_loss(void *self, int64_t k, struct metrics_row *row) {
    struct cell *c = self;
    (void)k;
    (void)row;
    int scope = t_scope_open("batch", T_INHERIT);
    tensor *rgb = params_find(&c->batch, "pixels")->t;
    tensor *x = maskformer_input(c->maskformer, &rgb, 1); /* [B, 3, S, S] */
    struct maskformer_output y = maskformer_forward(c->maskformer, x, c->bank, false);
    struct mask_losses m = mask_loss(&c->loss, y.logits, y.masks, &c->targets, NULL);
    return t_scope_close(scope, m.total);
}

static int proposals_cell_open(struct cell *c, const struct cell_options *o) {
    int64_t B = o->batch, S = o->side, pixels = B * S * S;
    struct maskformer_options opt = maskformer_standard();
    opt.backbone = backbone_resnet(resnet_standard(50, false));
    c->maskformer = mem_alloc(1, sizeof *c->maskformer);
    maskformer_init(c->maskformer, params_root(&c->params), &opt);
    golden_fill(&c->params, SEED, 0.02);
    c->loss = mask_loss_standard();

    uint16_t *map = mem_alloc((size_t)pixels, sizeof *map);
    make_maps(map, B, S);
    int status = mask_targets_init(&c->targets, map, B, S, S, opt.divisor, 255);
    free(map);
    if (status) return status;
    struct path at = params_root(&c->batch);
    path_buffer(at, "pixels",
                t_cast(golden_input("pixels", SHAPE(B, 3, S, S), SEED, 0, 255.99), T_U8));
    path_buffer(at, "map", t_from_data(c->targets.map, SHAPE(B, S, S), T_I32));
    tensor *text = golden_input("text", SHAPE(CLASSES, opt.text_width), SEED, -1, 1);
    path_buffer(at, "text", normalize_rows(text, 0));
    c->bank = t_hold(t_clone(params_find(&c->batch, "text")->t));

    const struct group_rule rules[] = {{"backbone.*norm*", 0.1, 0},
                                       {"backbone.*", 0.1, 1e-4},
                                       {"*norm*", 1, 0},
                                       {"*query_embed*", 1, 0},
                                       {"*", 1, 1e-4}};
    struct groups groups;
    status = groups_open(&groups, &c->params, rules, sizeof rules / sizeof *rules);
    adamw_open(&c->adamw, groups, (struct adamw_options){0.9, 0.999, 1e-8});
    c->training.loss = proposals_cell_loss;
    c->training.clip_norm = 0.01;
    c->training.schedule = (struct schedule){.kind = SCHEDULE_CONSTANT, .base = 1e-4, .total = 1};
    return status;
}

/* ---- all ---- */

int cell_open(struct cell *c, const char *name, const struct cell_options *o) {
    *c = (struct cell){0};
    int scope = t_scope_open(name, T_NO_GRAD), status;
    if (strcmp(name, "ft") == 0 || strcmp(name, "mpt") == 0)
        status = clip_cell_open(c, o, strcmp(name, "mpt") == 0);
    else if (strcmp(name, "proposals") == 0)
        status = proposals_cell_open(c, o);
    else
        status = error_set(ERR_USAGE, "no cell \"%s\"; there are ft, mpt, proposals", name);
    t_scope_close(scope, NULL);
    c->node.name = "bench";
    c->training.node = &c->node;
    c->training.self = c;
    c->training.params = &c->params;
    c->training.adamw = &c->adamw;
    return status ? status : error_status();
}

void cell_free(struct cell *c) {
    adamw_free(&c->adamw);
    t_drop(c->bank);
    clip_free(&c->clip);
    free(c->maskformer);
    mask_targets_free(&c->targets);
    params_free(&c->params);
    params_free(&c->batch);
    *c = (struct cell){0};
}

void cell_gradients(struct cell *c, struct params *out) {
    struct metrics_row row = {0};
    int scope = t_scope_open("gradients", T_INHERIT);
    struct path at = params_root(out);
    tensor *loss = c->training.loss(c, 0, &row); /* [] */
    t_backward(loss);
    path_buffer(at, "loss", t_clone(t_detach(loss)));
    for (size_t i = 0; i < c->params.n; i++) {
        const struct param *p = &c->params.at[i];
        if (p->trainable && t_grad(p->t))
            path_buffer(path_at(at, "grad"), p->name, t_clone(t_grad(p->t)));
    }
    params_clear_grads(&c->params);
    t_scope_close(scope, NULL);
}
