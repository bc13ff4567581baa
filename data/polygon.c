#include "data/polygon.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

/* Fifths of a pixel along one outline; the longest in COCO has about 1e5. */
enum { OUTLINE_MAX = 1 << 24 };

bool polygon_snap(double v, int32_t *out) {
    double fifths = POLYGON_SCALE * v + 0.5;
    if (!(fabs(fifths) < POLYGON_LIMIT)) return false;
    *out = (int32_t)fifths;
    return true;
}

/* The outline walks in steps of a fifth. Where it steps from one column of fifths to the next,
 * and that border is the middle of a pixel column, the pixels of the column from there down
 * change: in `flips`, [w, h] and one more, column by column. */
struct walk {
    uint8_t *flips;
    int64_t h, w, x, y;
    int64_t first, last; /* columns that change */
    bool started;
};

static void walk_to(struct walk *k, int64_t x, int64_t y) {
    int64_t px = k->x, py = k->y;
    bool started = k->started;
    k->x = x;
    k->y = y;
    k->started = true;
    if (!started || x == px) return;
    int64_t left = x < px ? x : x - 1, top = y < py ? y : py;
    /* Fifth `left` is a middle when (left + 0.5) / 5 - 0.5 is whole: left = 5 column + 2. */
    if (left < 0 || left % POLYGON_SCALE != POLYGON_SCALE / 2) return;
    int64_t column = left / POLYGON_SCALE;
    if (column >= k->w) return;
    if (column < k->first) k->first = column;
    if (column > k->last) k->last = column;
    double row = ceil(((double)top + 0.5) / POLYGON_SCALE - 0.5);
    row = row < 0 ? 0 : row > (double)k->h ? (double)k->h : row;
    k->flips[column * k->h + (int64_t)row] ^= 1;
}

/* The edge from corner a to corner b, both included, stepping along its longer axis. It is always
 * computed from the same end, so that two objects that share an edge share its fifths. */
static void walk_edge(struct walk *k, const int32_t *a, const int32_t *b) {
    int64_t dx = llabs((int64_t)b[0] - a[0]), dy = llabs((int64_t)b[1] - a[1]);
    bool along_x = dx >= dy;
    bool flip = along_x ? a[0] > b[0] : a[1] > b[1];
    const int32_t *s = flip ? b : a, *e = flip ? a : b;
    int64_t steps = along_x ? dx : dy;
    int axis = along_x ? 0 : 1;
    /* A point has no slope; its one step must not divide by zero. */
    double slope = steps ? (double)(e[1 - axis] - s[1 - axis]) / (double)steps : 0;
    for (int64_t i = 0; i <= steps; i++) {
        int64_t t = flip ? steps - i : i;
        int64_t main = s[axis] + t;
        int64_t cross = (int64_t)(s[1 - axis] + slope * (double)t + 0.5);
        walk_to(k, along_x ? main : cross, along_x ? cross : main);
    }
}

int polygon_fill(const int32_t *xy, size_t n, struct mask *into) {
    if (n < 3) return error_set(ERR_DATA, "a polygon of %zu corners", n);
    int64_t length = 0;
    for (size_t i = 0; i < n && length <= OUTLINE_MAX; i++) {
        const int32_t *a = xy + 2 * i, *b = xy + 2 * ((i + 1) % n);
        length += llabs((int64_t)b[0] - a[0]) + llabs((int64_t)b[1] - a[1]);
    }
    if (length > OUTLINE_MAX) return error_set(ERR_DATA, "a polygon with an outline too long");
    struct walk k = {.h = into->h, .w = into->w, .first = into->w, .last = -1};
    k.flips = mem_try((size_t)(into->h * into->w) + 1, 1);
    if (!k.flips) return error_status();
    for (size_t i = 0; i < n; i++) walk_edge(&k, xy + 2 * i, xy + 2 * ((i + 1) % n));
    uint8_t inside = 0;
    /* A closed outline crosses each column an even number of times: outside its columns, and past
     * the last one's end, nothing is inside. */
    for (int64_t x = k.first; x <= k.last; x++)
        for (int64_t y = 0; y < into->h; y++) {
            inside ^= k.flips[x * into->h + y];
            into->at[y * into->w + x] |= inside;
        }
    free(k.flips);
    return 0;
}
