#include "data/segment_sample.h"

#include <string.h>

#include "base/error.h"
#include "data/colour_jitter.h"
#include "data/resize.h"

/* The picture as Pillow does it, the map as torch does. */
static int resize(const struct segment_data_options *o, struct rng *r, struct image *im,
                  struct labels *l) {
    int64_t h, w, shortest = o->sizes.at[rng_below(r, (int64_t)o->sizes.n)];
    int64_t longest = o->longest ? o->longest : IMAGE_SIDE_MAX;
    resize_shortest_edge(im->h, im->w, shortest, longest, &h, &w);
    if (h == im->h && w == im->w) return 0;
    struct image image = {0};
    struct labels labels = {0};
    int status = image_resize(im, NULL, h, w, RESIZE_BILINEAR, &image);
    if (!status) status = labels_resize_nearest_torch(l, h, w, &labels);
    if (status) {
        image_free(&image);
        return status;
    }
    image_free(im);
    labels_free(l);
    *im = image;
    *l = labels;
    return 0;
}

static void place(const struct image *part, const struct labels *l, struct box box, bool mirror,
                  int64_t H, int64_t W, uint16_t ignore, uint8_t *pixels, uint16_t *map) {
    for (int64_t y = 0; y < H; y++)
        for (int64_t x = 0; x < W; x++) {
            int64_t u = mirror ? part->w - 1 - x : x, to = y * W + x;
            bool inside = y < part->h && x < part->w;
            map[to] = inside ? l->at[(box.y0 + y) * l->w + box.x0 + u] : ignore;
            if (inside)
                memcpy(pixels + 3 * to, part->at + 3 * (y * part->w + u), 3);
            else
                memset(pixels + 3 * to, 128, 3);
        }
}

int segment_sample(const struct segment_data_options *o, struct rng *r, struct image *im,
                   struct labels *l, int64_t H, int64_t W, uint16_t ignore, uint8_t *pixels,
                   uint16_t *map) {
    if (im->h != l->h || im->w != l->w)
        return error_set(ERR_DATA, "a picture of %lld x %lld with a label map of %lld x %lld",
                         (long long)im->w, (long long)im->h, (long long)l->w, (long long)l->h);
    int status = o->sizes.n ? resize(o, r, im, l) : 0;
    if (status) return status;
    int64_t y0 = im->h > H ? rng_below(r, im->h - H + 1) : 0;
    int64_t x0 = im->w > W ? rng_below(r, im->w - W + 1) : 0;
    struct box box = {x0, y0, im->w - x0 < W ? im->w : x0 + W, im->h - y0 < H ? im->h : y0 + H};
    struct image part = {0};
    status = image_crop(im, box, &part);
    if (status) return status;
    if (o->colour) colour_jitter(&part, r);
    place(&part, l, box, o->mirror && rng_chance(r, 0.5), H, W, ignore, pixels, map);
    image_free(&part);
    return 0;
}
