/* A picture seen several times: in several sizes, mirrored, and each of them in tiles; its scores
 * are the mean over all (reference-spec 8.5, 8.6).
 *
 * K names, H W the size of the picture, h w that of a view, n tiles.
 */
#pragma once

#include "base/settings.h"
#include "data/image.h"
#include "eval/ensemble.h"

struct views_options {
    bool tta;          /* the sizes below; else one view, which is the picture itself */
    struct ints sizes; /* short sides, pixels */
    int64_t longest;   /* long side at most, pixels */
    bool flip;         /* each view mirrored, too */
    bool sliding;      /* each view in tiles */
    int64_t tile;      /* side, pixels; 0: by the short side of the view */
    double overlap;    /* of neighbouring tiles, share of a side */
};

/* Whether there is more than the picture itself. */
bool views_many(const struct views_options *o);

/* How many views a picture has. */
int64_t views_count(const struct views_options *o);

/* View i of a picture that has the network's size: sizes in their order, each plain, then mirrored.
 * Resized by Pillow's bilinear. */
int view_of(const struct views_options *o, int64_t i, const struct image *im, struct image *out,
            bool *mirrored);

/* Where the tiles of an h x w view lie, row by row, owned: one that would reach beyond the border
 * is moved back, and only a view smaller than a tile has a smaller one. NULL and ERR_CONFIG when no
 * size of tile is known for the view. */
struct box *view_tiles(const struct views_options *o, int64_t h, int64_t w, int64_t *n);

/* The tile as the network sees it: what is missing to its full size is black, right and below. */
int view_tile(const struct views_options *o, const struct image *view, struct box at,
              struct image *out);

/* Scores on their way to the mean. */
struct views_sum {
    int64_t K, H, W, views;
    tensor *total; /* [K, H, W] held */
    tensor *part,
        *covered; /* of a view in tiles: [K, h, w], how often each pixel was seen [h, w] */
};
int views_sum_open(struct views_sum *s, int64_t K, int64_t H, int64_t W); /* ERR_INTERNAL: memory */
void views_sum_free(struct views_sum *s);
/* What the network made of a whole view. */
void views_sum_add(struct views_sum *s, struct named n, bool mirrored);
/* What it made of a tile; then, after all tiles of a view, its end. */
void views_sum_tile(struct views_sum *s, struct named n, struct box at, int64_t h, int64_t w);
void views_sum_end(struct views_sum *s, bool mirrored);
/* The mean over the views -> [K, H, W], in place: nothing can be added then. */
tensor *views_sum_mean(struct views_sum *s);
