#include "data/scenes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "data/scene_draw.h"
#include "data/scene_stuff.h"
#include "data/scene_things.h"

static const double pi = 3.14159265358979323846;

const struct scene_class scene_classes[SCENE_CLASSES] = {
    {"sky", NULL, NULL, NULL, true, false},
    {"grass", NULL, "lawn", NULL, true, false},
    {"water", NULL, NULL, NULL, true, false},
    {"road", NULL, "street", NULL, true, false},
    {"brick", NULL, NULL, NULL, true, false},
    {"wood", NULL, NULL, NULL, true, false},
    {"house", "houses", "home", "homes", true, true},
    {"tree", "trees", NULL, NULL, true, true},
    {"car", "cars", "automobile", "automobiles", true, true},
    {"fish", "fish", NULL, NULL, true, true},
    {"cup", "cups", "mug", "mugs", true, true},
    {"ball", "balls", NULL, NULL, true, true},
    {"umbrella", "umbrellas", NULL, NULL, true, true},
    {"sand", NULL, NULL, NULL, false, false},
    {"tile", NULL, NULL, NULL, false, false},
    {"boat", "boats", "ship", "ships", false, true},
    {"flower", "flowers", NULL, NULL, false, true},
    {"cat", "cats", "kitten", "kittens", false, true},
    {"clock", "clocks", NULL, NULL, false, true},
    {"mushroom", "mushrooms", NULL, NULL, false, true},
};

const char *const scene_colours[SCENE_COLOURS] = {"red",    "orange", "yellow", "green", "blue",
                                                  "purple", "white",  "black",  "brown", "pink"};

static int64_t class_of_stuff(enum stuff_kind k) {
    return k < SEEN_STUFF ? (int64_t)k : SCENE_SEEN + (int64_t)k - SEEN_STUFF;
}
static int64_t class_of_thing(enum thing_kind k) {
    return k < SEEN_THINGS ? SEEN_STUFF + (int64_t)k
                           : SCENE_SEEN + (STUFF_KINDS - SEEN_STUFF) + (int64_t)k - SEEN_THINGS;
}

struct scenes_options scenes_defaults(void) {
    return (struct scenes_options){.size = 64,
                                   .unseen = true,
                                   .studio = 0.18,
                                   .plain = 0.12,
                                   .close = 0.45,
                                   .second = 0.4,
                                   .repeat = 0.15,
                                   .near_min = 0.25,
                                   .near_max = 0.45,
                                   .far_min = 0.13,
                                   .far_max = 0.25};
}

/* What a scene is made of, before it is drawn. */
enum ground { STUDIO, PLAIN, HORIZON, DEPTH, SIDES }; /* DEPTH, SIDES: a second lower stuff */

struct layout {
    enum ground ground;
    int n_stuff, n_things;
    struct stuff stuff[3];     /* upper, lower, second lower */
    struct colour backdrop[2]; /* of a studio scene: top, bottom */
    double level, slant, wave, cycles, phase;
    double split, tilt; /* of the second lower stuff: how deep or where, and how slanted */
    struct thing thing[SCENE_PARTS - 3];
};

static enum stuff_kind pick_lower(const struct scenes_options *o, struct rng *r) {
    static const enum stuff_kind lower[] = {GRASS, WATER, ROAD, WOOD, SAND, TILE};
    return lower[rng_below(r, o->unseen ? 6 : 4)];
}

static void lay_ground(struct layout *l, const struct scenes_options *o, struct rng *r) {
    static const enum stuff_kind upper[] = {SKY, SKY, BRICK, WOOD};
    if (l->ground == STUDIO) {
        for (int i = 0; i < 2; i++)
            l->backdrop[i] =
                (struct colour){(float)rng_range(r, 40, 235), (float)rng_range(r, 40, 235),
                                (float)rng_range(r, 40, 235)};
        return;
    }
    if (l->ground == PLAIN) {
        l->n_stuff = 1;
        stuff_init(&l->stuff[0],
                   (enum stuff_kind)rng_below(r, o->unseen ? STUFF_KINDS : SEEN_STUFF), r);
        return;
    }
    enum stuff_kind top = upper[rng_below(r, 4)], first, second;
    do first = pick_lower(o, r);
    while (first == top);
    do second = pick_lower(o, r);
    while (second == top || second == first);
    if (rng_chance(r, o->second)) l->ground = rng_chance(r, 0.5) ? DEPTH : SIDES;
    l->n_stuff = l->ground == HORIZON ? 2 : 3;
    stuff_init(&l->stuff[0], top, r);
    stuff_init(&l->stuff[1], first, r);
    stuff_init(&l->stuff[2], second, r);
    l->level = rng_range(r, 0.25, 0.62);
    l->slant = rng_range(r, -0.12, 0.12);
    l->wave = rng_range(r, 0, 0.03);
    l->cycles = rng_range(r, 0.7, 2.5);
    l->phase = rng_range(r, 0, 2 * pi);
    l->split = l->ground == DEPTH ? rng_range(r, 0.14, 0.3) : rng_range(r, 0.3, 0.7);
    l->tilt = rng_range(r, -0.3, 0.3);
}

/* Places up to n things; one that finds no room in 8 tries is left out. */
static void lay_things(struct layout *l, const struct scenes_options *o, int n, bool near,
                       struct rng *r) {
    enum { TRIES = 8 };
    double side = (double)o->size, lo = near ? o->near_min : o->far_min,
           hi = near ? o->near_max : o->far_max;
    bool repeat = n > 1 && rng_chance(r, o->repeat);
    for (int i = 0; i < n; i++) {
        struct thing *t = &l->thing[l->n_things];
        enum thing_kind kind = (enum thing_kind)rng_below(r, o->unseen ? THING_KINDS : SEEN_THINGS);
        if (repeat && l->n_things) kind = l->thing[0].kind;
        thing_init(t, kind, r);
        t->half = side * rng_range(r, lo, hi);
        bool fits = false;
        for (int k = 0; k < TRIES && !fits; k++) {
            double margin = 0.8 * t->half;
            t->x = rng_range(r, margin, side - margin);
            t->y = rng_range(r, margin, side - margin);
            fits = true;
            for (int j = 0; j < l->n_things; j++) {
                const struct thing *u = &l->thing[j];
                if (fabs(t->x - u->x) + fabs(t->y - u->y) < 0.95 * (t->half + u->half))
                    fits = false;
            }
        }
        if (fits) l->n_things++;
    }
    /* Small to large, so that what looks nearer hides what looks farther. */
    for (int i = 1; i < l->n_things; i++) {
        struct thing t = l->thing[i];
        int j = i;
        for (; j > 0 && l->thing[j - 1].half > t.half; j--) l->thing[j] = l->thing[j - 1];
        l->thing[j] = t;
    }
}

static void lay_out(struct layout *l, const struct scenes_options *o, struct rng *r) {
    *l = (struct layout){.ground = HORIZON};
    int n = 1;
    bool near = true;
    if (rng_chance(r, o->easy)) {
        double kind = rng_uniform(r);
        l->ground = kind < 0.5 ? STUDIO : PLAIN;
        if (kind >= 0.75) n = 0;
    } else {
        if (rng_chance(r, o->studio))
            l->ground = STUDIO;
        else if (rng_chance(r, o->plain))
            l->ground = PLAIN;
        near = l->ground == STUDIO || rng_chance(r, o->close);
        n = near ? 1 + rng_chance(r, 0.3) : 1 + (int)rng_below(r, 4);
    }
    lay_ground(l, o, r);
    lay_things(l, o, n, near, r);
}

/* Which stuff is at a point of the picture, x and y in 0..1. */
static int ground_at(const struct layout *l, double x, double y) {
    if (l->ground == PLAIN) return 0;
    double edge =
        l->level + l->slant * (x - 0.5) + l->wave * sin(2 * pi * l->cycles * x + l->phase);
    if (y < edge) return 0;
    if (l->ground == DEPTH) return y > edge + l->split + 0.5 * l->tilt * (x - 0.5) ? 2 : 1;
    if (l->ground == SIDES) return x > l->split + l->tilt * (y - edge) ? 2 : 1;
    return 1;
}

/* Two noises a draw, mean 0, deviation 1, as sums of four bytes: close to normal, and a twentieth
 * of the cost of Box-Muller, which would dominate the drawing. */
struct grain {
    struct rng r;
    uint64_t bits;
    int left;
};

static float grain_next(struct grain *g) {
    if (!g->left) {
        g->bits = rng_next(&g->r);
        g->left = 2;
    }
    g->left--;
    uint64_t b = g->bits & 0xFFFFFFFFu;
    g->bits >>= 32;
    int sum = (int)(b & 255) + (int)(b >> 8 & 255) + (int)(b >> 16 & 255) + (int)(b >> 24);
    return (float)(sum - 510) * (1 / 147.8F); /* sqrt(4 (256^2 - 1) / 12) */
}

static void draw_ground(const struct layout *l, struct canvas *c, struct grain *g) {
    for (int64_t i = 0; i < c->size * c->size; i++) {
        int64_t row = i / c->size, column = i % c->size;
        double x = ((double)column + 0.5) / (double)c->size;
        double y = ((double)row + 0.5) / (double)c->size;
        struct colour *p = &c->at[i];
        if (l->ground == STUDIO) {
            const struct colour *b = l->backdrop;
            float t = (float)y;
            *p = (struct colour){b[0].r + t * (b[1].r - b[0].r), b[0].g + t * (b[1].g - b[0].g),
                                 b[0].b + t * (b[1].b - b[0].b)};
            c->part[i] = 0;
            continue;
        }
        int k = ground_at(l, x, y);
        *p = stuff_at(&l->stuff[k], x, y);
        float grain = (float)l->stuff[k].grain;
        p->r += grain * grain_next(g);
        p->g += grain * grain_next(g);
        p->b += grain * grain_next(g);
        c->part[i] = (uint8_t)k;
    }
}

static uint8_t clamp_byte(float v) {
    float up = v + 0.5F; /* rounds to nearest by truncation */
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)up;
}

/* Light, noise, bytes; labels and areas from the parts. */
static void finish(struct scene *s, const struct canvas *c, struct rng *r, struct grain *g) {
    float contrast = (float)rng_range(r, 0.8, 1.1), light = 128 + (float)rng_range(r, -15, 15);
    for (int64_t i = 0; i < c->size * c->size; i++) {
        uint8_t *out = s->image.at + 3 * i;
        out[0] = clamp_byte((c->at[i].r - 128) * contrast + light + 3 * grain_next(g));
        out[1] = clamp_byte((c->at[i].g - 128) * contrast + light + 3 * grain_next(g));
        out[2] = clamp_byte((c->at[i].b - 128) * contrast + light + 3 * grain_next(g));
        struct scene_part *part = &s->part[c->part[i]];
        s->labels.at[i] = (uint16_t)part->class;
        part->pixels++;
    }
}

static void name_parts(struct scene *s, const struct layout *l) {
    if (l->ground == STUDIO) s->part[s->n_parts++] = (struct scene_part){.class = SCENE_IGNORE};
    for (int i = 0; i < l->n_stuff; i++)
        s->part[s->n_parts++] = (struct scene_part){.class = class_of_stuff(l->stuff[i].kind)};
    for (int i = 0; i < l->n_things; i++)
        s->part[s->n_parts++] = (struct scene_part){.class = class_of_thing(l->thing[i].kind),
                                                    .colour = l->thing[i].colour};
}

int scene_draw(struct scene *s, const struct scenes_options *o, uint64_t seed, const char *split,
               int64_t index) {
    REQUIRE(strlen(split) < SCENE_SPLIT, "the name of a split of %zu bytes", strlen(split));
    REQUIRE(o->size >= 8 && o->size <= 4096, "scenes of %lld pixels", (long long)o->size);
    *s = (struct scene){0};
    int status = image_alloc(&s->image, o->size, o->size, 3);
    if (!status) status = labels_alloc(&s->labels, o->size, o->size);
    if (status) {
        scene_free(s);
        return status;
    }
    char purpose[SCENE_SPLIT + 32];
    snprintf(purpose, sizeof purpose, "scenes.%s.layout", split);
    struct rng r = rng_stream(seed, purpose, (uint64_t)index);
    snprintf(purpose, sizeof purpose, "scenes.%s.texture", split);
    struct grain g = {.r = rng_stream(seed, purpose, (uint64_t)index)};

    struct layout l;
    struct canvas c;
    canvas_init(&c, o->size);
    lay_out(&l, o, &r);
    name_parts(s, &l);
    draw_ground(&l, &c, &g);
    int first = (int)s->n_parts - l.n_things;
    for (int i = 0; i < l.n_things; i++) thing_draw(&l.thing[i], &c, (uint8_t)(first + i));
    finish(s, &c, &r, &g);
    canvas_free(&c);
    return 0;
}

void scene_free(struct scene *s) {
    image_free(&s->image);
    labels_free(&s->labels);
    *s = (struct scene){0};
}
