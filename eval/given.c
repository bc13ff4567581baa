/* V masks, K names, D feature length; H W the size of the picture. */
#include "eval/given.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/spans.h"
#include "nn/models/names.h"

enum { CROPS = 64 /* in one pass through the image tower */, AT_ONCE = 1 << 24 /* mask pixels */ };

/* The masks that take part, and where each has its feature. */
struct given {
    const struct region_list *masks;
    size_t *at;      /* [V] */
    int64_t V, *row; /* [masks] */
    float *feature;  /* [rows, D] */
};

static int encode(struct given *g, const struct namer *m, const struct crop_options *o,
                  int64_t min_area, const struct image *im) {
    struct region_encoder e = namer_encoder(m);
    struct region_options crop = namer_crop(m, o);
    struct region_batch b = {0};
    size_t n = g->masks->n;
    g->row = mem_alloc(n, sizeof *g->row);
    g->at = mem_alloc(n, sizeof *g->at);
    int64_t rows = region_list_rows(g->masks, min_area, 0, g->row);
    for (size_t k = 0; k < n; k++)
        if (g->row[k] >= 0) g->at[g->V++] = k;
    g->feature = mem_try((size_t)rows + 1, (size_t)e.D * sizeof *g->feature);
    int span = span_begin("crops"), status = g->feature ? 0 : error_status();
    if (!status) status = region_batch_open(&b, &crop, e, CROPS);
    if (!status) status = region_batch_add_list(&b, im, g->masks, g->row, g->feature);
    if (!status) status = region_batch_flush(&b);
    region_batch_free(&b);
    span_end(span);
    return status;
}

/* CLIP's opinion on each mask -> [V, K]. */
static tensor *opinions(const struct given *g, const struct namer *m) {
    int64_t D = t_size(m->text, -1);
    float *x = mem_alloc((size_t)(g->V * D), sizeof *x);
    for (int64_t v = 0; v < g->V; v++)
        for (int64_t d = 0; d < D; d++) x[v * D + d] = g->feature[g->row[g->at[v]] * D + d];
    tensor *f = t_from_data(x, SHAPE(g->V, D), T_F32); /* [V, D] */
    free(x);
    return t_softmax(t_scale(names_cosines(f, m->text), m->temperature), -1);
}

int given_names(const struct namer *m, const struct crop_options *crop, int64_t min_area,
                const struct image *im, const struct region_list *masks, float *prob) {
    struct given g = {.masks = masks};
    size_t K = (size_t)names_count(m->text);
    REQUIRE(!masks->n || (masks->h == im->h && masks->w == im->w), "masks of another size");
    for (size_t i = 0; i < masks->n * K; i++) prob[i] = NAN;
    int scope = t_scope_open("given", T_NO_GRAD | T_EVAL);
    int status = encode(&g, m, crop, min_area, im);
    if (!status && g.V) {
        size_t n = (size_t)g.V * K;
        float *x = mem_alloc(n, sizeof *x);
        status = t_copy_out(opinions(&g, m), x, n * sizeof *x);
        for (int64_t v = 0; !status && v < g.V; v++)
            memcpy(prob + g.at[v] * K, x + (size_t)v * K, K * sizeof *x);
        free(x);
    }
    t_scope_close(scope, NULL);
    free(g.at);
    free(g.row);
    free(g.feature);
    return status;
}

/* Lines y .. y + n - 1 of all masks -> [V, n, W], and which of their pixels any covers. */
static tensor *lines(const struct given *g, int64_t y, int64_t n, int64_t W, bool *covered) {
    size_t pixels = (size_t)(n * W);
    float *x = mem_try((size_t)g->V, pixels * sizeof *x);
    uint8_t *in = mem_alloc(pixels, 1);
    for (size_t i = 0; i < pixels; i++) covered[i] = false;
    for (int64_t v = 0; x && v < g->V; v++) {
        if (region_list_lines(g->masks, g->at[v], y, n, in)) break;
        for (size_t i = 0; i < pixels; i++) {
            x[(size_t)v * pixels + i] = in[i];
            covered[i] |= in[i] != 0;
        }
    }
    free(in);
    tensor *t = error_status() ? NULL : t_from_data(x, SHAPE(g->V, n, W), T_F32);
    free(x);
    return t;
}

/* The labels of some lines, into those of the picture. */
static int label_lines(const struct given *g, tensor *name, int64_t y, int64_t n,
                       const struct crf_options *crf, const struct image *im, struct labels *out,
                       struct scores *scores) {
    int64_t W = im->w;
    struct image part = {.h = n, .w = W, .c = im->c, .at = im->at + y * W * im->c};
    struct scores part_scores = {0};
    struct judge judge = {.crf = crf, .scores = scores ? &part_scores : NULL};
    struct labels found = {0};
    bool *covered = mem_alloc((size_t)(n * W), sizeof *covered);
    int scope = t_scope_open("lines", T_NO_GRAD | T_EVAL);
    struct named named = {.name = name, .mask = lines(g, y, n, W, covered)};
    int status = segment_labels(named, &judge, &part, &found);
    for (int64_t i = 0; !status && i < n * W; i++)
        out->at[y * W + i] = covered[i] ? found.at[i] : segment_unlabelled(t_size(name, 1));
    for (int64_t i = 0; !status && scores && i < n * W; i++)
        scores->at[y * W + i] = covered[i] ? part_scores.at[i] : 0;
    t_scope_close(scope, NULL);
    labels_free(&found);
    scores_free(&part_scores);
    free(covered);
    return status;
}

int given_labels(const struct namer *m, const struct crop_options *crop, int64_t min_area,
                 const struct crf_options *crf, const struct image *im,
                 const struct region_list *masks, struct labels *out, struct scores *scores) {
    struct given g = {.masks = masks};
    int64_t K = names_count(m->text), H = im->h, W = im->w;
    REQUIRE(!masks->n || (masks->h == H && masks->w == W), "masks of another size");
    int scope = t_scope_open("given", T_NO_GRAD | T_EVAL);
    int status = labels_alloc(out, H, W);
    for (int64_t i = 0; !status && i < H * W; i++) out->at[i] = segment_unlabelled(K);
    if (!status && scores) {
        *scores = (struct scores){H, W, mem_try((size_t)(H * W), sizeof *scores->at)};
        if (!scores->at) status = error_status();
    }
    if (!status) status = encode(&g, m, crop, min_area, im);
    if (!status && g.V) {
        tensor *name = opinions(&g, m); /* [V, K] */
        int64_t step = crf ? H : AT_ONCE / (g.V * W) + 1;
        int span = span_begin("fuse");
        for (int64_t y = 0; !status && y < H; y += step)
            status = label_lines(&g, name, y, H - y < step ? H - y : step, crf, im, out, scores);
        span_end(span);
    }
    t_scope_close(scope, NULL);
    free(g.at);
    free(g.row);
    free(g.feature);
    return status;
}
