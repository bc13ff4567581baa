#include "data/scene_things.h"

#include <math.h>
#include <stddef.h>

static const double pi = 3.14159265358979323846;

enum { RED, ORANGE, YELLOW, GREEN, BLUE, PURPLE, WHITE, BLACK, BROWN, PINK, COLOURS };

static const struct colour paint[COLOURS] = {
    [RED] = {212, 48, 42},     [ORANGE] = {240, 142, 35}, [YELLOW] = {242, 216, 52},
    [GREEN] = {48, 158, 70},   [BLUE] = {48, 88, 212},    [PURPLE] = {142, 62, 172},
    [WHITE] = {240, 240, 240}, [BLACK] = {32, 32, 34},    [BROWN] = {126, 80, 46},
    [PINK] = {245, 150, 182},
};

/* Half of the draws are from the favourites. */
static const struct {
    int favourite[3];
    double turn; /* largest rotation to either side, radians */
} habit[THING_KINDS] = {
    [HOUSE] = {{WHITE, RED, YELLOW}, 0.14},  [TREE] = {{GREEN, ORANGE, YELLOW}, 0.14},
    [CAR] = {{RED, BLUE, YELLOW}, 0.14},     [FISH] = {{ORANGE, YELLOW, BLUE}, 0.5},
    [CUP] = {{WHITE, BLUE, RED}, 0.14},      [BALL] = {{RED, YELLOW, BLUE}, 3.14},
    [UMBRELLA] = {{RED, PURPLE, PINK}, 0.4}, [BOAT] = {{BROWN, WHITE, BLUE}, 0.14},
    [FLOWER] = {{PINK, RED, PURPLE}, 0.14},  [CAT] = {{BLACK, ORANGE, BROWN}, 0.14},
    [CLOCK] = {{BROWN, BLACK, RED}, 0.2},    [MUSHROOM] = {{RED, BROWN, ORANGE}, 0.14},
};

static struct colour jitter(struct colour c, double by, struct rng *r) {
    c.r += (float)(by * rng_normal(r));
    c.g += (float)(by * rng_normal(r));
    c.b += (float)(by * rng_normal(r));
    return c;
}

void thing_init(struct thing *t, enum thing_kind kind, struct rng *r) {
    *t = (struct thing){.kind = kind};
    t->colour =
        rng_chance(r, 0.5) ? habit[kind].favourite[rng_below(r, 3)] : (int)rng_below(r, COLOURS);
    int second = (int)rng_below(r, COLOURS - 1);
    if (second >= t->colour) second++;
    t->main = jitter(paint[t->colour], 12, r);
    t->second = jitter(paint[second], 12, r);
    /* Details must stay visible: no light ones on white, no dark ones on black. */
    t->light = t->colour == WHITE ? (struct colour){150, 190, 225} : (struct colour){245, 240, 222};
    t->dark = t->colour == BLACK ? (struct colour){112, 106, 104} : (struct colour){46, 36, 36};
    t->light = jitter(t->light, 8, r);
    t->dark = jitter(t->dark, 8, r);

    double mirror = rng_chance(r, 0.5) ? -1 : 1, aspect = rng_range(r, 0.85, 1.18);
    double turn = rng_range(r, -habit[kind].turn, habit[kind].turn);
    double sx = mirror * sqrt(aspect), sy = 1 / sqrt(aspect);
    t->xx = cos(turn) * sx;
    t->xy = -sin(turn) * sy;
    t->yx = sin(turn) * sx;
    t->yy = cos(turn) * sy;
    t->shape = (struct rng){.key = rng_next(r)};
}

/* What draws one thing: its pose, and where to. */
struct pen {
    const struct thing *t;
    struct canvas *c;
    uint8_t part;
    struct rng r;
};

static void point(const struct pen *p, struct path *path, double x, double y) {
    const struct thing *t = p->t;
    path_point(path, t->x + t->half * (t->xx * x + t->xy * y),
               t->y + t->half * (t->yx * x + t->yy * y));
}

static void fill(const struct pen *p, const struct path *path, struct colour c) {
    path_fill(path, p->c, c, p->part);
}

static void polygon(const struct pen *p, struct colour c, size_t n, const double (*at)[2]) {
    struct path path = {0};
    path_loop(&path);
    for (size_t i = 0; i < n; i++) point(p, &path, at[i][0], at[i][1]);
    fill(p, &path, c);
}

#define POLYGON(p, c, ...)                                                                         \
    polygon(p, c, sizeof(double[][2]){__VA_ARGS__} / sizeof(double[2]), (double[][2]){__VA_ARGS__})

static void box(const struct pen *p, struct colour c, double x0, double y0, double x1, double y1) {
    POLYGON(p, c, {x0, y0}, {x1, y0}, {x1, y1}, {x0, y1});
}

/* Part of an ellipse's rim, angles from +x towards +y. */
static void arc(const struct pen *p, struct path *path, double x, double y, double rx, double ry,
                double from, double to) {
    enum { STEPS = 24 };
    for (int i = 0; i <= STEPS; i++) {
        double a = from + (to - from) * i / STEPS;
        point(p, path, x + rx * cos(a), y + ry * sin(a));
    }
}

static void ellipse(const struct pen *p, struct colour c, double x, double y, double rx,
                    double ry) {
    struct path path = {0};
    path_loop(&path);
    arc(p, &path, x, y, rx, ry, 0, 2 * pi);
    fill(p, &path, c);
}

static void disc(const struct pen *p, struct colour c, double x, double y, double radius) {
    ellipse(p, c, x, y, radius, radius);
}

static void ring(const struct pen *p, struct colour c, double x, double y, double rx, double ry,
                 double width) {
    struct path path = {0};
    path_loop(&path);
    arc(p, &path, x, y, rx, ry, 0, 2 * pi);
    path_loop(&path);
    arc(p, &path, x, y, rx - width, ry - width, 0, 2 * pi);
    fill(p, &path, c);
}

/* A slice of a disc, its tip at the centre. */
static void slice(const struct pen *p, struct colour c, double x, double y, double radius,
                  double from, double to) {
    struct path path = {0};
    path_loop(&path);
    point(p, &path, x, y);
    arc(p, &path, x, y, radius, radius, from, to);
    fill(p, &path, c);
}

static void stroke(const struct pen *p, struct colour c, double x0, double y0, double x1, double y1,
                   double width) {
    double length = hypot(x1 - x0, y1 - y0);
    double dx = width / 2 * (x1 - x0) / length, dy = width / 2 * (y1 - y0) / length;
    POLYGON(p, c, {x0 - dx - dy, y0 - dy + dx}, {x1 + dx - dy, y1 + dy + dx},
            {x1 + dx + dy, y1 + dy - dx}, {x0 - dx + dy, y0 - dy - dx});
}

static void draw_house(struct pen *p) {
    const struct thing *t = p->t;
    box(p, t->main, -0.78, -0.15, 0.78, 0.95);
    POLYGON(p, t->second, {-1, -0.1}, {0, -0.95}, {1, -0.1});
    box(p, t->dark, -0.18, 0.35, 0.18, 0.95);
    box(p, t->light, -0.62, 0.1, -0.3, 0.45);
    box(p, t->light, 0.3, 0.1, 0.62, 0.45);
}

static void draw_tree(struct pen *p) {
    const struct thing *t = p->t;
    box(p, t->dark, -0.14, 0.2, 0.14, 1);
    if (rng_chance(&p->r, 0.5)) {
        disc(p, t->main, -0.42, -0.02, 0.46);
        disc(p, t->main, 0.42, -0.02, 0.46);
        disc(p, t->main, 0, -0.46, 0.52);
    } else {
        POLYGON(p, t->main, {-0.8, 0.55}, {0, -0.2}, {0.8, 0.55});
        POLYGON(p, t->main, {-0.65, 0.1}, {0, -0.6}, {0.65, 0.1});
        POLYGON(p, t->main, {-0.48, -0.35}, {0, -1}, {0.48, -0.35});
    }
}

static void draw_car(struct pen *p) {
    const struct thing *t = p->t;
    POLYGON(p, t->main, {-0.62, 0}, {-0.42, -0.55}, {0.3, -0.55}, {0.62, 0});
    POLYGON(p, t->main, {-1, 0.02}, {-0.92, -0.06}, {0.85, -0.06}, {1, 0.08}, {1, 0.48},
            {-1, 0.48});
    POLYGON(p, t->light, {-0.5, -0.06}, {-0.36, -0.44}, {-0.1, -0.44}, {-0.1, -0.06});
    POLYGON(p, t->light, {0.02, -0.06}, {0.02, -0.44}, {0.25, -0.44}, {0.48, -0.06});
    for (int side = -1; side <= 1; side += 2) {
        disc(p, t->dark, 0.54 * side, 0.48, 0.28);
        disc(p, t->light, 0.54 * side, 0.48, 0.12);
    }
}

static void draw_fish(struct pen *p) {
    const struct thing *t = p->t;
    POLYGON(p, t->second, {0.42, 0}, {1, -0.5}, {0.86, 0}, {1, 0.5});
    POLYGON(p, t->second, {-0.4, -0.3}, {0.1, -0.75}, {0.32, -0.25});
    ellipse(p, t->main, -0.2, 0, 0.78, 0.44);
    ellipse(p, t->second, -0.1, 0, 0.06, 0.4);
    ellipse(p, t->second, 0.18, 0, 0.06, 0.34);
    disc(p, t->light, -0.62, -0.1, 0.13);
    disc(p, t->dark, -0.64, -0.1, 0.07);
}

static void draw_cup(struct pen *p) {
    const struct thing *t = p->t;
    ring(p, t->main, 0.5, 0.05, 0.42, 0.42, 0.15);
    POLYGON(p, t->main, {-0.75, -0.6}, {0.5, -0.6}, {0.38, 0.85}, {-0.63, 0.85});
    POLYGON(p, t->second, {-0.71, -0.08}, {0.46, -0.08}, {0.43, 0.28}, {-0.68, 0.28});
    ellipse(p, t->dark, -0.125, -0.6, 0.625, 0.2);
}

static void draw_ball(struct pen *p) {
    const struct thing *t = p->t;
    disc(p, t->main, 0, 0, 0.95);
    slice(p, t->second, 0, 0, 0.95, 0, pi / 2);
    slice(p, t->second, 0, 0, 0.95, pi, 3 * pi / 2);
    disc(p, t->light, 0, 0, 0.22);
}

static void draw_umbrella(struct pen *p) {
    const struct thing *t = p->t;
    stroke(p, t->dark, 0, -0.85, 0, 0.78, 0.12);
    stroke(p, t->dark, 0, 0.84, 0.3, 0.84, 0.13);
    stroke(p, t->dark, 0.3, 0.84, 0.3, 0.68, 0.12);
    slice(p, t->main, 0, 0.05, 1, pi, 2 * pi);
    slice(p, t->second, 0, 0.05, 1, pi * 4 / 3, pi * 5 / 3);
    for (int i = -1; i <= 1; i++) disc(p, t->light, 0.66 * i, 0.06, 0.14);
}

static void draw_boat(struct pen *p) {
    const struct thing *t = p->t;
    box(p, t->dark, -0.06, -1, 0.06, 0.45);
    POLYGON(p, t->light, {0.12, -0.95}, {0.12, 0.3}, {0.85, 0.3});
    POLYGON(p, t->second, {-0.12, -0.7}, {-0.12, 0.3}, {-0.75, 0.3});
    POLYGON(p, t->main, {-1, 0.42}, {1, 0.42}, {0.65, 0.95}, {-0.65, 0.95});
}

static void draw_flower(struct pen *p) {
    const struct thing *t = p->t;
    const struct colour leaf = jitter((struct colour){62, 132, 60}, 8, &p->r);
    stroke(p, leaf, 0, -0.3, 0.04, 1, 0.13);
    POLYGON(p, leaf, {0.04, 0.8}, {0.2, 0.45}, {0.68, 0.35}, {0.45, 0.7});
    int n = 5 + (int)rng_below(&p->r, 3);
    double first = rng_range(&p->r, 0, 2 * pi), size = n == 5 ? 0.27 : n == 6 ? 0.24 : 0.21;
    for (int i = 0; i < n; i++) {
        double a = first + 2 * pi * i / n;
        disc(p, t->main, 0.42 * cos(a), -0.36 + 0.42 * sin(a), size);
    }
    disc(p, t->second, 0, -0.36, 0.24);
}

static void draw_cat(struct pen *p) {
    const struct thing *t = p->t;
    stroke(p, t->main, 0.5, 0.75, 0.86, 0.4, 0.17);
    stroke(p, t->main, 0.86, 0.4, 0.78, -0.25, 0.17);
    ellipse(p, t->main, 0.12, 0.5, 0.56, 0.48);
    POLYGON(p, t->main, {-0.72, -0.3}, {-0.7, -0.98}, {-0.26, -0.58});
    POLYGON(p, t->main, {0.22, -0.3}, {0.2, -0.98}, {-0.24, -0.58});
    ellipse(p, t->main, -0.25, -0.22, 0.5, 0.44);
    disc(p, t->light, -0.44, -0.28, 0.12);
    disc(p, t->light, -0.06, -0.28, 0.12);
    POLYGON(p, t->second, {-0.34, -0.08}, {-0.16, -0.08}, {-0.25, 0.06});
}

static void draw_clock(struct pen *p) {
    const struct thing *t = p->t;
    disc(p, t->main, 0, 0, 0.95);
    disc(p, t->light, 0, 0, 0.7);
    for (int hand = 0; hand < 2; hand++) {
        double a = rng_range(&p->r, 0, 2 * pi), length = hand ? 0.56 : 0.38;
        stroke(p, t->dark, 0, 0, length * cos(a), length * sin(a), 0.13);
    }
}

static void draw_mushroom(struct pen *p) {
    const struct thing *t = p->t;
    POLYGON(p, t->light, {-0.24, 0}, {0.24, 0}, {0.34, 0.95}, {-0.34, 0.95});
    slice(p, t->main, 0, 0.12, 0.98, pi, 2 * pi);
    disc(p, t->light, -0.48, -0.22, 0.15);
    disc(p, t->light, 0.05, -0.52, 0.17);
    disc(p, t->light, 0.5, -0.16, 0.14);
}

void thing_draw(const struct thing *t, struct canvas *c, uint8_t part) {
    static void (*const draw[THING_KINDS])(struct pen *) = {
        [HOUSE] = draw_house, [TREE] = draw_tree,         [CAR] = draw_car,
        [FISH] = draw_fish,   [CUP] = draw_cup,           [BALL] = draw_ball,
        [BOAT] = draw_boat,   [UMBRELLA] = draw_umbrella, [FLOWER] = draw_flower,
        [CAT] = draw_cat,     [CLOCK] = draw_clock,       [MUSHROOM] = draw_mushroom,
    };
    struct pen p = {.t = t, .c = c, .part = part, .r = t->shape};
    draw[t->kind](&p);
}
