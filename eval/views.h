/* A picture seen several times: in several sizes, mirrored, and each of them in tiles; its scores
 * are the mean over all (reference-spec 8.5, 8.6; views_sum.h).
 *
 * h w: the size of a view; n tiles.
 */
#pragma once

#include "base/settings.h"
#include "data/image.h"

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
