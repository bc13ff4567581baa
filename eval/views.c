#include "eval/views.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "data/resize.h"

bool views_many(const struct views_options *o) { return o->tta || o->sliding; }

int64_t views_count(const struct views_options *o) {
    if (!o->tta) return 1;
    return (int64_t)o->sizes.n * (o->flip ? 2 : 1);
}

static void mirror(struct image *im) {
    for (int64_t y = 0; y < im->h; y++)
        for (int64_t x = 0; x < im->w / 2; x++) {
            uint8_t *a = im->at + (y * im->w + x) * im->c, keep[3];
            uint8_t *b = im->at + (y * im->w + im->w - 1 - x) * im->c;
            memcpy(keep, a, (size_t)im->c);
            memcpy(a, b, (size_t)im->c);
            memcpy(b, keep, (size_t)im->c);
        }
}

int view_of(const struct views_options *o, int64_t i, const struct image *im, struct image *out,
            bool *mirrored) {
    struct box all = {0, 0, im->w, im->h};
    *mirrored = o->tta && o->flip && i % 2;
    if (!o->tta) return image_crop(im, all, out);
    int64_t h, w;
    resize_shortest_edge(im->h, im->w, o->sizes.at[o->flip ? i / 2 : i], o->longest, &h, &w);
    int status = h == im->h && w == im->w ? image_crop(im, all, out)
                                          : image_resize(im, NULL, h, w, RESIZE_BILINEAR, out);
    if (!status && *mirrored) mirror(out);
    return status;
}

/* The reference's table; 0: it has none. */
static int64_t tile_side(const struct views_options *o, int64_t h, int64_t w) {
    if (o->tile > 0) return o->tile;
    switch (h < w ? h : w) {
    case 256: return 224;
    case 512: return 256;
    case 768:
    case 896: return 512;
    default: return 0;
    }
}

static int64_t tiles_along(int64_t length, int64_t side, int64_t stride) {
    return length > side ? (length - side + stride - 1) / stride + 1 : 1;
}

struct box *view_tiles(const struct views_options *o, int64_t h, int64_t w, int64_t *n) {
    int64_t side = tile_side(o, h, w);
    *n = 0;
    if (!side) {
        error_set(ERR_CONFIG,
                  "eval.sliding.tile: 0 goes with views of short sides 256, 512, 768 and 896, this "
                  "one has %lld: name a side",
                  (long long)(h < w ? h : w));
        return NULL;
    }
    /* In double as Python computes it: 224 * (1 - 2 / 3) is a little above 74.66. */
    int64_t stride = (int64_t)ceil((double)side * (1 - o->overlap));
    int64_t rows = tiles_along(h, side, stride), columns = tiles_along(w, side, stride);
    struct box *at = mem_alloc((size_t)(rows * columns), sizeof *at);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            int64_t x1 = c * stride + side < w ? c * stride + side : w;
            int64_t y1 = r * stride + side < h ? r * stride + side : h;
            at[(*n)++] = (struct box){x1 > side ? x1 - side : 0, y1 > side ? y1 - side : 0, x1, y1};
        }
    return at;
}

int view_tile(const struct views_options *o, const struct image *view, struct box at,
              struct image *out) {
    int64_t side = tile_side(o, view->h, view->w), n = (at.x1 - at.x0) * view->c;
    int status = image_alloc(out, side, side, view->c);
    for (int64_t y = at.y0; !status && y < at.y1; y++)
        memcpy(out->at + (y - at.y0) * side * view->c, view->at + (y * view->w + at.x0) * view->c,
               (size_t)n);
    return status;
}

int views_sum_open(struct views_sum *s, int64_t K, int64_t H, int64_t W) {
    *s = (struct views_sum){.K = K, .H = H, .W = W};
    s->total = t_hold(t_zeros(SHAPE(K, H, W), T_F32));
    return error_status();
}

void views_sum_free(struct views_sum *s) {
    t_drop(s->total);
    t_drop(s->part);
    t_drop(s->covered);
    *s = (struct views_sum){0};
}

void views_sum_add(struct views_sum *s, struct named n, bool mirrored) {
    int64_t step = ensemble_group(n, s->H, s->W);
    for (int64_t from = 0; from < s->K; from += step) {
        int scope = t_scope_open("view", T_NO_GRAD);
        int64_t k = s->K - from < step ? s->K - from : step;
        tensor *x = ensemble_scores(n, from, k, s->H, s->W); /* [k, H, W] */
        t_add_(t_narrow(s->total, 0, from, k), mirrored ? t_flip(x, 2) : x, 1);
        t_scope_close(scope, NULL);
    }
    s->views++;
}

void views_sum_tile(struct views_sum *s, struct named n, struct box at, int64_t h, int64_t w) {
    int scope = t_scope_open("tile", T_NO_GRAD);
    if (!s->part) {
        s->part = t_hold(t_zeros(SHAPE(s->K, h, w), T_F32));
        s->covered = t_hold(t_zeros(SHAPE(h, w), T_F32));
    }
    int64_t th = at.y1 - at.y0, tw = at.x1 - at.x0, side_h = t_size(n.mask, 1),
            side_w = t_size(n.mask, 2);
    tensor *x = ensemble_scores(n, 0, s->K, side_h, side_w); /* [K, side, side] */
    x = t_narrow(t_narrow(x, 1, 0, th), 2, 0, tw);           /* without what was padded */
    t_add_(t_narrow(t_narrow(s->part, 1, at.y0, th), 2, at.x0, tw), x, 1);
    t_add_(t_narrow(t_narrow(s->covered, 0, at.y0, th), 1, at.x0, tw), t_ones(SHAPE(th, tw), T_F32),
           1);
    t_scope_close(scope, NULL);
}

void views_sum_end(struct views_sum *s, bool mirrored) {
    for (int64_t k = 0; k < s->K; k++) {
        int scope = t_scope_open("view", T_NO_GRAD);
        tensor *x = t_div(t_narrow(s->part, 0, k, 1), s->covered); /* [1, h, w] */
        x = t_squeeze(t_resize_bilinear(t_unsqueeze(x, 0), s->H, s->W), 0);
        t_add_(t_narrow(s->total, 0, k, 1), mirrored ? t_flip(x, 2) : x, 1);
        t_scope_close(scope, NULL);
    }
    t_drop(s->part);
    t_drop(s->covered);
    s->part = s->covered = NULL;
    s->views++;
}

tensor *views_sum_mean(struct views_sum *s) {
    t_scale_(s->total, 1.0 / (double)s->views);
    return s->total;
}
