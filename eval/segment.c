#include "eval/segment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "data/dataset.h"
#include "data/resize.h"
#include "eval/ensemble.h"
#include "eval/ranked.h"
#include "nn/models/names.h"

enum { CROPS = 64 }; /* in one pass through the image tower */

static tensor *encode_regions(const void *clip, tensor *region, tensor *mask) {
    return clip_image(clip, region, mask);
}

static tensor *encode_without_prompts(const void *clip, tensor *region, tensor *mask) {
    (void)mask;
    return clip_image(clip, region, NULL);
}

struct region_encoder namer_encoder(const struct namer *m) {
    return (struct region_encoder){m->no_prompts ? encode_without_prompts : encode_regions, m->clip,
                                   m->clip->opt.features, m->tap};
}

struct judge judge_of(const struct eval_options *o, const struct namer *m, bool others) {
    return (struct judge){.namer = o->ensemble ? m : NULL,
                          .lambda = o->lambda,
                          .invalid = (enum ensemble_invalid)o->invalid,
                          .demo = o->demo,
                          .others = others,
                          .threshold = o->mask_threshold,
                          .crf = o->crf.enabled ? &o->crf : NULL};
}

/* The reference's crops are 224 wide whatever the tower (Q6). Residual ones made for larger
 * pictures can take them; the others, which fail there, get what they were made for. */
struct region_options namer_crop(const struct namer *m, const struct crop_options *o) {
    enum { REFERENCE_SIDE = 224 };
    int64_t side = clip_image_size(m->clip);
    if (m->clip->resnet && side > REFERENCE_SIDE) side = REFERENCE_SIDE;
    return crop_region(o, side);
}

int segment_resize(const struct segment_size *s, struct image *im) {
    int64_t h, w;
    resize_shortest_edge(im->h, im->w, s->shortest, s->longest, &h, &w);
    if (h == im->h && w == im->w) return 0;
    struct image to;
    int status = image_resize(im, NULL, h, w, RESIZE_BILINEAR, &to);
    if (status) return status;
    image_free(im);
    *im = to;
    return 0;
}

int segment_propose(const struct proposer *p, const struct eval_options *o,
                    const struct image *pictures, int64_t count, struct proposals *proposals,
                    struct regions *regions) {
    memset(regions, 0, (size_t)count * sizeof *regions);
    int span = span_begin("proposals");
    int status = proposals_of(p->net, p->text, pictures, count, proposals);
    for (int64_t i = 0; !status && i < count; i++) {
        status = regions_of(&regions[i], &proposals[i], o->mask_threshold, o->min_area);
        if (o->matting) regions[i].soft = proposals[i].mask;
    }
    span_end(span);
    return status;
}

int segment_encode(const struct namer *m, const struct crop_options *o, struct regions *regions,
                   const struct image *pictures, int64_t count) {
    struct region_options crop = namer_crop(m, o);
    return regions_encode(regions, pictures, count, &crop, namer_encoder(m), CROPS);
}

/* CLIP's opinion on the regions: softmax of temperature times cosines -> [V, K]; NULL without any.
 */
static tensor *opinions(const struct namer *m, const struct regions *r) {
    if (!r->n) return NULL;
    tensor *x = t_from_data(r->feature, SHAPE(r->n, r->D), T_F32); /* [V, D] */
    return t_softmax(t_scale(names_cosines(x, m->text), m->temperature), -1);
}

/* MaskFormer's names and CLIP's, put together -> [Q, K]. */
static tensor *fuse(const struct proposals *p, const struct regions *r, const struct judge *j,
                    tensor *prob) {
    int64_t *valid = mem_alloc((size_t)p->Q, sizeof *valid);
    for (int64_t q = 0; q < p->Q; q++) valid[q] = -1;
    for (int64_t v = 0; v < r->n; v++) valid[r->query[v]] = v;
    tensor *rows = t_from_data(valid, SHAPE(p->Q), T_I64);
    free(valid);
    return ensemble_fuse(prob, opinions(j->namer, r), rows, j->lambda, j->invalid);
}

struct named segment_named(const struct proposals *p, const struct regions *r,
                           const struct judge *j) {
    int scope = t_scope_open("segment", T_NO_GRAD | T_EVAL);
    tensor *prob = t_from_data(p->prob, SHAPE(p->Q, p->K), T_F32); /* [Q, K] */
    struct named n = {.name = j->namer ? fuse(p, r, j, prob) : prob,
                      .mask = t_from_data(p->mask, SHAPE(p->Q, p->h, p->w), T_F32)};
    if (j->demo) n = ensemble_demo(n, j->threshold, j->others);
    n.name = t_keep(scope, n.name);
    n.mask = t_keep(scope, n.mask);
    t_scope_close(scope, NULL);
    return n;
}

void scores_free(struct scores *s) {
    free(s->at);
    *s = (struct scores){0};
}

void segment_unlabel(struct labels *l, const struct scores *s, double least, const bool *background,
                     int64_t K) {
    uint16_t none = segment_unlabelled(K);
    for (int64_t i = 0; i < l->h * l->w; i++) {
        bool weak = least > 0 && (double)s->at[i] < least;
        bool behind = background && l->at[i] < K && background[l->at[i]];
        if (weak || behind) l->at[i] = none;
    }
}

uint16_t segment_unlabelled(int64_t K) { return dataset_ignore(K); }

/* label [H, W]; first: the scores of name 0 [1, H, W], or NULL. */
static int copy_labels(tensor *label, tensor *first, int64_t K, struct labels *out) {
    int64_t H = t_size(label, 0), W = t_size(label, 1);
    size_t n = (size_t)(H * W);
    int status = labels_alloc(out, H, W);
    if (status) return status;
    if (first) {
        tensor *none = t_eq(t_squeeze(first, 0), t_zeros(SHAPE(H, W), T_F32)); /* [H, W] */
        label = t_where(none, t_full(SCALAR, segment_unlabelled(K), T_I64), label);
    }
    int64_t *found = mem_try(n, sizeof *found);
    if (!found) return error_status();
    status = t_copy_out(label, found, n * sizeof *found);
    for (size_t i = 0; !status && i < n; i++) out->at[i] = (uint16_t)found[i];
    free(found);
    return status;
}

static int scores_alloc(struct scores *s, int64_t H, int64_t W) {
    *s = (struct scores){.h = H, .w = W, .at = mem_try((size_t)(H * W), sizeof *s->at)};
    return s->at ? 0 : error_status();
}

/* best [H, W]: where the labels are those of the scores. */
static int copy_scores(tensor *best, struct scores *out) {
    int status = error_status();
    if (!status) status = scores_alloc(out, t_size(best, 0), t_size(best, 1));
    if (!status) status = t_copy_out(best, out->at, (size_t)t_numel(best) * sizeof *out->at);
    return status;
}

static int put_scores(struct crf *c, int64_t from, tensor *scores) {
    size_t n = (size_t)t_numel(scores);
    float *x = mem_try(n, sizeof *x);
    int status = x ? t_copy_out(scores, x, n * sizeof *x) : ERR_INTERNAL;
    if (!status) crf_put(c, from, t_size(scores, 0), x);
    free(x);
    return status;
}

static int64_t group_start(const struct score_groups *g, int64_t i) { return g->K * i / g->groups; }

/* Where a CRF chose the labels, each has another score than the best. */
static int look_up_scores(const struct score_groups *g, const struct labels *l,
                          struct scores *out) {
    int64_t pixels = l->h * l->w;
    int status = scores_alloc(out, l->h, l->w);
    for (int64_t i = 0; !status && i < g->groups; i++) {
        int scope = t_scope_open("scores", T_NO_GRAD | T_EVAL);
        int64_t from = group_start(g, i), n = group_start(g, i + 1) - from;
        float *x = mem_try((size_t)n, (size_t)pixels * sizeof *x);
        status = x ? t_copy_out(g->of(g->self, from, n), x, (size_t)(n * pixels) * sizeof *x)
                   : ERR_INTERNAL;
        for (int64_t k = 0; !status && k < pixels; k++)
            if (l->at[k] >= from && l->at[k] < from + n)
                out->at[k] = x[(l->at[k] - from) * pixels + k];
        free(x);
        t_scope_close(scope, NULL);
    }
    return status;
}

/* By dense CRF. Its own volumes are the only ones. */
static int crf_labels_of(const struct score_groups *g, const struct judge *j,
                         const struct image *im, struct labels *out) {
    struct crf c;
    int status = error_status() ? error_status() : crf_open(&c, g->K, im->h, im->w);
    if (status) return status;
    for (int64_t i = 0; !status && i < g->groups; i++) {
        int scope = t_scope_open("group", T_NO_GRAD | T_EVAL);
        int64_t from = group_start(g, i);
        status = put_scores(&c, from, g->of(g->self, from, group_start(g, i + 1) - from));
        t_scope_close(scope, NULL);
    }
    int span = span_begin("CRF");
    if (!status) status = crf_labels(&c, j->crf, im, out);
    span_end(span);
    crf_free(&c);
    if (!status && j->scores) status = look_up_scores(g, out, j->scores);
    return status;
}

/* Another pass over the scores: what all labels need is not held up by what few ask for. */
static int rank(int status, const struct score_groups *g, const struct judge *j,
                const struct image *im) {
    return status || !j->ranked ? status : ranked_take(j->ranked, g, im->h, im->w);
}

/* Of one view: names of proposals, and the picture. */
struct one_view {
    struct named n;
    int64_t H, W;
};

static tensor *scores_of_view(const void *self, int64_t from, int64_t n) {
    const struct one_view *v = self;
    return ensemble_scores(v->n, from, n, v->H, v->W);
}

int segment_labels(struct named n, const struct judge *j, const struct image *im,
                   struct labels *out) {
    int64_t H = im->h, W = im->w, K = t_size(n.name, 1);
    struct one_view v = {n, H, W};
    int64_t least = ensemble_group(t_size(n.mask, 1), t_size(n.mask, 2), H, W);
    struct score_groups g = {&v, K, ensemble_groups(K, least), scores_of_view};
    if (j->crf) return rank(crf_labels_of(&g, j, im, out), &g, j, im);
    int scope = t_scope_open("labels", T_NO_GRAD | T_EVAL);
    tensor *best = NULL;
    tensor *label = ensemble_labels_scored(n, H, W, j->scores ? &best : NULL); /* [H, W] */
    tensor *first = j->demo ? ensemble_scores(n, 0, 1, H, W) : NULL;
    int status = copy_labels(label, first, K, out);
    if (!status && j->scores) status = copy_scores(best, j->scores);
    t_scope_close(scope, NULL);
    return rank(status, &g, j, im);
}

int segment_labels_of(const struct score_groups *g, const struct judge *j, const struct image *im,
                      struct labels *out) {
    if (j->crf) return rank(crf_labels_of(g, j, im, out), g, j, im);
    int scope = t_scope_open("labels", T_NO_GRAD | T_EVAL);
    struct shape size = SHAPE(im->h, im->w);
    tensor *best = t_full(size, -INFINITY, T_F32), *label = t_zeros(size, T_F32);
    tensor *first = t_zeros(SHAPE(1, im->h, im->w), T_F32); /* scores of name 0 */
    for (int64_t i = 0; i < g->groups; i++) {
        int inner = t_scope_open("group", T_INHERIT);
        int64_t from = group_start(g, i);
        tensor *x = g->of(g->self, from, group_start(g, i + 1) - from); /* [n, H, W] */
        if (i == 0 && j->demo) t_copy_(first, t_narrow(x, 0, 0, 1));
        ensemble_take_better(x, from, best, label);
        t_scope_close(inner, NULL);
    }
    int status = copy_labels(t_cast(label, T_I64), j->demo ? first : NULL, g->K, out);
    if (!status && j->scores) status = copy_scores(best, j->scores);
    t_scope_close(scope, NULL);
    return rank(status, g, j, im);
}
