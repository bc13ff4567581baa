/* A canvas and the paths filled on it. Coordinates are pixels, x to the right, y down; the centre
 * of the first pixel is (0.5, 0.5). Edges are anti-aliased; a pixel belongs to the part that covers
 * at least half of it. */
#pragma once

#include <stdint.h>

struct colour {
    float r, g, b; /* 0..255, not clamped before the canvas is finished */
};

struct canvas {
    int64_t size;      /* side in pixels */
    struct colour *at; /* [size, size] */
    uint8_t *part;     /* [size, size]: which part of the scene is seen here */
    float *cover;      /* [size]: coverage of one row while a path is filled */
};

void canvas_init(struct canvas *c, int64_t size); /* zeroed */
void canvas_free(struct canvas *c);

/* Closed loops, filled by the even-odd rule: a loop inside a loop is a hole. */
enum { PATH_POINTS = 96, PATH_LOOPS = 4 };
struct path {
    int n, loops;
    int start[PATH_LOOPS]; /* first point of each loop */
    double x[PATH_POINTS], y[PATH_POINTS];
};
void path_loop(struct path *p); /* the next points begin a new loop */
void path_point(struct path *p, double x, double y);
void path_fill(const struct path *p, struct canvas *c, struct colour colour, uint8_t part);
