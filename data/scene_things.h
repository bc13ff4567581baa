/* The twelve things, drawn as filled paths in a square [-1, 1]^2 (y down) that is mirrored,
 * stretched, turned and placed. */
#pragma once

#include "base/rng.h"
#include "data/scene_draw.h"

enum thing_kind {
    HOUSE,
    TREE,
    CAR,
    FISH,
    CUP,
    BALL,
    UMBRELLA,
    BOAT,
    FLOWER,
    CAT,
    CLOCK,
    MUSHROOM,
    THING_KINDS,
    SEEN_THINGS = BOAT /* the seen kinds come first */
};

struct thing {
    enum thing_kind kind;
    int colour;                              /* index of the main colour, see scene_colours */
    struct colour main, second, dark, light; /* the four roles */
    double x, y, half;                       /* centre and half-size, in pixels */
    double xx, xy, yx, yy;                   /* square to picture, without `half` */
    struct rng shape;                        /* what the drawing itself decides */
};

/* Draws colours and pose; x, y and half are the caller's. */
void thing_init(struct thing *t, enum thing_kind kind, struct rng *r);
void thing_draw(const struct thing *t, struct canvas *c, uint8_t part);
