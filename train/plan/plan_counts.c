/* Counts of work by the settings (performance 1): N tokens, d width, L layers, Q queries, K
 * classes, B samples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/models/clip.h"
#include "nn/models/maskformer.h"
#include "nn/torch/tensor.h"
#include "train/plan/plan.h"
#include "train/segment.h"

bool plan_trains(const struct node *n) {
    switch (n->config.run.stage) {
    case STAGE_CLIP_PRETRAIN:
    case STAGE_PROPOSALS:
    case STAGE_CLIP_FINETUNE:
    case STAGE_MASK_PROMPT:
    case STAGE_CLIP_JOINT: return true;
    default: return false;
    }
}

/* ---- CLIP ---- */

struct tower {
    double stem, linear, attention; /* FLOP of a forward of one sample */
    double kept;                    /* numbers that it keeps for the backward */
};

/* again: blocks keep their inputs, and one of them at a time what lies inside. */
static struct tower transformer(double n, double d, double layers, double heads, bool again) {
    double inside = n * (16 * d + heads);
    return (struct tower){.linear = layers * 24 * n * d * d,
                          .attention = layers * 4 * n * n * d,
                          .kept = again ? layers * n * d + inside : layers * inside};
}

/* Residual towers: twelve products of the width at each quarter of the picture, about; their exact
 * sum is not needed where a probe is. */
static struct tower residual(const struct clip_resnet_options *o) {
    double side = (double)o->image_size / 4, w = (double)o->width;
    struct tower t = {0};
    for (int s = 0; s < CLIP_RESNET_STAGES; s++) {
        double pixels = pow(side / pow(2, s), 2), mid = w * pow(2, s);
        t.linear += (double)o->blocks[s] * 2 * pixels * mid * mid * (4 + 9 + 4);
        t.kept += (double)o->blocks[s] * pixels * mid * 12;
    }
    return t;
}

static struct tower image_tower(const struct clip_options *o, bool again) {
    if (o->resnet.width) return residual(&o->resnet);
    int64_t patches = o->image.image_size / o->image.patch; /* of a side */
    double grid = (double)patches, d = (double)o->image.width;
    double heads = o->image.heads ? (double)o->image.heads : d / 64;
    struct tower t = transformer(1 + grid * grid, d, (double)o->image.layers, heads, again);
    t.stem = 2 * grid * grid * d * 3 * (double)(o->image.patch * o->image.patch);
    t.linear += 2 * d * (double)o->features;
    return t;
}

static struct tower text_tower(const struct clip_options *o, bool again) {
    double d = (double)o->text.width, heads = o->text.heads ? (double)o->text.heads : d / 64;
    struct tower t = transformer((double)o->text.context, d, (double)o->text.layers, heads, again);
    t.linear += 2 * d * (double)o->features;
    return t;
}

static double forward(struct tower t) { return t.stem + t.linear + t.attention; }

/* Weights that train take three times a forward, without a gradient of the picture; frozen ones
 * two, attention three all the same. */
static double trained(struct tower t, bool weights) {
    return weights ? 2 * t.stem + 3 * (t.linear + t.attention)
                   : t.stem + 2 * t.linear + 3 * t.attention;
}

static void count_clip(struct plan_stage *s, const struct clip_options *o) {
    struct params p = {0};
    struct clip clip;
    struct plan_counts *c = &s->counts;
    const struct config *config = &s->node->config;
    bool prompts = config->run.stage == STAGE_MASK_PROMPT;
    bool texts = config->run.stage == STAGE_CLIP_PRETRAIN;
    bool again = config->train.checkpointing == CHECKPOINTING_BLOCKS;
    struct tower image = image_tower(o, again), text = text_tower(o, again);
    int scope = t_scope_open("count", T_NO_GRAD | T_META);
    clip_init(&clip, params_root(&p), o);
    c->params = params_count(&p, false);
    for (size_t i = 0; i < p.n; i++) {
        bool prompt = strcmp(p.at[i].name, "visual.mask_embedding") == 0;
        bool visual = strncmp(p.at[i].name, "visual.", 7) == 0;
        if (!p.at[i].buffer && (texts || (prompts ? prompt : visual)))
            c->trained += t_numel(p.at[i].t);
    }
    t_scope_close(scope, NULL);
    clip_free(&clip);
    params_free(&p);
    c->flop = trained(image, !prompts) + (again ? forward(image) : 0);
    if (texts) c->flop += trained(text, true) + (again ? forward(text) : 0);
    c->flop *= (double)c->batch;
    c->activations = 4 * (image.kept * (prompts ? 0.6 : 1) + (texts ? text.kept : 0));
}

/* ---- the proposal network ---- */

/* A convolution's weight [O, I, k, k] works on a map whose side is that of the picture over this.
 */
static double stride_of(const char *name, int stages) {
    static const struct {
        const char *part;
        double stride;
    } places[] = {{"stem", 2},       {"patch_embed", 4},  {"res2", 4},      {"res3", 8},
                  {"res4", 16},      {"res5", 32},        {"adapter_1", 4}, {"adapter_2", 8},
                  {"adapter_3", 16}, {"layer_1", 4},      {"layer_2", 8},   {"layer_3", 16},
                  {"layer_4", 32},   {"mask_features", 4}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strstr(name, places[i].part)) return places[i].stride;
    return stages == 3 ? 16 : 32;
}

/* "layers.2.blocks.": the stage of a Swin, whose rows are tokens at stride 4, 8, ...; -1: none. */
static double swin_stride(const char *name) {
    const char *at = strstr(name, "layers.");
    if (!strstr(name, "backbone.") || !at) return -1;
    double stride = 4 * pow(2, at[7] - '0');
    return strstr(at, "downsample") ? 2 * stride : stride;
}

struct network {
    double flop, kept; /* of a forward of one picture */
};

/* All products with a weight, and those of attention and masks. */
static struct network count_network(const struct params *p, const struct maskformer_options *o,
                                    double h, double w, double K, bool last_only) {
    struct network n = {0};
    double Q = (double)o->decoder.queries, d = (double)o->decoder.transformer.width;
    bool swin = o->backbone.family == BACKBONE_SWIN;
    double stages = swin ? 4 : o->backbone.resnet.stages;
    double coarse = stages == 3 ? 16 : 32, memory = h * w / (coarse * coarse);
    double L = o->decoder.transformer.layers, each = last_only ? 1 : L;
    double window = swin ? (double)(o->backbone.swin.window * o->backbone.swin.window) : 0;
    for (size_t i = 0; i < p->n; i++) {
        const char *name = p->at[i].name;
        double numel = (double)t_numel(p->at[i].t), out = (double)t_size(p->at[i].t, 0), rows = 0;
        if (p->at[i].buffer || t_dim(p->at[i].t) < 2) continue;
        if (t_dim(p->at[i].t) == 4) {
            double s = stride_of(name, (int)stages);
            rows = h * w / (s * s);
        } else if (swin_stride(name) > 0) {
            double s = swin_stride(name), side = window > 0 ? sqrt(window) : 1;
            rows = strstr(name, "bias_table") ? 0 : h * w / (s * s);
            if (strstr(name, ".attn.") && rows > 0) /* whole windows, padded */
                rows = ceil(h / s / side) * ceil(w / s / side) * window;
            if (strstr(name, "qkv.weight")) n.flop += 4 * rows * window * out / 3;
        } else if (strstr(name, "predictor") && strstr(name, "_embed")) {
            rows = strstr(name, "query_embed") ? 0 : Q * each;
        } else if (strstr(name, "encoder")) {
            rows = memory;
        } else if (strstr(name, "multihead_attn.in_proj")) {
            rows = (Q + 2 * memory) / 3;
        } else if (strstr(name, "predictor")) {
            rows = Q;
        }
        n.flop += 2 * rows * numel;
        n.kept += rows * out * 3; /* its result, and what a norm and an activation keep */
    }
    n.flop += L * (4 * Q * Q * d + 4 * Q * memory * d);
    n.flop +=
        each * 2 * Q * ((double)o->pixel.mask_width * h * w / 16 + (double)o->text_width * (K + 1));
    n.kept += each * Q * h * w / 16 * 4;
    return n;
}

static double side_of(const struct node *n) {
    const struct node *scenes = node_from(n, "scenes");
    int64_t side = segment_side(&n->config.segment);
    if (side) return (double)side;
    return scenes && scenes->config.run.stage == STAGE_SCENES ? (double)scenes->config.scenes.size
                                                              : 640;
}

static struct network network_of(const struct node *n, bool last_only, struct plan_counts *c) {
    const struct node *clip = node_clip(n);
    int64_t D = clip ? clip_model(&clip->config.clip, NULL).features : 512;
    struct maskformer_options o = proposals_model(&n->config.proposals, D, 100);
    struct params p = {0};
    struct maskformer *m = mem_alloc(1, sizeof *m);
    double side = side_of(n), K = 100;
    int scope = t_scope_open("count", T_NO_GRAD | T_META);
    maskformer_init(m, params_root(&p), &o);
    struct network made = count_network(&p, &o, side, side, K, last_only);
    if (c) c->params = params_count(&p, false);
    if (c) c->trained = params_count(&p, true);
    t_scope_close(scope, NULL);
    params_free(&p);
    free(m);
    return made;
}

static void count_proposals(struct plan_stage *s) {
    struct network n = network_of(s->node, false, &s->counts);
    s->counts.flop = (double)s->counts.batch * 3 * n.flop;
    s->counts.activations = 4 * n.kept;
    s->counts.first_flop =
        (double)(s->node->config.pretrain.steps * s->counts.batch) * 3 * n.flop * 0.4;
}

/* ---- stages that look at pictures ---- */

/* The network of an input, once, and each CLIP on the crops of all its queries. */
static void count_looking(struct plan_stage *s) {
    const struct node *n = s->node, *network = node_from(n, "proposals");
    double Q = 0;
    if (network && network->config.run.stage == STAGE_PROPOSALS) {
        s->counts.flop += network_of(network, true, NULL).flop;
        Q = (double)network->config.proposals.queries;
    }
    for (size_t i = 0; i < n->n_inputs; i++) {
        const struct node *clip = n->input[i].node ? node_clip(n->input[i].node) : NULL;
        bool names = n->config.run.stage == STAGE_EVALUATE ? segment_is_clip(n->input[i].name)
                                                           : strcmp(n->input[i].name, "clip") == 0;
        if (!names || !clip) continue;
        struct clip_options o = clip_model(&clip->config.clip, NULL);
        s->counts.flop += Q * forward(image_tower(&o, false));
    }
}

/* On one rank: what train/shards.h makes of it. */
static int64_t at_once(const struct train_options *t) {
    if (t->virtual_shards) return t->batch_global / t->virtual_shards;
    return t->batch_micro && t->batch_micro < t->batch_global ? t->batch_micro : t->batch_global;
}

static void count_training(struct plan_stage *s) {
    const struct node *n = s->node;
    struct plan_counts *c = &s->counts;
    c->unit = "steps";
    c->units = n->config.optim.steps ? n->config.optim.steps : -1;
    c->batch = n->config.train.batch_global;
    c->at_once = at_once(&n->config.train);
    if (n->config.run.stage == STAGE_PROPOSALS) {
        count_proposals(s);
    } else {
        const struct node *from = node_clip(n);
        bool prompts =
            n->config.run.stage == STAGE_MASK_PROMPT || n->config.run.stage == STAGE_CLIP_JOINT;
        struct clip_options o = clip_model(from ? &from->config.clip : &n->config.clip,
                                           prompts ? &n->config.prompt : NULL);
        count_clip(s, &o);
    }
    c->state = 4 * ((double)c->params + 3 * (double)c->trained);
}

static int64_t all_scenes(const struct scene_counts *c) {
    return c->easy + c->clip + c->seen + c->val + c->test;
}

void plan_count(struct plan_stage *s) {
    const struct config *c = &s->node->config;
    s->counts = (struct plan_counts){.units = -1, .unit = "pictures", .batch = 1, .at_once = 1};
    if (plan_trains(s->node)) count_training(s);
    if (c->run.stage == STAGE_SCENES) s->counts.units = all_scenes(&c->counts);
    if (c->run.stage == STAGE_MINE && c->mine.images) s->counts.units = c->mine.images;
    if (c->run.stage == STAGE_EVALUATE && c->eval.images) s->counts.units = c->eval.images;
    if (c->run.stage == STAGE_MINE || c->run.stage == STAGE_EVALUATE) count_looking(s);
    if (c->run.stage == STAGE_IMPORT || c->run.stage == STAGE_PREPARE) s->counts.units = 1;
    error_clear(); /* a model that cannot be counted is measured all the same */
}
