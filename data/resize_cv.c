#include "data/resize_cv.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

/* What one output row or column takes: source `at` and the one behind it. */
struct tap {
    int64_t at, next;
    int32_t weight[2]; /* of 2048 */
};

/* Positions are floats there, and weights are rounded one by one: their sum may be 2047 or 2049. Of
 * columns the border's weights are whole; of rows the border is taken twice. */
static struct tap *taps(int64_t n_in, int64_t n_out, bool columns) {
    struct tap *t = mem_alloc((size_t)n_out, sizeof *t);
    double scale = 1.0 / ((double)n_out / (double)n_in);
    for (int64_t i = 0; i < n_out; i++) {
        float f = (float)(((double)i + 0.5) * scale - 0.5);
        int64_t at = (int64_t)floorf(f);
        f -= (float)at;
        if (columns && (at < 0 || at >= n_in - 1)) {
            f = 0;
            at = at < 0 ? 0 : n_in - 1;
        }
        int64_t next = at + 1;
        t[i] = (struct tap){
            .at = at < 0          ? 0
                  : at > n_in - 1 ? n_in - 1
                                  : at,
            .next = next < 0          ? 0
                    : next > n_in - 1 ? n_in - 1
                                      : next,
            .weight = {(int32_t)lrintf((1.0F - f) * 2048.0F), (int32_t)lrintf(f * 2048.0F)}};
    }
    return t;
}

static void widen(const uint8_t *row, const struct tap *x, int64_t w, int64_t c, int32_t *to) {
    for (int64_t i = 0; i < w; i++)
        for (int64_t k = 0; k < c; k++)
            to[i * c + k] =
                row[x[i].at * c + k] * x[i].weight[0] + row[x[i].next * c + k] * x[i].weight[1];
}

int image_resize_cv_linear(const struct image *in, int64_t h, int64_t w, struct image *out) {
    if (image_alloc(out, h, w, in->c)) return error_status();
    int64_t c = in->c, n = w * c;
    int32_t *row[2] = {mem_alloc((size_t)n, sizeof **row), mem_alloc((size_t)n, sizeof **row)};
    int64_t held[2] = {-1, -1}; /* which source rows they are */
    struct tap *x = taps(in->w, w, true), *y = taps(in->h, h, false);
    for (int64_t i = 0; i < h; i++) {
        int64_t want[2] = {y[i].at, y[i].next};
        for (int k = 0; k < 2; k++)
            if (held[k] != want[k]) {
                widen(in->at + want[k] * in->w * c, x, w, c, row[k]);
                held[k] = want[k];
            }
        for (int64_t j = 0; j < n; j++) {
            int32_t a = ((row[0][j] >> 4) * y[i].weight[0]) >> 16;
            int32_t b = ((row[1][j] >> 4) * y[i].weight[1]) >> 16;
            int32_t v = (a + b + 2) >> 2;
            out->at[i * n + j] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
    }
    free(x);
    free(y);
    free(row[0]);
    free(row[1]);
    return 0;
}

static int64_t nearest(int64_t i, int64_t n_in, int64_t n_out) {
    double step = 1.0 / ((double)n_out / (double)n_in);
    int64_t at = (int64_t)floor((double)i * step);
    return at < n_in - 1 ? at : n_in - 1;
}

int labels_resize_cv_nearest(const struct labels *in, int64_t h, int64_t w, struct labels *out) {
    if (labels_alloc(out, h, w)) return error_status();
    for (int64_t y = 0; y < h; y++) {
        const uint16_t *row = in->at + nearest(y, in->h, h) * in->w;
        for (int64_t x = 0; x < w; x++) out->at[y * w + x] = row[nearest(x, in->w, w)];
    }
    return 0;
}
