#include "eval/dump.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

tensor *dump_find(const struct dump *d, const char *name) {
    for (int i = 0; i < d->n; i++)
        if (strcmp(d->at[i].name, name) == 0) return d->at[i].x;
    return NULL;
}

void dump_put(struct dump *d, const char *name, tensor *x) {
    int scope = t_scope_open("dump", T_NO_GRAD), i = 0;
    while (i < d->n && strcmp(d->at[i].name, name) != 0) i++;
    if (i < d->n) {
        tensor *both = t_hold(t_cat((tensor *[]){d->at[i].x, x}, 2, 0));
        t_drop(d->at[i].x);
        d->at[i].x = both;
    } else {
        REQUIRE(d->n < DUMP_TENSORS, "more than %d tensors in a dump", DUMP_TENSORS);
        snprintf(d->at[i].name, sizeof d->at[i].name, "%s", name);
        d->at[i].x = t_hold(t_clone(x));
        d->n++;
    }
    t_scope_close(scope, NULL);
}

void dump_put_labels(struct dump *d, const char *name, const struct labels *l) {
    size_t n = (size_t)(l->h * l->w);
    int scope = t_scope_open("dump", T_NO_GRAD);
    int64_t *at = mem_try(n, sizeof *at);
    for (size_t i = 0; at && i < n; i++) at[i] = l->at[i];
    if (at) dump_put(d, name, t_from_data(at, SHAPE(l->h, l->w), T_I64));
    free(at);
    t_scope_close(scope, NULL);
}

static void put(void *self, const char *name, tensor *x) { dump_put(self, name, x); }

struct tap dump_tap(struct dump *d) {
    return (struct tap){put, d};
}

void dump_free(struct dump *d) {
    for (int i = 0; i < d->n; i++) t_drop(d->at[i].x);
    d->n = 0;
}

static void put_queries(struct dump *d, const struct proposals *p, const struct regions *r) {
    int64_t *valid = mem_alloc((size_t)p->Q, sizeof *valid);
    float *top = mem_alloc((size_t)p->Q, sizeof *top);
    int64_t pixels = p->h * p->w;
    for (int64_t v = 0; v < r->n; v++) valid[r->query[v]] = 1;
    for (int64_t q = 0; q < p->Q; q++)
        for (const float *at = p->mask + q * pixels; at < p->mask + (q + 1) * pixels; at++)
            if (*at > top[q]) top[q] = *at;
    dump_put(d, "valid", t_from_data(valid, SHAPE(p->Q), T_I64));
    dump_put(d, "mask_max_prob", t_from_data(top, SHAPE(p->Q), T_F32));
    free(valid);
    free(top);
}

static void put_boxes(struct dump *d, const struct regions *r) {
    int64_t *area = mem_alloc((size_t)r->n + 1, sizeof *area);
    int64_t(*box)[4] = mem_alloc((size_t)r->n + 1, sizeof *box);
    for (int64_t v = 0; v < r->n; v++) {
        const struct box *b = &r->box[v];
        const int64_t edges[4] = {b->x0, b->y0, b->x1, b->y1};
        memcpy(box[v], edges, sizeof edges);
        for (int64_t i = 0; i < r->mask[v].h * r->mask[v].w; i++) area[v] += r->mask[v].at[i];
    }
    dump_put(d, "areas", t_from_data(area, SHAPE(r->n), T_I64));
    dump_put(d, "boxes_xyxy", t_from_data(box, SHAPE(r->n, 4), T_I64));
    free(area);
    free(box);
}

static void put_margins(struct dump *d, const struct proposals *p, const struct regions *r,
                        double threshold) {
    float *margin = mem_alloc((size_t)r->n + 1, sizeof *margin), limit = (float)threshold;
    int64_t pixels = p->h * p->w;
    for (int64_t v = 0; v < r->n; v++) {
        const float *at = p->mask + r->query[v] * pixels;
        margin[v] = 1;
        for (int64_t i = 0; i < pixels; i++) margin[v] = fminf(margin[v], fabsf(at[i] - limit));
    }
    dump_put(d, "mask_margin", t_from_data(margin, SHAPE(r->n), T_F32));
    free(margin);
}

/* Patches of a region with any pixel of its mask: the others become prompts. */
static void put_patches(struct dump *d, int64_t patch) {
    tensor *mask = dump_find(d, "region_masks"); /* [V, S, S] */
    if (!mask || !patch) return;
    int64_t V = t_size(mask, 0), side = t_size(mask, 1) / patch;
    tensor *x = t_reshape(t_cast(mask, T_F32), SHAPE(V, side, patch, side, patch));
    x = t_amax(t_amax(x, 4, false), 2, false); /* [V, side, side] */
    dump_put(d, "patch_nonblank_count", t_cast(t_sum_dim(t_sum_dim(x, 2, false), 1, false), T_I64));
}

/* The network's output without its batch of one. */
static void take_first(struct dump *d, const char *name) {
    for (int i = 0; i < d->n; i++) {
        if (strcmp(d->at[i].name, name) != 0) continue;
        int scope = t_scope_open("dump", T_NO_GRAD);
        tensor *first = t_hold(t_select(d->at[i].x, 0, 0));
        t_drop(d->at[i].x);
        d->at[i].x = first;
        t_scope_close(scope, NULL);
    }
}

/* The names and "no object". */
static tensor *names_of(const struct proposer *p, const struct namer *m) {
    tensor *rows[2] = {m ? m->text : p->text, normalize_rows(p->net->no_object, 0)};
    /* Where the CLIP that names is not of the network's kind, "no object" is not of its space. */
    bool one_space = t_size(rows[0], 1) == t_size(rows[1], 1);
    return t_cat(rows, one_space ? 2 : 1, 0); /* [K + 1, D] or [K, D] */
}

void dump_names(struct dump *d, const struct proposer *p, const struct namer *m) {
    int scope = t_scope_open("dump", T_NO_GRAD);
    dump_put(d, "text_features", names_of(p, m));
    t_scope_close(scope, NULL);
}

void dump_segmentation(struct dump *d, const struct proposer *p, const struct namer *m,
                       const struct proposals *proposals, const struct regions *regions,
                       double threshold) {
    int scope = t_scope_open("dump", T_NO_GRAD);
    tensor *text = names_of(p, m); /* [K + 1, D] or [K, D] */
    take_first(d, "pred_embed");
    take_first(d, "pred_logits");
    take_first(d, "pred_masks");
    dump_put(d, "text_features", text);
    put_queries(d, proposals, regions);
    put_boxes(d, regions);
    put_margins(d, proposals, regions, threshold);
    if (m) put_patches(d, m->clip->resnet ? 0 : m->clip->opt.image.patch);
    tensor *features = m ? dump_find(d, "clip_image_features") : NULL; /* [V, D] */
    if (features)
        dump_put(d, "clip_logits",
                 t_scale(t_matmul(features, t_transpose(text, 0, 1)), m->temperature));
    t_scope_close(scope, NULL);
}
