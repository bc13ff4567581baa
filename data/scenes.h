/* The drawn world: small pictures of things on stuff, with label maps and captions, on which the
 * whole method runs in minutes. A scene is a function of (options, seed, split, index) alone: any
 * scene can be drawn at any time by any thread. Design: reference embedded-default 1, 2. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/image.h"

/* Classes 0..12 are seen: they have masks in training. 13..19 are unseen: named in captions only.
 */
enum {
    SCENE_CLASSES = 20,
    SCENE_SEEN = 13,
    SCENE_COLOURS = 10,
    SCENE_IGNORE = 255, /* label of the studio's backdrop, which is none of the classes */
    SCENE_CAPTIONS = 5, /* captions of a scene */
    SCENE_PARTS = 8,    /* at most: three kinds of stuff, five things */
    SCENE_SPLIT = 64,   /* bytes of the longest name of a split, with its NUL */
};

struct scene_class {
    const char *name, *plural;            /* plural: NULL for stuff */
    const char *synonym, *synonym_plural; /* NULL: none */
    bool seen, thing;
};
extern const struct scene_class scene_classes[SCENE_CLASSES];
extern const char *const scene_colours[SCENE_COLOURS]; /* the words for main colours */

struct scenes_options {
    int64_t size;  /* side in pixels */
    bool unseen;   /* false: none of the unseen classes is drawn (the segmenter's scenes) */
    double easy;   /* share of easy scenes (one thing or one stuff), for a curriculum */
    double studio; /* share of scenes with a plain backdrop instead of stuff */
    double plain;  /* share of the others that are one stuff all over */
    double close;  /* share of the others whose things are few and large */
    double second; /* share of scenes with a horizon that have a second lower stuff */
    double repeat; /* share that repeat the class of their first thing: plurals */
    double near_min, near_max; /* half-size of the things of a close scene, of the side */
    double far_min, far_max;   /* the same of other scenes */
};
struct scenes_options scenes_defaults(void);

/* A part is one thing, or one region of stuff. */
struct scene_part {
    int64_t class;  /* SCENE_IGNORE: the backdrop of a studio scene */
    int64_t colour; /* of a thing: index into scene_colours */
    int64_t pixels; /* that are seen of it */
};

struct scene {
    struct image image;   /* [size, size, 3] */
    struct labels labels; /* [size, size]: class, or SCENE_IGNORE */
    struct scene_part part[SCENE_PARTS];
    int64_t n_parts;
};

/* 0 or ERR_INTERNAL (memory). Thread safe. `split` names the stream: "train", "val". */
int scene_draw(struct scene *s, const struct scenes_options *o, uint64_t seed, const char *split,
               int64_t index);
void scene_free(struct scene *s);
