#include "eval/views_sum.h"

#include <stdlib.h>

void views_sum_open(struct views_sum *s, const struct judge *judge, size_t judges, int64_t K,
                    int64_t H, int64_t W) {
    *s = (struct views_sum){.K = K, .H = H, .W = W, .judge = judge, .judges = judges};
}

void views_sum_free(struct views_sum *s) {
    for (size_t i = 0; i < s->n; i++) {
        t_drop(s->at[i].masks.x);
        for (size_t k = 0; k < s->judges; k++) t_drop(s->at[i].name[k]);
        free(s->at[i].name);
    }
    free(s->at);
    *s = (struct views_sum){0};
}

void views_sum_add(struct views_sum *s, struct view_place place, const struct mask_logits *masks) {
    s->at = mem_grow(s->at, &s->cap, s->n + 1, sizeof *s->at);
    struct view_seen *v = &s->at[s->n++];
    *v = (struct view_seen){place, *masks, mem_alloc(s->judges, sizeof(tensor *))};
    v->masks.x = t_hold(t_detach(masks->x)); /* the caller's may be held, too */
    s->views += !place.tile || place.last;
}

void views_sum_name(struct views_sum *s, size_t judge, tensor *name) {
    s->at[s->n - 1].name[judge] = t_hold(name);
}

/* ---- the sum ---- */

/* Some names, of which sums are made. */
struct some {
    const struct views_sum *s;
    size_t judge;
    int64_t from, n;
    tensor *total; /* [n, H, W] */
};

static struct named named_of(const struct some *o, const struct view_seen *v) {
    const struct judge *j = &o->s->judge[o->judge];
    tensor *mask = t_select(mask_probabilities(&v->masks), 0, 0); /* [Q, h, w] */
    if (j->demo) mask = t_cast(t_gt(mask, j->threshold), T_F32);
    return (struct named){t_narrow(v->name[o->judge], 1, o->from, o->n), mask};
}

static void add_to(tensor *sum, tensor *x, bool mirrored) {
    t_add_(sum, mirrored ? t_flip(x, 2) : x, 1);
}

/* What the network saw whole. */
static void add_view(const struct some *o, const struct view_seen *v) {
    int scope = t_scope_open("view", T_NO_GRAD | T_EVAL);
    int64_t H = o->s->H, W = o->s->W;
    struct named p = named_of(o, v); /* [Q, n], [Q, h, w] */
    int64_t groups = ensemble_groups(o->n, ensemble_group(v->masks.h, v->masks.w, H, W));
    for (int64_t i = 0; i < groups; i++) {
        int inner = t_scope_open("group", T_INHERIT);
        int64_t from = o->n * i / groups, n = o->n * (i + 1) / groups - from;
        tensor *x = ensemble_scores(p, from, n, H, W); /* [n, H, W] */
        add_to(t_narrow(o->total, 0, from, n), x, v->place.mirrored);
        t_scope_close(inner, NULL);
    }
    t_scope_close(scope, NULL);
}

/* A tile, without what was padded, into the sum of its view: part [n, h, w], covered [h, w]. */
static void add_tile(const struct some *o, const struct view_seen *v, tensor *part,
                     tensor *covered) {
    int scope = t_scope_open("tile", T_NO_GRAD | T_EVAL);
    struct box at = v->place.at;
    int64_t h = v->masks.h, w = v->masks.w, th = at.y1 - at.y0, tw = at.x1 - at.x0;
    struct named p = named_of(o, v); /* [Q, n], [Q, h, w] */
    int64_t groups = ensemble_groups(o->n, ensemble_group(h, w, h, w));
    part = t_narrow(t_narrow(part, 1, at.y0, th), 2, at.x0, tw); /* [n, th, tw] */
    for (int64_t i = 0; i < groups; i++) {
        int inner = t_scope_open("group", T_INHERIT);
        int64_t from = o->n * i / groups, n = o->n * (i + 1) / groups - from;
        tensor *x = ensemble_scores(p, from, n, h, w); /* [n, h, w] */
        t_add_(t_narrow(part, 0, from, n), t_narrow(t_narrow(x, 1, 0, th), 2, 0, tw), 1);
        t_scope_close(inner, NULL);
    }
    t_add_(t_narrow(t_narrow(covered, 0, at.y0, th), 1, at.x0, tw), t_ones(SHAPE(th, tw), T_F32),
           1);
    t_scope_close(scope, NULL);
}

/* A view in tiles, the first of which is v. Returns how many they are. */
static size_t add_tiles(const struct some *o, const struct view_seen *v) {
    int scope = t_scope_open("view", T_NO_GRAD | T_EVAL);
    int64_t H = o->s->H, W = o->s->W, h = v->place.h, w = v->place.w;
    tensor *part = t_zeros(SHAPE(o->n, h, w), T_F32), *covered = t_zeros(SHAPE(h, w), T_F32);
    size_t tiles = 0;
    do add_tile(o, &v[tiles], part, covered);
    while (!v[tiles++].place.last);
    int64_t groups = ensemble_groups(o->n, ensemble_group(h, w, H, W));
    for (int64_t i = 0; i < groups; i++) {
        int inner = t_scope_open("group", T_INHERIT);
        int64_t from = o->n * i / groups, n = o->n * (i + 1) / groups - from;
        tensor *x = t_div(t_narrow(part, 0, from, n), covered); /* [n, h, w] */
        if (h != H || w != W) x = t_squeeze(t_resize_bilinear(t_unsqueeze(x, 0), H, W), 0);
        add_to(t_narrow(o->total, 0, from, n), x, v->place.mirrored);
        t_scope_close(inner, NULL);
    }
    t_scope_close(scope, NULL);
    return tiles;
}

tensor *views_sum_scores(const struct views_sum *s, size_t judge, int64_t from, int64_t n) {
    int scope = t_scope_open("views", T_NO_GRAD | T_EVAL);
    struct some o = {s, judge, from, n, t_zeros(SHAPE(n, s->H, s->W), T_F32)};
    for (size_t i = 0; i < s->n;) {
        if (s->at[i].place.tile) {
            i += add_tiles(&o, &s->at[i]);
        } else {
            add_view(&o, &s->at[i]);
            i++;
        }
    }
    t_scale_(o.total, 1.0 / (double)s->views);
    return t_scope_close(scope, o.total);
}

int64_t views_sum_groups(const struct views_sum *s) {
    enum { AT_ONCE = 1 << 25, LEAST = 4 }; /* scores */
    int64_t part = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct view_place *p = &s->at[i].place;
        if (p->tile && p->h * p->w > part) part = p->h * p->w;
    }
    int64_t n = AT_ONCE / (s->H * s->W + part);
    return ensemble_groups(s->K, n < LEAST ? LEAST : n);
}
