/* B images, H x W the largest of them, K names, D length of text features, L layers that have
 * losses. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "tests/formula.h"
#include "tests/parity/golden_config.h"
#include "tests/parity/train.h"
#include "tests/parity/trained.h"
#include "train/proposals_run.h"

enum { IGNORE = 255, IMAGES = 64, RECTANGLES = 64, CLASSES = 4096 };

/* 1e-4 is the bar of the issue. Where the golden says that weights moved by 1e-6 of themselves move
 * a result by more, three times as far: rounding differs in every layer. */
static const double BAR = 1e-4, ELEMENT = 1e-5, TIMES = 3;

struct replay {
    const cJSON *golden, *config, *sensitivity;
    const char *path;
    struct verdicts *report;
    uint64_t seed;
    struct config settings;
    struct params params;
    struct maskformer model;
    struct mask_loss_options loss;
    struct adamw adamw;
    struct schedule schedule;
    struct mask_targets targets;
    tensor *text; /* [K, D], held */
    int B, K;
    int64_t h[IMAGES], w[IMAGES], H, W;
    int64_t cell; /* pixels along the side of an input value */
    double lo, hi;
};

static const cJSON *at(const cJSON *array, int i) { return cJSON_GetArrayItem(array, i); }

static int unusable(const struct replay *r, const char *what) {
    return error_set(ERR_DATA, "%s: %s: not as this program knows it", r->path, what);
}

static double larger(double a, double b) { return a > b ? a : b; }

static double number_or(const cJSON *x, double otherwise) {
    return cJSON_IsNumber(x) ? x->valuedouble : otherwise;
}

/* --- what the golden says --- */

static int read_inputs(struct replay *r) {
    const cJSON *sizes = golden_item(r->config, "sizes"),
                *rule = golden_item(golden_item(r->golden, "input_rules"), "image");
    int high, wide;
    if (!cJSON_IsString(rule) ||
        sscanf(rule->valuestring, "floor(inp('image.S.B',(3,h/%d,w/%d),seed,%lf,%lf))", &high,
               &wide, &r->lo, &r->hi) != 4 ||
        high != wide || high < 1)
        return unusable(r, "input_rules.image");
    r->cell = high;
    r->B = cJSON_GetArraySize(sizes);
    if (r->B < 1 || r->B > IMAGES) return unusable(r, "config.sizes");
    for (int b = 0; b < r->B; b++) {
        double h = golden_number(at(at(sizes, b), 0)), w = golden_number(at(at(sizes, b), 1));
        if (!(h >= 1 && h <= 4096 && w >= 1 && w <= 4096)) return unusable(r, "config.sizes");
        r->h[b] = (int64_t)h;
        r->w[b] = (int64_t)w;
        if (r->h[b] % r->cell || r->w[b] % r->cell) return unusable(r, "config.sizes");
        if (r->h[b] > r->H) r->H = r->h[b];
        if (r->w[b] > r->W) r->W = r->w[b];
    }
    return 0;
}

static int settings(struct replay *r) {
    int status = golden_configure(&r->settings, r->golden, r->path);
    if (status) return status;
    const struct proposals_options *o = &r->settings.proposals;
    bool swin = o->backbone >= BACKBONE_SWIN_T;
    if (o->dropout > 0 || (swin && o->drop_path > 0))
        return error_set(ERR_CONFIG,
                         "%s: dropout %g, drop path %g: random numbers of another generator "
                         "cannot be replayed",
                         r->path, o->dropout, swin ? o->drop_path : 0);
    const cJSON *text = golden_item(r->golden, "optimizer");
    struct optim_options *s = &r->settings.optim; /* what no key says */
    if (cJSON_IsString(text))
        sscanf(text->valuestring, "AdamW betas (%lf, %lf) eps %lf", &s->beta1, &s->beta2, &s->eps);
    return 0;
}

/* The CLIP that made the text features: described, or a published one. */
static int clip_options(const struct replay *r, struct clip_options *o) {
    const cJSON *clip = golden_item(r->golden, "clip");
    if (!clip) {
        *o = clip_model(&r->settings.clip, NULL);
        return 0;
    }
    int features, image, layers, width, patch, text_width, text_heads, text_layers, vocab;
    if (!cJSON_IsString(clip) ||
        sscanf(clip->valuestring,
               "tiny CLIP: embed %d, image %d, %d vision %*[a-z] width %d patch %d, text width %d, "
               "%d %*[a-z], %d %*[a-z], vocab %d",
               &features, &image, &layers, &width, &patch, &text_width, &text_heads, &text_layers,
               &vocab) != 9)
        return unusable(r, "clip");
    *o = (struct clip_options){
        .image = {.image_size = image, .patch = patch, .width = width, .layers = layers},
        .text = {.vocab = vocab,
                 .context = 77,
                 .width = text_width,
                 .heads = text_heads,
                 .layers = text_layers,
                 .cut_at_end = true},
        .features = features,
        .temperature = 0.07,
    };
    return 0;
}

static int name_classes(struct replay *r) {
    const cJSON *names = golden_item(r->config, "names");
    static char *name[CLASSES];
    r->K = cJSON_GetArraySize(names);
    if (r->K < 1 || r->K > CLASSES) return unusable(r, "config.names");
    for (int k = 0; k < r->K; k++) {
        if (!cJSON_IsString(at(names, k))) return unusable(r, "config.names");
        name[k] = at(names, k)->valuestring;
    }
    struct clip_options o;
    int status = clip_options(r, &o);
    if (status) return status;
    int scope = t_scope_open("names", T_NO_GRAD | T_EVAL);
    struct clip_run c = {0};
    clip_init(&c.clip, params_root(&c.params), &o);
    golden_fill(&c.params, r->seed, 0.02);
    r->text = t_hold(class_text_of_names(&c.clip, &r->settings.text, name, r->K)); /* [K, D] */
    clip_run_free(&c);
    t_scope_close(scope, NULL);
    return error_status();
}

/* --- inputs --- */

/* Every value stands for a square of pixels. [B, 3, H', W'], normalized and padded */
static tensor *pictures(const struct replay *r, int step) {
    tensor *all[IMAGES];
    for (int b = 0; b < r->B; b++) {
        char *name = mem_format("image.%d.%d", step, b);
        struct shape cells = SHAPE(1, 3, r->h[b] / r->cell, r->w[b] / r->cell);
        tensor *x = golden_input(name, cells, r->seed, r->lo, r->hi);
        x = t_cast(t_cast(t_clamp(x, 0, 255), T_U8), T_F32);
        all[b] = t_resize_nearest(x, r->h[b], r->w[b]); /* [1, 3, h, w] */
        free(name);
    }
    return maskformer_input(&r->model, all, (size_t)r->B);
}

/* [label, y0, x0, y1, x1] on a map of one image. */
static bool paint(const struct replay *r, const cJSON *rectangle, int b, uint16_t *map) {
    double e[5];
    for (int i = 0; i < 5; i++) e[i] = golden_number(at(rectangle, i));
    if (!(e[0] >= 0 && e[0] < r->K && e[1] >= 0 && e[2] >= 0 && e[3] > e[1] && e[4] > e[2] &&
          e[3] <= (double)r->h[b] && e[4] <= (double)r->w[b]))
        return false;
    for (int64_t y = (int64_t)e[1]; y < (int64_t)e[3]; y++)
        for (int64_t x = (int64_t)e[2]; x < (int64_t)e[4]; x++) map[y * r->W + x] = (uint16_t)e[0];
    return true;
}

/* Rectangles may overlap: each lies on a plane of its own. */
static int make_targets(struct replay *r) {
    const cJSON *targets = golden_item(r->config, "targets");
    int planes = 1;
    if (cJSON_GetArraySize(targets) != r->B) return unusable(r, "config.targets");
    for (int b = 0; b < r->B; b++)
        if (cJSON_GetArraySize(at(targets, b)) > planes)
            planes = cJSON_GetArraySize(at(targets, b));
    if (planes > RECTANGLES || r->K > IGNORE) return unusable(r, "config.targets");
    size_t image = (size_t)(r->H * r->W), all = (size_t)(planes * r->B) * image;
    uint16_t *map = mem_alloc(all, sizeof *map);
    for (size_t i = 0; i < all; i++) map[i] = IGNORE;
    bool fine = true;
    for (int b = 0; b < r->B; b++)
        for (int p = 0; fine && p < cJSON_GetArraySize(at(targets, b)); p++)
            fine = paint(r, at(at(targets, b), p), b, map + (size_t)(p * r->B + b) * image);
    int status = fine ? mask_targets_planes(&r->targets, planes, map, r->B, r->H, r->W,
                                            r->model.opt.divisor, IGNORE)
                      : unusable(r, "config.targets");
    free(map);
    return status;
}

/* --- comparisons --- */

/* The golden's number of a target: that of its rectangle. Ours are sorted by label. */
static int64_t rectangle_of(const struct mask_targets *t, int64_t target) {
    return t->row[target] / t->B;
}

/* The recorded pairs of an image, and ours: as many, the same ones, or how many differ. */
struct pairing {
    const cJSON *query, *target;
    int64_t b, layer, at, n; /* ours are at .. at + n - 1 */
};

static int64_t unlike(const struct replay *r, const struct matches *m, const struct pairing *p) {
    int64_t wrong = p->n != cJSON_GetArraySize(p->query);
    for (int64_t i = 0; i < p->n; i++)
        wrong += golden_number(at(p->query, (int)i)) != (double)m->query[p->at + i] ||
                 golden_number(at(p->target, (int)i)) !=
                     (double)rectangle_of(&r->targets, m->target[p->at + i]);
    return wrong;
}

/* The target that stands for a rectangle of an image; -1: none. */
static int64_t target_of(const struct mask_targets *t, int64_t b, double rectangle) {
    for (int64_t k = t->first[b]; k < t->first[b + 1]; k++)
        if ((double)rectangle_of(t, k) == rectangle) return k;
    return -1;
}

/* Takes the recorded pairs over where they cost no more than ours but for rounding: on another
 * processor than the golden's an assignment may turn over, and nothing after it could be compared.
 * `cost` as match_cost() has it. Returns whether it did. */
static bool take_over(const struct replay *r, struct matches *m, const struct pairing *p,
                      const double *cost) {
    static const double ROUNDING = 1e-5; /* that of the fused costs, relative */
    double ours = 0, theirs = 0, size = 0;
    const double *own = cost + (p->b * m->L + p->layer) * m->Q * r->targets.most;
    for (int64_t i = 0; i < p->n; i++) {
        double q = golden_number(at(p->query, (int)i));
        int64_t k = target_of(&r->targets, p->b, golden_number(at(p->target, (int)i)));
        if (k < 0 || !(q >= 0 && q < (double)m->Q)) return false;
        theirs += own[(int64_t)q * r->targets.most + k - r->targets.first[p->b]];
        double mine = own[m->query[p->at + i] * r->targets.most + m->target[p->at + i] -
                          r->targets.first[p->b]];
        ours += mine;
        size += fabs(mine);
    }
    if (p->n != cJSON_GetArraySize(p->query) || !(theirs - ours <= ROUNDING * size)) return false;
    for (int64_t i = 0; i < p->n; i++) {
        m->query[p->at + i] = (int64_t)golden_number(at(p->query, (int)i));
        m->target[p->at + i] = target_of(&r->targets, p->b, golden_number(at(p->target, (int)i)));
    }
    return true;
}

/* Costs on the host, [B, L Q, N]; NULL and the pending error. */
static double *costs_of(const struct replay *r, struct maskformer_output y) {
    int scope = t_scope_open("costs", T_NO_GRAD);
    tensor *x = t_cast(match_cost(&r->loss.match, y.logits, y.masks, &r->targets), T_F64);
    size_t n = (size_t)t_numel(x);
    double *cost = mem_alloc(n, sizeof *cost);
    t_copy_out(x, cost, n * sizeof *cost);
    t_scope_close(scope, NULL);
    return cost;
}

static void compare_matching(const struct replay *r, struct matches *m, struct maskformer_output y,
                             const cJSON *want, int step) {
    const cJSON *stable = at(golden_item(r->sensitivity, "matching_equal"), step);
    int64_t wrong = llabs(m->L - cJSON_GetArraySize(want)), even = 0;
    char name[48];
    double *cost = costs_of(r, y);
    for (int64_t l = 0; l < m->L; l++) {
        snprintf(name, sizeof name, l + 1 == m->L ? "last" : "aux_%d", (int)l);
        for (int b = 0; b < r->B; b++) {
            const cJSON *pairs = at(golden_item(want, name), b);
            struct pairing p = {at(pairs, 0),
                                at(pairs, 1),
                                b,
                                l,
                                l * m->n + m->first[b],
                                m->first[b + 1] - m->first[b]};
            int64_t here = unlike(r, m, &p);
            bool taken = here && take_over(r, m, &p, cost);
            *(taken ? &even : &wrong) += here;
        }
    }
    free(cost);
    snprintf(name, sizeof name, "step %d: other pairs", step);
    /* Where rounding turns the assignment over, neither is right. */
    verdicts_line(r->report, name, (double)wrong, cJSON_IsFalse(stable) ? (double)INFINITY : 0);
    if (even)
        str_add(&r->report->text, "step %d: %lld pairs at equal cost, taken from the golden\n",
                step, (long long)even);
}

/* How far the sum of all losses moves when the weights move by 1e-6 of themselves. */
static double total_moves(const struct replay *r, int step) {
    return number_or(at(golden_item(r->sensitivity, "abs_total_change"), step), 0);
}

static void compare_losses(const struct replay *r, const struct mask_losses *l, const cJSON *step,
                           int s) {
    const cJSON *terms = golden_item(step, "losses_weighted");
    double moves = TIMES * total_moves(r, s);
    int64_t L = t_size(l->terms, 1);
    char name[32], line[64];
    for (int term = 0; term < MASK_TERMS; term++)
        for (int64_t layer = 0; layer < L; layer++) {
            mask_loss_name(name, (enum mask_term)term, layer, L);
            double want = golden_number(golden_item(terms, name));
            double got = t_item(t_select(t_select(l->terms, 0, term), 0, layer));
            snprintf(line, sizeof line, "step %d: %s", s, name);
            verdicts_line(r->report, line, fabs(got - want), larger(BAR * (1 + want), moves));
        }
    snprintf(line, sizeof line, "step %d: other terms", s);
    verdicts_line(r->report, line, (double)llabs(MASK_TERMS * L - cJSON_GetArraySize(terms)), 0);
    double total = golden_number(golden_item(step, "total"));
    snprintf(line, sizeof line, "step %d: total", s);
    verdicts_line(r->report, line, fabs(t_item(l->total) - total), larger(BAR * total, moves));
}

/* The distance of each recorded rate from the nearest of ours, and the other way round. */
static double rates_apart(const struct replay *r, const cJSON *rates, double rate) {
    const struct groups *g = &r->adamw.groups;
    int n = cJSON_GetArraySize(rates);
    double apart = n ? 0 : (double)INFINITY;
    for (int i = 0; i < n; i++) {
        double nearest = INFINITY, want = golden_number(at(rates, i));
        for (size_t k = 0; k < g->n; k++)
            nearest = fmin(nearest, fabs(rate * g->at[k].lr - want) / larger(want, 1e-30));
        apart = larger(apart, nearest);
    }
    for (size_t k = 0; k < g->n; k++) {
        double nearest = INFINITY, ours = rate * g->at[k].lr;
        for (int i = 0; i < n; i++)
            nearest = fmin(nearest, fabs(golden_number(at(rates, i)) - ours) / larger(ours, 1e-30));
        apart = larger(apart, nearest);
    }
    return apart;
}

/* Decay and relative rate of every parameter that trains. */
static void compare_groups(const struct replay *r) {
    const struct groups *g = &r->adamw.groups;
    const cJSON *want = golden_item(r->golden, "groups");
    int wrong = cJSON_GetArraySize(want);
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < g->at[i].n; k++) {
            const char *name = r->params.at[g->at[i].members[k]].name;
            const cJSON *row = golden_item(want, name);
            double decay = golden_number(at(row, 0)), lr = golden_number(at(row, 1));
            if (fabs(decay - g->at[i].weight_decay) <= 1e-12 && fabs(lr - g->at[i].lr) <= 1e-12)
                wrong--;
            else
                str_add(&r->report->text, "group of %s: decay %g, rate %g, expected %g, %g\n", name,
                        g->at[i].weight_decay, g->at[i].lr, decay, lr);
        }
    verdicts_line(r->report, "parameters of other groups", wrong, 0);
}

/* --- the run --- */

static int open_model(struct replay *r) {
    const cJSON *bias = golden_item(r->golden, "mask_features_bias_factor");
    const struct config *c = &r->settings;
    struct maskformer_options o =
        proposals_model(&c->proposals, t_size(r->text, 1), c->proposals.temperature);
    maskformer_init(&r->model, params_root(&r->params), &o);
    golden_fill(&r->params, r->seed, number_or(bias, 0.02));
    r->loss = proposals_loss(&c->proposals);
    r->schedule = optim_schedule(&c->optim, c->optim.steps);
    struct group_rule rules[PROPOSALS_RULES];
    struct groups groups;
    proposals_rules(rules, &c->optim);
    int status = groups_open(&groups, &r->params, rules, PROPOSALS_RULES);
    adamw_open(&r->adamw, groups, optim_adamw(&c->optim));
    return status;
}

/* Clips them, too. */
static void compare_gradients(struct replay *r, const cJSON *want, int s) {
    double norm = golden_number(golden_item(want, "grad_norm_before_clip")),
           total = golden_number(golden_item(want, "total"));
    /* The golden does not say how far its gradients move. Where batch statistics of few pixels make
     * a network hard to follow, it was 60 times as far as the losses, relative to each. */
    double part = larger(TRAINED_BAR_GRADIENT, 100 * total_moves(r, s) / total);
    /* The first layer's self attention sees equal values: its gradient is rounding, 4e-8 of the
     * mean; the smallest other one is 7e-3 of it. */
    double noise = 1e-4 * norm / sqrt((double)params_count(&r->params, true));
    const struct trained_bar bar = {part, noise, 3 * part, noise}; /* single ones move more */
    if (s == 0)
        trained_compare(r->report, TRAINED_GRADIENT, &r->params,
                        golden_item(r->golden, "step0_gradients_before_clip"), &bar);
    char name[32];
    snprintf(name, sizeof name, "step %d: gradient norm", s);
    double got = t_item(adamw_clip(&r->adamw, r->settings.optim.clip_norm));
    verdicts_line(r->report, name, fabs(got - norm) / norm, part);
}

static int run_step(struct replay *r, int s) {
    const cJSON *want = at(golden_item(r->golden, "steps"), s);
    char name[32];
    struct matches m;
    int scope = t_scope_open("step", T_TRAIN);
    struct maskformer_output y = maskformer_forward(&r->model, pictures(r, s), r->text, false);
    int status = match_targets(&m, &r->loss.match, y.logits, y.masks, &r->targets);
    if (!status) {
        compare_matching(r, &m, y, golden_item(want, "matching"), s);
        struct mask_losses l =
            mask_loss_matched(&r->loss, y.logits, y.masks, &r->targets, &m, NULL);
        compare_losses(r, &l, want, s);
        t_backward(l.total);
    }
    matches_free(&m);
    compare_gradients(r, want, s);
    double rate = schedule_rate(&r->schedule, s);
    snprintf(name, sizeof name, "step %d: rates", s);
    verdicts_line(r->report, name, rates_apart(r, golden_item(want, "learning_rates"), rate), 1e-9);
    adamw_step(&r->adamw, rate);
    params_clear_grads(&r->params);
    t_scope_close(scope, NULL);
    return error_status();
}

static int run(struct replay *r) {
    compare_groups(r);
    int n = cJSON_GetArraySize(golden_item(r->golden, "steps")), status = 0;
    if (!n) return unusable(r, "steps");
    for (int s = 0; !status && s < n; s++) status = run_step(r, s);
    double squares = number_or(golden_item(r->sensitivity, "max_relative_sumsq_change"), 0),
           element = number_or(golden_item(r->sensitivity, "max_abs_first8_change"), 0);
    const struct trained_bar bar = {larger(BAR, TIMES * squares), larger(ELEMENT, TIMES * element),
                                    BAR, 0};
    if (!status)
        trained_compare(r->report, TRAINED_VALUE, &r->params,
                        golden_item(r->golden, "params_after"), &bar);
    return status;
}

int train_seg_replay(const char *path, const cJSON *golden, struct verdicts *report) {
    struct replay *r = mem_alloc(1, sizeof *r);
    *r = (struct replay){.golden = golden,
                         .config = golden_item(golden, "config"),
                         .sensitivity = golden_item(golden, "sensitivity"),
                         .path = path,
                         .report = report};
    r->seed = (uint64_t)number_or(golden_item(golden, "seed"), 1);
    int scope = t_scope_open("replay", T_INHERIT);
    int status = read_inputs(r);
    if (!status) status = settings(r);
    if (!status) status = name_classes(r);
    if (!status) {
        status = open_model(r);
        if (!status) status = make_targets(r);
        if (!status) status = run(r);
        adamw_free(&r->adamw);
    }
    mask_targets_free(&r->targets);
    t_drop(r->text);
    params_free(&r->params);
    t_scope_close(scope, NULL);
    config_free(&r->settings);
    free(r);
    return status;
}
