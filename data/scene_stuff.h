/* The eight textures of stuff. The seen kinds come first, so that "no unseen" is a shorter draw. */
#pragma once

#include "base/rng.h"
#include "data/scene_draw.h"

enum stuff_kind {
    SKY,
    GRASS,
    WATER,
    ROAD,
    BRICK,
    WOOD,
    SAND,
    TILE,
    STUFF_KINDS,
    SEEN_STUFF = SAND
};

struct stuff {
    enum stuff_kind kind;
    struct colour base;
    struct rng noise; /* read by position: see lattice() */
    double grain;     /* deviation of the noise of a pixel */
    double p[20];     /* parameters of the texture, see its setup */
};

/* Draws colour and parameters. */
void stuff_init(struct stuff *s, enum stuff_kind kind, struct rng *r);

/* The colour at a point of the picture, x and y in 0..1, without the grain. */
struct colour stuff_at(const struct stuff *s, double x, double y);
