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
