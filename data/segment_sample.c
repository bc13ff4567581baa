#include "data/segment_sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/colour_jitter.h"
#include "data/resize.h"

enum { PART_TRIES = 10, VALUES = 1 << 16, GREY = 128 };

/* Whether a class has at least the share o->single_area of what is labelled, or is alone: the
 * reference then looks for another part. */
static bool is_plain(const struct labels *l, uint16_t ignore, double area) {
    int64_t *count = mem_alloc(VALUES, sizeof *count);
    for (int64_t i = 0; i < l->h * l->w; i++) count[l->at[i]]++;
    count[ignore] = 0;
    int64_t classes = 0, largest = 0, all = 0;
    for (int64_t k = 0; k < VALUES; k++) {
        classes += count[k] > 0;
        largest = count[k] > largest ? count[k] : largest;
        all += count[k];
    }
    free(count);
    return classes < 2 || (double)largest >= (double)all * area;
}

/* A part of the resized picture [h, w], and what of the label map is in it: as torch resizes. */
static int draw_part(const struct segment_data_options *o, struct rng *r, const struct labels *l,
                     int64_t h, int64_t w, int64_t H, int64_t W, uint16_t ignore, struct box *box,
                     struct labels *part) {
    int64_t most_h = o->crop && o->crop < H ? o->crop : H;
    int64_t most_w = o->crop && o->crop < W ? o->crop : W;
    bool plain = true;
    for (int tries = 0; plain && tries < PART_TRIES; tries++) {
        int64_t y = h > most_h ? rng_below(r, h - most_h + 1) : 0;
        int64_t x = w > most_w ? rng_below(r, w - most_w + 1) : 0;
        *box = (struct box){x, y, w > most_w ? x + most_w : w, h > most_h ? y + most_h : h};
        labels_free(part);
        if (labels_resize_part(l, h, w, *box, part)) return error_status();
        plain = o->single_area < 1 && is_plain(part, ignore, o->single_area);
    }
    return 0;
}

static void place_row(const uint8_t *from, const uint16_t *labels, int64_t w, bool mirror,
                      uint8_t *pixels, uint16_t *map) {
    if (!mirror) {
        memcpy(pixels, from, (size_t)(3 * w));
        memcpy(map, labels, (size_t)w * sizeof *map);
        return;
    }
    for (int64_t x = 0; x < w; x++) {
        for (int k = 0; k < 3; k++) pixels[3 * x + k] = from[3 * (w - 1 - x) + k];
        map[x] = labels[w - 1 - x];
    }
}

/* The part, mirrored or not, and the padding. */
static void place(const struct image *part, const struct labels *l, bool mirror, int64_t H,
                  int64_t W, uint16_t ignore, uint8_t *pixels, uint16_t *map) {
    int64_t w = part->w;
    for (int64_t y = 0; y < H; y++, pixels += 3 * W, map += W) {
        int64_t from = y < part->h ? w : 0;
        if (from) place_row(part->at + y * 3 * w, l->at + y * w, w, mirror, pixels, map);
        memset(pixels + 3 * from, GREY, (size_t)(3 * (W - from)));
        for (int64_t x = from; x < W; x++) map[x] = ignore;
    }
}

int segment_sample(const struct segment_data_options *o, struct rng *r, const struct image *im,
                   const struct labels *l, int64_t H, int64_t W, uint16_t ignore, uint8_t *pixels,
                   uint16_t *map) {
    if (im->h != l->h || im->w != l->w)
        return error_set(ERR_DATA, "a picture of %lld x %lld with a label map of %lld x %lld",
                         (long long)im->w, (long long)im->h, (long long)l->w, (long long)l->h);
    int64_t h = im->h, w = im->w;
    if (o->sizes.n) {
        int64_t shortest = o->sizes.at[rng_below(r, (int64_t)o->sizes.n)];
        resize_shortest_edge(im->h, im->w, shortest, o->longest ? o->longest : IMAGE_SIDE_MAX, &h,
                             &w);
    }
    struct box box = {0};
    struct image part = {0};
    struct labels labels = {0};
    int status = draw_part(o, r, l, h, w, H, W, ignore, &box, &labels);
    if (!status) status = image_resize_part(im, h, w, RESIZE_BILINEAR, box, &part);
    if (!status) {
        if (o->colour) colour_jitter(&part, r);
        place(&part, &labels, o->mirror && rng_chance(r, 0.5), H, W, ignore, pixels, map);
    }
    image_free(&part);
    labels_free(&labels);
    return status;
}
