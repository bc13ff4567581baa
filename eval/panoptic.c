#include "eval/panoptic.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* A proposal that is of a name and sure enough. */
struct candidate {
    int64_t query, category;
    float score;
    int64_t won, original; /* pixels: where it is the surest; where its mask is at least one half */
    int64_t segment;       /* index, or -1 */
};

struct contest {
    int64_t H, W;
    struct candidate *at;
    int64_t n;
    float *best, *mask; /* [H, W]: score times mask of the winner; mask of the one that comes */
    int32_t *winner;    /* [H, W]: index of a candidate */
};

/* Proposals above the threshold whose likeliest class is a name. */
static int choose(struct contest *c, const struct panoptic_options *o,
                  const struct panoptic_source *s) {
    int64_t Q = t_size(s->logits, 0), columns = t_size(s->logits, 1);
    size_t n = (size_t)(Q * columns);
    float *prob = mem_try(n, sizeof *prob);
    int status = prob ? t_copy_out(t_softmax(s->logits, -1), prob, n * sizeof *prob) : ERR_INTERNAL;
    c->at = mem_alloc((size_t)Q, sizeof *c->at);
    for (int64_t q = 0; !status && q < Q; q++) {
        const float *p = prob + q * columns;
        int64_t best = 0;
        for (int64_t k = 1; k < columns; k++)
            if (p[k] > p[best]) best = k;
        if (best == columns - 1 || !(p[best] > (float)o->object_threshold)) continue;
        c->at[c->n++] =
            (struct candidate){.query = q, .category = best, .score = p[best], .segment = -1};
    }
    free(prob);
    return status;
}

/* Mask of proposal q at the picture's size -> c->mask */
static int read_mask(struct contest *c, const struct panoptic_source *s, int64_t q) {
    int scope = t_scope_open("mask", T_NO_GRAD | T_EVAL);
    tensor *x = t_unsqueeze(t_narrow(s->masks, 0, q, 1), 0); /* [1, 1, a, b] */
    if (t_size(x, 2) != s->padded_h || t_size(x, 3) != s->padded_w)
        x = t_resize_bilinear(x, s->padded_h, s->padded_w);
    x = t_narrow(t_narrow(x, 2, 0, s->h), 3, 0, s->w);
    if (s->h != c->H || s->w != c->W) x = t_resize_bilinear(x, c->H, c->W);
    int status = t_copy_out(t_sigmoid(x), c->mask, (size_t)(c->H * c->W) * sizeof *c->mask);
    t_scope_close(scope, NULL);
    return status;
}

static int compete(struct contest *c, const struct panoptic_source *s) {
    int64_t pixels = c->H * c->W;
    int status = 0;
    for (int64_t k = 0; k < c->n; k++) {
        struct candidate *x = &c->at[k];
        status = read_mask(c, s, x->query);
        if (status) return status;
        for (int64_t i = 0; i < pixels; i++) {
            float sure = x->score * c->mask[i];
            x->original += c->mask[i] >= 0.5F;
            if (k > 0 && !(sure > c->best[i])) continue; /* of equals the first */
            c->best[i] = sure;
            c->winner[i] = (int32_t)k;
        }
    }
    for (int64_t i = 0; c->n && i < pixels; i++) c->at[c->winner[i]].won++;
    return 0;
}

/* The segment of its name that a proposal of stuff adds to; a new one otherwise. */
static int64_t segment_of(struct panoptic *out, int64_t category, bool thing) {
    for (size_t i = 0; !thing && i < out->n; i++)
        if (out->segment[i].category == category) return (int64_t)i;
    out->segment[out->n] =
        (struct panoptic_segment){.id = (int64_t)out->n + 1, .category = category, .thing = thing};
    return (int64_t)out->n++;
}

static void grow(struct panoptic_segment *s, int64_t x, int64_t y) {
    if (!s->area) s->box = (struct box){x, y, x + 1, y + 1};
    s->area++;
    if (x < s->box.x0) s->box.x0 = x;
    if (x >= s->box.x1) s->box.x1 = x + 1;
    if (y >= s->box.y1) s->box.y1 = y + 1; /* rows come from the top */
}

static void award(struct contest *c, const struct panoptic_options *o, const bool *thing,
                  struct panoptic *out) {
    for (int64_t k = 0; k < c->n; k++) {
        struct candidate *x = &c->at[k];
        if (!x->won || !x->original) continue;
        if ((double)x->won / (double)x->original < o->overlap) continue;
        x->segment = segment_of(out, x->category, thing[x->category]);
    }
    for (int64_t i = 0; c->n && i < c->H * c->W; i++) {
        int64_t at = c->at[c->winner[i]].segment;
        if (at < 0) continue;
        out->id.at[i] = (uint16_t)out->segment[at].id;
        grow(&out->segment[at], i % c->W, i / c->W);
    }
}

int panoptic_of(const struct panoptic_options *o, const struct panoptic_source *s,
                const bool *thing, int64_t H, int64_t W, struct panoptic *out) {
    REQUIRE(t_size(s->logits, 0) <= UINT16_MAX, "%lld proposals", (long long)t_size(s->logits, 0));
    int scope = t_scope_open("panoptic", T_NO_GRAD | T_EVAL);
    struct contest c = {.H = H, .W = W};
    size_t pixels = (size_t)(H * W);
    *out = (struct panoptic){0};
    int status = labels_alloc(&out->id, H, W);
    if (!status) {
        c.best = mem_try(pixels, sizeof *c.best);
        c.mask = mem_try(pixels, sizeof *c.mask);
        c.winner = mem_try(pixels, sizeof *c.winner);
        status = c.best && c.mask && c.winner ? choose(&c, o, s) : ERR_INTERNAL;
    }
    out->segment = mem_alloc((size_t)c.n + 1, sizeof *out->segment);
    if (!status) status = compete(&c, s);
    if (!status) award(&c, o, thing, out);
    free(c.at);
    free(c.best);
    free(c.mask);
    free(c.winner);
    t_scope_close(scope, NULL);
    return status;
}

void panoptic_free(struct panoptic *p) {
    labels_free(&p->id);
    free(p->segment);
    *p = (struct panoptic){0};
}
