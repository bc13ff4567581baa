/* K names, H W the size of the picture, h w what the network sees. */
#include "eval/picture.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "eval/views_sum.h"
#include "nn/models/names.h"

struct look {
    const struct picture_models *m;
    const struct judge *judge;
    size_t n; /* judges */
    const struct image *im;
    struct labels *out;        /* [n] */
    struct views_sum *views;   /* NULL: there is one */
    struct panoptic *panoptic; /* or NULL */
    struct dump *dump;         /* or NULL */
};

struct whole {
    tensor *scores; /* [K, H, W] */
};

static tensor *scores_of(const void *self, int64_t from, int64_t n) {
    const struct whole *x = self;
    return t_narrow(x->scores, 0, from, n);
}

/* The scores [K, H, W] are complete, which only a dump asks for. */
static int decide(struct look *l, size_t i, tensor *scores) {
    enum { AT_ONCE = 1 << 23 }; /* scores */
    int64_t K = t_size(scores, 0), least = AT_ONCE / (l->im->h * l->im->w) + 1;
    struct whole x = {scores};
    struct score_groups g = {&x, K, ensemble_groups(K, least), scores_of};
    dump_put(l->dump, "sem_seg", scores);
    return segment_labels_of(&g, &l->judge[i], l->im, &l->out[i]);
}

/* A judge's word on the only view there is. */
static int decide_named(struct look *l, size_t i, struct named n) {
    if (!l->dump) return segment_labels(n, &l->judge[i], l->im, &l->out[i]);
    int64_t K = t_size(n.name, 1), h = t_size(n.mask, 1), w = t_size(n.mask, 2);
    dump_put(l->dump, "fused", n.name);
    dump_put(l->dump, "fused_before_resize", ensemble_scores(n, 0, K, h, w));
    return decide(l, i, ensemble_scores(n, 0, K, l->im->h, l->im->w));
}

struct mean_of {
    const struct views_sum *s;
    size_t judge;
};

static tensor *mean_scores(const void *self, int64_t from, int64_t n) {
    const struct mean_of *m = self;
    return views_sum_scores(m->s, m->judge, from, n);
}

/* And on all views together. */
static int decide_views(struct look *l, size_t i) {
    const struct views_sum *s = l->views;
    struct mean_of m = {s, i};
    struct score_groups g = {&m, s->K, views_sum_groups(s), mean_scores};
    int scope = t_scope_open("views", T_NO_GRAD | T_EVAL), span = span_begin("fuse");
    int status = l->dump ? decide(l, i, views_sum_scores(s, i, 0, s->K))
                         : segment_labels_of(&g, &l->judge[i], l->im, &l->out[i]);
    span_end(span);
    t_scope_close(scope, NULL);
    return status;
}

static int judge_all(struct look *l, const struct proposer *proposer, const struct image *seen,
                     struct proposals *p, struct regions *r) {
    const struct image *crops_of = l->m->eval->original ? l->im : seen;
    const struct clip *encoded = NULL;
    struct tap tap = dump_tap(l->dump);
    int status = 0;
    for (size_t i = 0; !status && i < l->n; i++) {
        const struct judge *j = &l->judge[i];
        if (j->namer && j->namer->clip != encoded) {
            struct namer namer = *j->namer;
            namer.tap = l->dump ? &tap : NULL;
            status = segment_encode(&namer, l->m->crop, r, crops_of, 1);
            encoded = namer.clip;
        }
        if (status) break;
        int scope = t_scope_open("judge", T_NO_GRAD | T_EVAL), span = span_begin("fuse");
        struct named n = segment_named(p, r, j);
        if (l->dump)
            dump_segmentation(l->dump, proposer, j->namer, p, r, l->m->eval->mask_threshold);
        if (l->views)
            views_sum_name(l->views, i, n.name);
        else
            status = decide_named(l, i, n);
        span_end(span);
        t_scope_close(scope, NULL);
        if (!status) status = error_status();
    }
    return status;
}

/* What the network says of one image, for segments and views; and whoever looks at it besides. */
struct peek {
    tensor *logits, *masks; /* [1, Q, K + 1], [1, Q, a, b] held */
    const struct tap *onward;
};

static void take(void *self, const char *name, tensor *x) {
    struct peek *k = self;
    if (strcmp(name, "pred_logits") == 0) k->logits = t_hold(x);
    if (strcmp(name, "pred_masks") == 0) k->masks = t_hold(x);
    tap_put(k->onward, name, x);
}

static int64_t padded(int64_t n, int64_t divisor) { return (n + divisor - 1) / divisor * divisor; }

static int find_segments(struct look *l, const struct peek *k, const struct image *seen) {
    int64_t divisor = l->m->net->opt.divisor;
    int scope = t_scope_open("segments", T_NO_GRAD | T_EVAL), span = span_begin("segments");
    struct panoptic_source s = {.logits = t_select(k->logits, 0, 0),
                                .masks = t_select(k->masks, 0, 0),
                                .padded_h = padded(seen->h, divisor),
                                .padded_w = padded(seen->w, divisor),
                                .h = seen->h,
                                .w = seen->w};
    int status =
        panoptic_of(&l->m->eval->panoptic, &s, l->m->thing, l->im->h, l->im->w, l->panoptic);
    if (!status && l->dump) dump_put_labels(l->dump, "panoptic", &l->panoptic->id);
    span_end(span);
    t_scope_close(scope, NULL);
    return status;
}

static void keep_view(struct look *l, const struct peek *k, const struct image *seen,
                      const struct view_place *at) {
    int64_t divisor = l->m->net->opt.divisor;
    struct mask_logits m = {k->masks, padded(seen->h, divisor), padded(seen->w, divisor), seen->h,
                            seen->w};
    views_sum_add(l->views, *at, &m);
}

/* Everything about one image that the network sees. */
static int see(struct look *l, const struct image *seen, const struct view_place *at) {
    struct dump *dump = l->views ? NULL : l->dump;
    struct tap tap = dump_tap(dump);
    struct peek peek = {.onward = dump ? &tap : NULL};
    struct tap taking = {take, &peek};
    struct proposer proposer = {l->m->net, l->m->text};
    struct proposals p = {0};
    struct regions r = {0};
    l->m->net->tap = l->panoptic || l->views ? &taking : peek.onward;
    int status = segment_propose(&proposer, l->m->eval, seen, 1, &p, &r);
    l->m->net->tap = NULL;
    if (!status && l->panoptic) status = find_segments(l, &peek, seen);
    if (!status && l->views) keep_view(l, &peek, seen, at);
    t_drop(peek.logits);
    t_drop(peek.masks);
    if (!status) {
        struct look inner = *l;
        inner.dump = dump;
        status = judge_all(&inner, &proposer, seen, &p, &r);
    }
    proposals_free(&p);
    regions_free(&r);
    return status;
}

static int see_tiles(struct look *l, const struct image *view, bool mirrored) {
    const struct views_options *o = &l->m->eval->views;
    int64_t n;
    struct box *at = view_tiles(o, view->h, view->w, &n);
    int status = at ? 0 : error_status();
    for (int64_t i = 0; at && !status && i < n; i++) {
        struct view_place place = {mirrored, true, i + 1 == n, at[i], view->h, view->w};
        struct image tile = {0};
        status = view_tile(o, view, at[i], &tile);
        if (!status) status = see(l, &tile, &place);
        image_free(&tile);
    }
    free(at);
    return status ? status : error_status();
}

static int see_views(struct look *l, const struct image *seen) {
    const struct views_options *o = &l->m->eval->views;
    struct views_sum sum;
    int status = 0;
    if (l->dump) dump_names(l->dump, &(struct proposer){l->m->net, l->m->text}, l->judge->namer);
    views_sum_open(&sum, l->judge, l->n, names_count(l->m->text), l->im->h, l->im->w);
    l->views = &sum;
    for (int64_t v = 0; !status && v < views_count(o); v++) {
        struct image view = {0};
        struct view_place place = {0};
        status = view_of(o, v, seen, &view, &place.mirrored);
        if (!status)
            status = o->sliding ? see_tiles(l, &view, place.mirrored) : see(l, &view, &place);
        image_free(&view);
    }
    for (size_t i = 0; !status && i < l->n; i++) status = decide_views(l, i);
    views_sum_free(&sum);
    l->views = NULL;
    return status;
}

int picture_segment(const struct picture_models *m, const struct judge *judge, size_t n,
                    const struct image *im, struct labels *out, struct panoptic *panoptic,
                    struct dump *dump) {
    REQUIRE(!dump || n == 1, "a dump of %zu judges", n);
    REQUIRE(!panoptic || !views_many(&m->eval->views), "segments of many views");
    struct look l = {
        .m = m, .judge = judge, .n = n, .im = im, .out = out, .panoptic = panoptic, .dump = dump};
    struct image seen = {0};
    struct box all = {0, 0, im->w, im->h};
    memset(out, 0, n * sizeof *out);
    if (panoptic) *panoptic = (struct panoptic){0};
    int status = image_crop(im, all, &seen);
    if (!status) status = segment_resize(&m->size, &seen);
    if (!status && views_many(&m->eval->views))
        status = see_views(&l, &seen);
    else if (!status)
        status = see(&l, &seen, NULL);
    image_free(&seen);
    return status;
}
