#include "train/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/resize.h"
#include "eval/ensemble.h"
#include "train/clip_validate.h"

enum { CROPS = 64 }; /* in one pass through the image tower */

bool segment_is_clip(const char *input) {
    return strcmp(input, "scenes") != 0 && strcmp(input, "proposals") != 0;
}

int namer_open(struct namer *m, const struct node *n, const char *input,
               const struct vocabulary *v) {
    double given = n->config.eval.temperature;
    *m = (struct namer){0};
    int status = clip_run_open(&m->clip, n, input, NULL);
    if (status) return status;
    int scope = t_scope_open("namer", T_NO_GRAD);
    m->text = t_hold(clip_vocabulary(&m->clip, &n->config.text, v)); /* [K, D] */
    m->temperature = given > 0 ? given : t_item(clip_scale(&m->clip.clip));
    t_scope_close(scope, NULL);
    return error_status();
}

void namer_close(struct namer *m) {
    t_drop(m->text);
    clip_run_free(&m->clip);
    *m = (struct namer){0};
}

struct region_encoder namer_encoder(const struct namer *m) {
    return clip_regions(&m->clip.clip);
}

struct region_options namer_crop(const struct namer *m, const struct node *n) {
    return crop_region(&n->config.crop, clip_image_size(&m->clip.clip));
}

int namer_encode(const struct namer *m, const struct node *n, struct regions *regions,
                 const struct image *pictures, int64_t count) {
    struct region_options crop = namer_crop(m, n);
    return regions_encode(regions, pictures, count, &crop, namer_encoder(m), CROPS);
}

/* The short side of the first picture that a network without random crops was trained on. */
static int trained_side(const struct node *proposals, int64_t *side) {
    struct dataset d;
    struct image im = {0};
    int status = clip_open_set(proposals, "seen", &d);
    if (status) return status;
    status = d.source->image(&d, 0, &im);
    *side = im.h < im.w ? im.h : im.w;
    image_free(&im);
    dataset_close(&d);
    return status;
}

int segment_size_of(struct segment_size *s, const struct node *n) {
    enum { RATIO = 4 }; /* of the reference's longest and shortest sides */
    const struct node *proposals = node_from(n, "proposals");
    const struct eval_options *o = &n->config.eval;
    int status = 0;
    *s = (struct segment_size){o->shortest, o->longest};
    if (!s->shortest) s->shortest = proposals->config.segment.crop;
    if (!s->shortest) status = trained_side(proposals, &s->shortest);
    if (!s->longest) s->longest = RATIO * s->shortest;
    return status;
}

int segment_resize(const struct segment_size *s, struct image *im) {
    int64_t h, w;
    resize_shortest_edge(im->h, im->w, s->shortest, s->longest, &h, &w);
    if (h < 1) h = 1; /* a picture of one line, shrunk */
    if (w < 1) w = 1;
    if (h == im->h && w == im->w) return 0;
    struct image to;
    int status = image_resize(im, NULL, h, w, RESIZE_BILINEAR, &to);
    if (status) return status;
    image_free(im);
    *im = to;
    return 0;
}

int segment_propose(const struct proposals_run *p, const struct node *n,
                    const struct image *pictures, int64_t count, struct proposals *proposals,
                    struct regions *regions) {
    const struct eval_options *o = &n->config.eval;
    memset(regions, 0, (size_t)count * sizeof *regions);
    int status = proposals_of(&p->model, p->text, pictures, count, proposals);
    for (int64_t i = 0; !status && i < count; i++)
        status = regions_of(&regions[i], &proposals[i], o->mask_threshold, o->min_area);
    return status;
}

/* CLIP's opinion on the regions: softmax of temperature times cosines -> [V, K]; NULL without any.
 */
static tensor *opinions(const struct namer *m, const struct regions *r) {
    if (!r->n) return NULL;
    tensor *x = t_from_data(r->feature, SHAPE(r->n, r->D), T_F32); /* [V, D] */
    return t_softmax(t_scale(t_matmul(x, t_transpose(m->text, 0, 1)), m->temperature), -1);
}

/* MaskFormer's names and CLIP's, put together -> [Q, K]. */
static tensor *fuse(const struct proposals *p, const struct regions *r, const struct namer *m,
                    double lambda, tensor *prob) {
    int64_t *valid = mem_alloc((size_t)p->Q, sizeof *valid);
    for (int64_t q = 0; q < p->Q; q++) valid[q] = -1;
    for (int64_t v = 0; v < r->n; v++) valid[r->query[v]] = v;
    tensor *rows = t_from_data(valid, SHAPE(p->Q), T_I64);
    free(valid);
    return ensemble_fuse(prob, opinions(m, r), rows, lambda);
}

int segment_labels(const struct proposals *p, const struct regions *r, const struct namer *m,
                   double lambda, int64_t h, int64_t w, struct labels *out) {
    size_t n = (size_t)(h * w);
    int status = labels_alloc(out, h, w);
    if (status) return status;
    int64_t *found = mem_try(n, sizeof *found);
    if (!found) return error_status();
    int scope = t_scope_open("segment", T_NO_GRAD | T_EVAL);
    tensor *prob = t_from_data(p->prob, SHAPE(p->Q, p->K), T_F32);       /* [Q, K] */
    tensor *mask = t_from_data(p->mask, SHAPE(p->Q, p->h, p->w), T_F32); /* [Q, h', w'] */
    tensor *scores = ensemble_scores(m ? fuse(p, r, m, lambda, prob) : prob, mask);
    status = t_copy_out(ensemble_labels(scores, h, w), found, n * sizeof *found);
    t_scope_close(scope, NULL);
    for (size_t i = 0; !status && i < n; i++) out->at[i] = (uint16_t)found[i];
    free(found);
    return status;
}
