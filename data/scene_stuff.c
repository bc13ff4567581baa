#include "data/scene_stuff.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* Palettes overlap on purpose: colour alone must not tell what something is. */
static const struct colour palette[STUFF_KINDS][4] = {
    [SKY] = {{110, 165, 235}, {165, 200, 240}, {235, 165, 120}, {140, 150, 172}},
    [GRASS] = {{75, 145, 55}, {115, 165, 65}, {155, 160, 75}, {55, 115, 65}},
    [WATER] = {{50, 100, 185}, {45, 135, 155}, {95, 145, 190}, {65, 95, 120}},
    [ROAD] = {{92, 92, 98}, {120, 120, 122}, {72, 72, 82}, {128, 116, 104}},
    [BRICK] = {{165, 78, 58}, {185, 115, 85}, {135, 72, 62}, {172, 155, 135}},
    [WOOD] = {{155, 105, 60}, {125, 84, 48}, {190, 145, 92}, {115, 100, 90}},
    [SAND] = {{220, 195, 140}, {200, 165, 112}, {228, 212, 175}, {180, 150, 122}},
    [TILE] = {{195, 200, 205}, {120, 150, 172}, {190, 170, 140}, {150, 95, 85}},
};

static struct colour lighten(struct colour c, double by) {
    float d = (float)by;
    return (struct colour){c.r + d, c.g + d, c.b + d};
}

static struct colour mix(struct colour a, struct colour b, double t) {
    float f = (float)t;
    return (struct colour){a.r + f * (b.r - a.r), a.g + f * (b.g - a.g), a.b + f * (b.b - a.b)};
}

/* The i-th number of a stream, -1..1, without drawing the ones before it. */
static double lattice(struct rng r, int64_t i) {
    r.at = (uint64_t)i;
    return rng_range(&r, -1, 1);
}

/* The fractional part, in 0..1 also for negative x. */
static double fraction(double x) { return x - floor(x); }

/* sky: a vertical gradient and a few soft clouds. p: gradient; n; then x, y, rx, ry each. */
static void sky_setup(struct stuff *s, struct rng *r) {
    s->p[0] = rng_range(r, 20, 60);
    s->p[1] = (double)(2 + rng_below(r, 3));
    for (int i = 0; i < (int)s->p[1]; i++) {
        double *cloud = s->p + 2 + 4 * i;
        cloud[0] = rng_uniform(r);
        cloud[1] = rng_range(r, 0.05, 0.95);
        cloud[2] = rng_range(r, 0.12, 0.3);
        cloud[3] = cloud[2] * rng_range(r, 0.3, 0.5);
    }
}

static struct colour sky_at(const struct stuff *s, double x, double y) {
    double white = 0;
    for (int i = 0; i < (int)s->p[1]; i++) {
        const double *cloud = s->p + 2 + 4 * i;
        double dx = (x - cloud[0]) / cloud[2], dy = (y - cloud[1]) / cloud[3];
        double d = dx * dx + dy * dy;
        /* smooth to zero at d = 2, so a cloud has no edge and no square root is needed */
        if (d < 2) white = fmax(white, 0.85 * (1 - d / 2) * (1 - d / 2) * (1 + d));
    }
    struct colour c = lighten(s->base, s->p[0] * (y - 0.35));
    return mix(c, (struct colour){248, 248, 250}, fmin(white, 0.9));
}

/* grass: blades, a noise of 64 columns and 9 rows stretched along y. */
enum { BLADES = 64, BLADE_ROWS = 9 };

static void grass_setup(struct stuff *s, struct rng *r) { s->p[0] = rng_range(r, 30, 40); }

static struct colour grass_at(const struct stuff *s, double x, double y) {
    int64_t column = (int64_t)(x * BLADES);
    double row = y * (BLADE_ROWS - 1);
    int64_t knot = (int64_t)row;
    double t = row - (double)knot, a = lattice(s->noise, column * 16 + knot),
           b = lattice(s->noise, column * 16 + knot + 1);
    return lighten(s->base, s->p[0] * (a + t * (b - a)));
}

/* water: waves along y, their phase bent along x. p: cycles, bend, bend's cycles, phase, bend's */
static void water_setup(struct stuff *s, struct rng *r) {
    s->p[0] = rng_range(r, 8, 12);
    s->p[1] = rng_range(r, 0.8, 1.8);
    s->p[2] = rng_range(r, 1.5, 3.5);
    s->p[3] = rng_range(r, 0, 2 * pi);
    s->p[4] = rng_range(r, 0, 2 * pi);
}

static struct colour water_at(const struct stuff *s, double x, double y) {
    double bend = s->p[1] * sin(2 * pi * s->p[2] * x + s->p[4]);
    return lighten(s->base, 24 * sin(2 * pi * s->p[0] * y + s->p[3] + bend));
}

/* road: dashed lines on a slightly turned grid. p: cos, sin, gap of lines, of dashes, offsets */
static void road_setup(struct stuff *s, struct rng *r) {
    double angle = rng_range(r, -0.25, 0.25);
    s->p[0] = cos(angle);
    s->p[1] = sin(angle);
    s->p[2] = rng_range(r, 0.22, 0.32);
    s->p[3] = rng_range(r, 0.16, 0.24);
    s->p[4] = rng_uniform(r);
    s->p[5] = rng_uniform(r);
}

static struct colour road_at(const struct stuff *s, double x, double y) {
    double along = s->p[0] * x + s->p[1] * y, across = s->p[0] * y - s->p[1] * x;
    double line = across / s->p[2] + s->p[4];
    double dash = along / s->p[3] + s->p[5] + 0.5 * floor(line);
    bool paint = fraction(line) * s->p[2] < 0.035 && fraction(dash) < 0.55;
    return lighten(s->base, paint ? 100 : 0);
}

/* brick: rows of stones, every other one shifted. p: height, width, joint +-, offsets */
static void brick_setup(struct stuff *s, struct rng *r) {
    s->p[0] = rng_range(r, 0.08, 0.125);
    s->p[1] = s->p[0] * rng_range(r, 1.9, 2.3);
    s->p[2] = rng_chance(r, 0.5) ? 50 : -50;
    s->p[3] = rng_uniform(r);
    s->p[4] = rng_uniform(r);
}

static struct colour brick_at(const struct stuff *s, double x, double y) {
    double row = y / s->p[0] + s->p[3], stone = x / s->p[1] + s->p[4] + 0.5 * floor(row);
    bool joint = fraction(row) * s->p[0] < 0.018 || fraction(stone) * s->p[1] < 0.018;
    double tone = 10 * lattice(s->noise, (int64_t)floor(row) * 64 + (int64_t)floor(stone));
    return lighten(s->base, joint ? s->p[2] : tone);
}

/* wood: planks with a tone of their own, dark joints, grain along them. p: lies, width, offset */
static void wood_setup(struct stuff *s, struct rng *r) {
    s->p[0] = rng_chance(r, 0.5);
    s->p[1] = rng_range(r, 0.12, 0.2);
    s->p[2] = rng_uniform(r);
}

static struct colour wood_at(const struct stuff *s, double x, double y) {
    double along = s->p[0] > 0 ? x : y, across = s->p[0] > 0 ? y : x;
    double place = across / s->p[1] + s->p[2];
    int64_t plank = (int64_t)place;
    if (fraction(place) * s->p[1] < 0.02) return lighten(s->base, -55);
    double fibre = across * 64 + 1.2 * sin(2 * pi * along + 2 * (double)plank);
    double tone = 16 * lattice(s->noise, plank);
    return lighten(s->base, tone + 12 * lattice(s->noise, 4096 + (int64_t)(fibre + 64)));
}

/* sand: grains, 12 % of the pixels much lighter or darker. */
static void sand_setup(struct stuff *s, struct rng *r) { s->p[0] = rng_range(r, 50, 60); }

static struct colour sand_at(const struct stuff *s, double x, double y) {
    double v = lattice(s->noise, (int64_t)(y * 64) * 64 + (int64_t)(x * 64));
    return lighten(s->base, v > 0.88 ? s->p[0] : v < -0.88 ? -s->p[0] : 0);
}

/* tile: a checkerboard. p: cell, offsets */
static void tile_setup(struct stuff *s, struct rng *r) {
    s->p[0] = rng_range(r, 0.08, 0.14);
    s->p[1] = rng_uniform(r);
    s->p[2] = rng_uniform(r);
}

static struct colour tile_at(const struct stuff *s, double x, double y) {
    int64_t cell = (int64_t)(x / s->p[0] + s->p[1]) + (int64_t)(y / s->p[0] + s->p[2]);
    return lighten(s->base, cell % 2 ? 32 : -32);
}

static const struct {
    void (*setup)(struct stuff *s, struct rng *r);
    struct colour (*at)(const struct stuff *s, double x, double y);
} texture[STUFF_KINDS] = {
    [SKY] = {sky_setup, sky_at},       [GRASS] = {grass_setup, grass_at},
    [WATER] = {water_setup, water_at}, [ROAD] = {road_setup, road_at},
    [BRICK] = {brick_setup, brick_at}, [WOOD] = {wood_setup, wood_at},
    [SAND] = {sand_setup, sand_at},    [TILE] = {tile_setup, tile_at},
};

void stuff_init(struct stuff *s, enum stuff_kind kind, struct rng *r) {
    *s = (struct stuff){.kind = kind, .base = palette[kind][rng_below(r, 4)]};
    s->base.r += (float)(12 * rng_normal(r));
    s->base.g += (float)(12 * rng_normal(r));
    s->base.b += (float)(12 * rng_normal(r));
    s->grain = rng_range(r, 3, 6);
    s->noise = (struct rng){.key = rng_next(r)};
    texture[kind].setup(s, r);
}

struct colour stuff_at(const struct stuff *s, double x, double y) {
    return texture[s->kind].at(s, x, y);
}
