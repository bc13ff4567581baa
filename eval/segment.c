#include "eval/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/resize.h"
#include "eval/ensemble.h"

enum { CROPS = 64 }; /* in one pass through the image tower */

static tensor *encode_regions(const void *clip, tensor *region, tensor *mask) {
    return clip_image(clip, region, mask);
}

struct region_encoder namer_encoder(const struct namer *m) {
    return (struct region_encoder){encode_regions, m->clip, m->clip->opt.features, m->tap};
}

struct region_options namer_crop(const struct namer *m, const struct crop_options *o) {
    return crop_region(o, clip_image_size(m->clip));
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

int segment_propose(const struct proposer *p, const struct eval_options *o,
                    const struct image *pictures, int64_t count, struct proposals *proposals,
                    struct regions *regions) {
    memset(regions, 0, (size_t)count * sizeof *regions);
    int status = proposals_of(p->net, p->text, pictures, count, proposals);
    for (int64_t i = 0; !status && i < count; i++)
        status = regions_of(&regions[i], &proposals[i], o->mask_threshold, o->min_area);
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

tensor *segment_scores(const struct proposals *p, const struct regions *r, const struct namer *m,
                       double lambda) {
    int scope = t_scope_open("segment", T_NO_GRAD | T_EVAL);
    tensor *prob = t_from_data(p->prob, SHAPE(p->Q, p->K), T_F32);       /* [Q, K] */
    tensor *mask = t_from_data(p->mask, SHAPE(p->Q, p->h, p->w), T_F32); /* [Q, h, w] */
    return t_scope_close(scope, ensemble_scores(m ? fuse(p, r, m, lambda, prob) : prob, mask));
}

int segment_decide(tensor *scores, int64_t to_h, int64_t to_w, struct labels *out) {
    size_t n = (size_t)(to_h * to_w);
    int status = labels_alloc(out, to_h, to_w);
    if (status) return status;
    int64_t *found = mem_try(n, sizeof *found);
    if (!found) return error_status();
    int scope = t_scope_open("labels", T_NO_GRAD | T_EVAL);
    status = t_copy_out(ensemble_labels(scores, to_h, to_w), found, n * sizeof *found);
    t_scope_close(scope, NULL);
    for (size_t i = 0; !status && i < n; i++) out->at[i] = (uint16_t)found[i];
    free(found);
    return status;
}

int segment_labels(const struct proposals *p, const struct regions *r, const struct namer *m,
                   double lambda, int64_t to_h, int64_t to_w, struct labels *out) {
    int scope = t_scope_open("segment", T_NO_GRAD | T_EVAL);
    int status = segment_decide(segment_scores(p, r, m, lambda), to_h, to_w, out);
    t_scope_close(scope, NULL);
    return status;
}
