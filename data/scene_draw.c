#include "data/scene_draw.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

enum { SUBROWS = 4 }; /* coverage is exact along x, sampled this often along y */

void canvas_init(struct canvas *c, int64_t size) {
    size_t n = (size_t)size;
    *c = (struct canvas){.size = size,
                         .at = mem_alloc(n * n, sizeof *c->at),
                         .part = mem_alloc(n * n, 1),
                         .cover = mem_alloc(n, sizeof *c->cover)};
}

void canvas_free(struct canvas *c) {
    free(c->at);
    free(c->part);
    free(c->cover);
    *c = (struct canvas){0};
}

void path_loop(struct path *p) {
    REQUIRE(p->loops < PATH_LOOPS, "more than %d loops in a path", PATH_LOOPS);
    p->start[p->loops++] = p->n;
}

void path_point(struct path *p, double x, double y) {
    REQUIRE(p->n < PATH_POINTS, "more than %d points in a path", PATH_POINTS);
    p->x[p->n] = x;
    p->y[p->n++] = y;
}

/* Where the horizontal line at y crosses the path, sorted. */
static int path_crossings(const struct path *p, double y, double *at) {
    int n = 0;
    for (int l = 0; l < p->loops; l++) {
        int begin = p->start[l], end = l + 1 < p->loops ? p->start[l + 1] : p->n;
        for (int i = begin, j = end - 1; i < end; j = i++) {
            if ((p->y[i] <= y) == (p->y[j] <= y)) continue;
            double x = p->x[j] + (y - p->y[j]) * (p->x[i] - p->x[j]) / (p->y[i] - p->y[j]);
            int k = n++;
            for (; k > 0 && at[k - 1] > x; k--) at[k] = at[k - 1];
            at[k] = x;
        }
    }
    return n;
}

/* Adds `weight` times the length of [x0, x1] that lies in each pixel. */
static void cover_span(struct canvas *c, double x0, double x1, double weight) {
    double side = (double)c->size;
    if (x0 < 0) x0 = 0;
    if (x1 > side) x1 = side;
    if (x0 >= x1) return;
    int64_t first = (int64_t)x0, last = (int64_t)x1;
    if (first == last) {
        c->cover[first] += (float)(weight * (x1 - x0));
        return;
    }
    c->cover[first] += (float)(weight * ((double)(first + 1) - x0));
    for (int64_t x = first + 1; x < last; x++) c->cover[x] += (float)weight;
    if (last < c->size) c->cover[last] += (float)(weight * (x1 - (double)last));
}

static void blend_row(struct canvas *c, int64_t y, struct colour colour, uint8_t part) {
    for (int64_t x = 0; x < c->size; x++) {
        float a = c->cover[x];
        if (a <= 0) continue;
        if (a > 1) a = 1;
        struct colour *p = &c->at[y * c->size + x];
        p->r += a * (colour.r - p->r);
        p->g += a * (colour.g - p->g);
        p->b += a * (colour.b - p->b);
        if (a >= 0.5F) c->part[y * c->size + x] = part;
        c->cover[x] = 0;
    }
}

void path_fill(const struct path *p, struct canvas *c, struct colour colour, uint8_t part) {
    double top = INFINITY, bottom = -INFINITY, at[PATH_POINTS];
    for (int i = 0; i < p->n; i++) {
        top = fmin(top, p->y[i]);
        bottom = fmax(bottom, p->y[i]);
    }
    top = fmax(floor(top), 0);
    bottom = fmin(ceil(bottom), (double)c->size);
    for (int64_t y = (int64_t)top; y < (int64_t)bottom; y++) {
        for (int s = 0; s < SUBROWS; s++) {
            int n = path_crossings(p, (double)y + (s + 0.5) / SUBROWS, at);
            for (int i = 0; i + 1 < n; i += 2) cover_span(c, at[i], at[i + 1], 1.0 / SUBROWS);
        }
        blend_row(c, y, colour, part);
    }
}
