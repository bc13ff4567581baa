#include "train/picture.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"

enum { WIDTH = 384, GAP = 8 }; /* pixels */

/* Narrow pictures are enlarged, as far as they do not become too high. */
static int64_t factor_of(const struct image *im) {
    int64_t f = im->w < WIDTH ? (WIDTH + im->w - 1) / im->w : 1, most = IMAGE_SIDE_MAX / 4 / im->h;
    return f < most ? f : most > 1 ? most : 1;
}

/* Every pixel becomes f x f: nothing is smoothed that the network saw otherwise. */
static int enlarge(const struct image *im, int64_t f, struct image *out) {
    int status = image_alloc(out, im->h * f, im->w * f, 3);
    for (int64_t y = 0; !status && y < out->h; y++)
        for (int64_t x = 0; x < out->w; x++)
            memcpy(out->at + (y * out->w + x) * 3, im->at + (y / f * im->w + x / f) * 3, 3);
    return status;
}

static int enlarge_labels(const struct labels *l, int64_t f, struct labels *out) {
    int status = labels_alloc(out, l->h * f, l->w * f);
    for (int64_t y = 0; !status && y < out->h; y++)
        for (int64_t x = 0; x < out->w; x++) out->at[y * out->w + x] = l->at[y / f * l->w + x / f];
    return status;
}

int picture_overlay(const struct image *im, const struct labels *l, const struct overlay_options *o,
                    struct image *out) {
    int64_t f = factor_of(im);
    if (f == 1) return overlay_draw(im, l, o, out);
    struct image large = {0};
    struct labels map = {0};
    int status = enlarge(im, f, &large);
    if (!status) status = enlarge_labels(l, f, &map);
    if (!status) status = overlay_draw(&large, &map, o, out);
    image_free(&large);
    labels_free(&map);
    return status;
}

int picture_compare(const struct image *im, const struct labels *predicted,
                    const struct labels *truth, const struct overlay_options *o,
                    struct image *out) {
    struct image pane[3] = {{0}};
    int status = enlarge(im, factor_of(im), &pane[0]);
    if (!status) status = picture_overlay(im, predicted, o, &pane[1]);
    if (!status) status = picture_overlay(im, truth, o, &pane[2]);
    int64_t h = 0, w = pane->w;
    for (int k = 0; k < 3; k++) h = pane[k].h > h ? pane[k].h : h;
    if (!status) status = image_alloc(out, h, 3 * w + 2 * GAP, 3);
    if (!status) memset(out->at, 255, (size_t)(out->h * out->w * 3));
    for (int k = 0; k < 3; k++) {
        if (!status) image_paste(out, 0, k * (w + GAP), &pane[k]);
        image_free(&pane[k]);
    }
    return status;
}

int picture_write(const char *path, const struct image *im) {
    struct bytes png = {0};
    int status = image_encode_png_quick(im, &png);
    if (!status) status = file_write(path, png.at, png.n);
    bytes_free(&png);
    return status;
}

int picture_write_labels(const char *path, const struct labels *l) {
    struct bytes png = {0};
    int status = labels_encode_png(l, &png);
    if (!status) status = file_write(path, png.at, png.n);
    bytes_free(&png);
    return status;
}
