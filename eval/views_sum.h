/* The mean of what the network says of a picture's views (reference-spec 8.5, 8.6), without a map
 * of all scores: what it said of each is kept, masks as small as the network gives them, and the
 * scores of some names are computed from it when they are wanted.
 *
 * K names, Q proposals, H W the size of the picture, h w that of a view.
 */
#pragma once

#include "eval/segment.h"

/* Where what the network sees lies in a picture. */
struct view_place {
    bool mirrored;
    bool tile, last; /* a part of a view; the last one of it */
    struct box at;   /* of a tile: in its view */
    int64_t h, w;    /* of a tile: size of its view */
};

struct view_seen {
    struct view_place place;
    struct mask_logits masks; /* [1, Q, a, b] held */
    tensor **name;            /* [judges]: [Q, K] held */
};

struct views_sum {
    int64_t K, H, W;
    const struct judge *judge; /* [judges] */
    size_t judges;
    int64_t views;
    struct view_seen *at;
    size_t n, cap;
};

void views_sum_open(struct views_sum *s, const struct judge *judge, size_t judges, int64_t K,
                    int64_t H, int64_t W);
void views_sum_free(struct views_sum *s);

/* What the network said of a view, or of a tile; tiles of a view follow each other. Then, for each
 * judge, the names of its proposals [Q, K]. */
void views_sum_add(struct views_sum *s, struct view_place place, const struct mask_logits *masks);
void views_sum_name(struct views_sum *s, size_t judge, tensor *name);

/* A judge's mean over the views of names from .. from + n -> [n, H, W]: the bits do not depend on
 * how the names are grouped, as long as a group has four or all. */
tensor *views_sum_scores(const struct views_sum *s, size_t judge, int64_t from, int64_t n);

/* How many groups the names are to be in: the masks of every view are computed once a group, and
 * the scores of a group take 128 MiB or a little more. */
int64_t views_sum_groups(const struct views_sum *s);
