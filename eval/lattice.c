/* n points, d features, m vertices. A vertex is a point of Z^(d + 1) whose coordinates sum to 0 and
 * are equal modulo d + 1; the last coordinate follows from the others and is not kept. */
#include "eval/lattice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

enum { LANES = LATTICE_LANES, AXES = LATTICE_FEATURES + 1, VERTICES_AT_FIRST = 4096 };

/* The vertices found so far, by their coordinates. */
struct table {
    int d;
    int64_t m, cap;
    int32_t *key;  /* [cap, d] */
    int32_t *slot; /* [slots]: a vertex + 1, or 0 */
    size_t slots;  /* a power of two, at least twice cap */
};

static size_t slot_of(const struct table *t, const int32_t *key) {
    uint32_t h = 0;
    for (int i = 0; i < t->d; i++) {
        h = (h ^ (uint32_t)key[i]) * 0x9E3779B1U;
        h ^= h >> 15;
    }
    size_t at = h & (t->slots - 1), bytes = (size_t)t->d * sizeof *key;
    while (t->slot[at] && memcmp(t->key + (size_t)(t->slot[at] - 1) * t->d, key, bytes) != 0)
        at = (at + 1) & (t->slots - 1);
    return at;
}

/* Room for twice as many. */
static int table_grow(struct table *t) {
    struct table more = {.d = t->d, .m = t->m, .cap = t->cap ? 2 * t->cap : VERTICES_AT_FIRST};
    more.slots = 2 * (size_t)more.cap;
    more.key = mem_try((size_t)more.cap * (size_t)t->d, sizeof *more.key);
    more.slot = more.key ? mem_try(more.slots, sizeof *more.slot) : NULL;
    if (!more.slot) {
        free(more.key);
        return ERR_INTERNAL; /* pending */
    }
    if (t->m) memcpy(more.key, t->key, (size_t)t->m * (size_t)t->d * sizeof *t->key);
    for (int64_t v = 0; v < t->m; v++)
        more.slot[slot_of(&more, more.key + v * t->d)] = (int32_t)v + 1;
    free(t->key);
    free(t->slot);
    *t = more;
    return 0;
}

static int table_put(struct table *t, const int32_t *key, int32_t *vertex) {
    int status = t->m == t->cap ? table_grow(t) : 0;
    if (status) return status;
    size_t at = slot_of(t, key);
    if (!t->slot[at]) {
        memcpy(t->key + t->m * t->d, key, (size_t)t->d * sizeof *key);
        t->slot[at] = (int32_t)++t->m;
    }
    *vertex = t->slot[at] - 1;
    return 0;
}

/* The features of a point on the plane where the coordinates sum to 0, so that blurring by
 * (1/2, 1, 1/2) along every axis, with what splitting and collecting add, is a Gaussian of
 * deviation 1. */
static void elevate(int d, const float *feature, double at[AXES]) {
    double sum = 0, unit = sqrt(2.0 / 3) * (d + 1);
    for (int i = d; i > 0; i--) {
        double x = feature[i - 1] * unit / sqrt((double)i * (i + 1));
        at[i] = sum - i * x;
        sum += x;
    }
    at[0] = sum;
}

/* The nearest vertex whose coordinates are multiples of d + 1, and for each coordinate how many of
 * the others are further from it. */
static void round_down(int d, const double at[AXES], int32_t zero[AXES], int rank[AXES]) {
    int sum = 0;
    for (int i = 0; i <= d; i++) {
        int32_t n = (int32_t)lround(at[i] / (d + 1));
        zero[i] = n * (d + 1);
        sum += n;
        rank[i] = 0;
    }
    for (int i = 0; i < d; i++)
        for (int j = i + 1; j <= d; j++) rank[at[i] - zero[i] < at[j] - zero[j] ? i : j]++;
    for (int i = 0; i <= d; i++) { /* back to the plane */
        rank[i] += sum;
        int turn = rank[i] < 0 ? d + 1 : rank[i] > d ? -d - 1 : 0;
        rank[i] += turn;
        zero[i] += turn;
    }
}

/* The simplex of point i: its corners and the point's shares in them. */
static int place(struct lattice *l, struct table *t, int64_t i, const float *feature) {
    int d = l->d, rank[AXES];
    double at[AXES], share[AXES + 1] = {0};
    int32_t zero[AXES], key[AXES] = {0};
    elevate(d, feature, at);
    round_down(d, at, zero, rank);
    for (int k = 0; k <= d; k++) {
        double x = (at[k] - zero[k]) / (d + 1);
        share[d - rank[k]] += x;
        share[d + 1 - rank[k]] -= x;
    }
    share[0] += 1 + share[d + 1];
    int status = 0;
    for (int c = 0; !status && c <= d; c++) {
        for (int k = 0; k < d; k++) key[k] = zero[k] + (rank[k] <= d - c ? c : c - d - 1);
        l->weight[i * (d + 1) + c] = (float)share[c];
        status = table_put(t, key, &l->corner[i * (d + 1) + c]);
    }
    return status;
}

static int32_t find(const struct table *t, const int32_t *key) {
    int32_t v = t->slot[slot_of(t, key)];
    return v ? v - 1 : (int32_t)t->m;
}

static int find_neighbours(struct lattice *l, const struct table *t) {
    l->m = t->m;
    l->near = mem_try((size_t)(l->d + 1) * (size_t)l->m, 2 * sizeof *l->near);
    if (!l->near) return error_status();
    for (int axis = 0; axis <= l->d; axis++)
        for (int64_t v = 0; v < l->m; v++) {
            int32_t below[AXES] = {0}, above[AXES] = {0}, *near = l->near + 2 * (axis * l->m + v);
            for (int k = 0; k < l->d; k++) {
                int32_t step = k == axis ? -l->d : 1;
                below[k] = t->key[v * l->d + k] - step;
                above[k] = t->key[v * l->d + k] + step;
            }
            near[0] = find(t, below);
            near[1] = find(t, above);
        }
    return 0;
}

int lattice_open(struct lattice *l, int d, int64_t n, const float *feature) {
    REQUIRE(d >= 1 && d <= LATTICE_FEATURES && n >= 1, "%d features of %lld points", d,
            (long long)n);
    struct table t = {.d = d};
    size_t corners = 0;
    *l = (struct lattice){.d = d, .n = n};
    if (!size_mul((size_t)n, (size_t)d + 1, &corners) || corners >= INT32_MAX)
        return error_set(ERR_INTERNAL, "a lattice of %lld points is too large", (long long)n);
    l->corner = mem_try(corners, sizeof *l->corner);
    l->weight = mem_try(corners, sizeof *l->weight);
    int status = l->corner && l->weight ? table_grow(&t) : ERR_INTERNAL;
    for (int64_t i = 0; !status && i < n; i++) status = place(l, &t, i, feature + i * d);
    if (!status) status = find_neighbours(l, &t);
    free(t.key);
    free(t.slot);
    return status;
}

void lattice_free(struct lattice *l) {
    free(l->corner);
    free(l->weight);
    free(l->near);
    *l = (struct lattice){0};
}

size_t lattice_scratch(const struct lattice *l) { return 2 * ((size_t)l->m + 1) * LANES; }

static void add(float *restrict to, const float *restrict x, float by) {
#pragma omp simd
    for (int k = 0; k < LANES; k++) to[k] += by * x[k];
}

/* Along one axis: half of what lies on both sides; vertex m, which stands for those that are not
 * there, stays 0. */
static void blur(const struct lattice *l, int axis, const float *restrict from,
                 float *restrict to) {
    const int32_t *near = l->near + 2 * axis * l->m;
    for (int64_t v = 0; v < l->m; v++) {
        const float *restrict a = from + (int64_t)near[2 * v] * LANES;
        const float *restrict b = from + (int64_t)near[2 * v + 1] * LANES;
        const float *restrict x = from + v * LANES;
        float *restrict y = to + v * LANES;
#pragma omp simd
        for (int k = 0; k < LANES; k++) y[k] = x[k] + 0.5F * (a[k] + b[k]);
    }
}

const float *lattice_gather(const struct lattice *l, const float *x, const float *by,
                            float *scratch) {
    static const float ones[LANES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    size_t floats = ((size_t)l->m + 1) * LANES;
    float *from = scratch, *to = scratch + floats;
    int corners = l->d + 1;
    memset(from, 0, floats * sizeof *from);
    memset(to + floats - LANES, 0, LANES * sizeof *to);
    for (int64_t i = 0; i < l->n; i++)
        for (int c = 0; c < corners; c++)
            add(from + (int64_t)l->corner[i * corners + c] * LANES, x ? x + i * LANES : ones,
                l->weight[i * corners + c] * (by ? by[i] : 1));
    for (int axis = 0; axis < corners; axis++) {
        blur(l, axis, from, to);
        float *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

void lattice_spread(const struct lattice *l, const float *vertex, const float *by, float scale,
                    float *y) {
    int corners = l->d + 1;
    scale /= 1 + powf(2, -(float)l->d); /* what the blur adds up to */
    for (int64_t i = 0; i < l->n; i++)
        for (int c = 0; c < corners; c++)
            add(y + i * LANES, vertex + (int64_t)l->corner[i * corners + c] * LANES,
                l->weight[i * corners + c] * scale * (by ? by[i] : 1));
}
