#include "data/pairs_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

struct pairs_filter pairs_filter_all(void) {
    return (struct pairs_filter){.lo = -INFINITY, .hi = INFINITY};
}

int64_t *pairs_pick(const struct pairs *p, const struct pairs_filter *f, int64_t *n) {
    int64_t *row = mem_alloc((size_t)p->n + 1, sizeof *row);
    *n = 0;
    for (int64_t i = 0; i < p->n; i++) {
        const struct pair *a = &p->at[i];
        double s = (double)a->similarity;
        if (s < f->lo || s > f->hi || (f->image && a->image_id != *f->image)) continue;
        if (f->noun && strcmp(p->noun.at[a->noun], f->noun) != 0) continue;
        row[(*n)++] = i;
    }
    return row;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void pairs_draw(int64_t *row, int64_t *n, int64_t most, int64_t seed) {
    if (*n <= most) return;
    struct rng r = rng_stream((uint64_t)seed, "pairs-drawn", 0);
    rng_shuffle(&r, row, *n);
    *n = most;
    qsort(row, (size_t)most, sizeof *row, by_number);
}

static int by_count(const void *a, const void *b) {
    const struct noun_count *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    return x->noun < y->noun ? -1 : x->noun > y->noun;
}

static void count_nouns(struct pairs_stats *s, const struct pairs *p, const int64_t *row) {
    s->noun = mem_alloc(p->noun.n + 1, sizeof *s->noun);
    for (size_t k = 0; k < p->noun.n; k++) s->noun[k].noun = (int64_t)k;
    for (int64_t i = 0; i < s->n; i++) s->noun[p->at[row[i]].noun].n++;
    if (p->noun.n) qsort(s->noun, p->noun.n, sizeof *s->noun, by_count);
    while ((size_t)s->n_nouns < p->noun.n && s->noun[s->n_nouns].n) s->n_nouns++;
}

/* Edges at multiples of `step` in the last of so many digits; made by one division, they are the
 * numbers that are meant. True when PAIRS_BINS are enough. */
static bool set_bins(struct pairs_stats *s, int step, int digits) {
    double ones = pow(10, digits), per_one = ones / step; /* bins */
    double first = floor(s->min * per_one), n = floor(s->max * per_one) - first + 1;
    if (n > PAIRS_BINS) return false;
    s->n_bins = (int64_t)n;
    s->digits = digits;
    for (int64_t b = 0; b <= s->n_bins; b++) s->edge[b] = (first + (double)b) * step / ones;
    return true;
}

/* The narrowest that do; a similarity is a cosine. */
static void fill_bins(struct pairs_stats *s, const struct pairs *p, const int64_t *row) {
    static const int steps[] = {1, 2, 5};
    bool set = false;
    for (int k = 0; !set; k++) set = set_bins(s, steps[k % 3], 4 - k / 3);
    for (int64_t i = 0; i < s->n; i++) {
        double x = (double)p->at[row[i]].similarity;
        int64_t b = s->n_bins - 1;
        while (b > 0 && x < s->edge[b]) b--;
        s->bin[b]++;
    }
}

static int by_real(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median_area(const struct pairs *p, const int64_t *row, int64_t n) {
    double *share = mem_alloc((size_t)n + 1, sizeof *share);
    for (int64_t i = 0; i < n; i++) {
        const struct pair *a = &p->at[row[i]];
        share[i] = (double)a->area / ((double)a->h * (double)a->w);
    }
    if (n) qsort(share, (size_t)n, sizeof *share, by_real);
    double middle = n ? (share[(n - 1) / 2] + share[n / 2]) / 2 : 0;
    free(share);
    return middle;
}

void pairs_stats_of(struct pairs_stats *s, const struct pairs *p, const int64_t *row, int64_t n) {
    *s = (struct pairs_stats){.n = n};
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct pair *a = &p->at[row[i]], *last = i ? &p->at[row[i - 1]] : NULL;
        double x = (double)a->similarity;
        bool new_image = !last || last->image != a->image;
        s->images += new_image;
        s->captions += new_image || last->caption != a->caption;
        s->min = i && s->min < x ? s->min : x;
        s->max = i && s->max > x ? s->max : x;
        sum += x;
    }
    s->mean = n ? sum / (double)n : 0;
    s->median_area = median_area(p, row, n);
    count_nouns(s, p, row);
    if (n) fill_bins(s, p, row);
}

const struct noun_count *pairs_stats_rare(const struct pairs_stats *s, int64_t i) {
    int64_t end = s->n_nouns; /* of the nouns that have one count; i counts from its first */
    for (;;) {
        int64_t first = end - 1;
        while (first > 0 && s->noun[first - 1].n == s->noun[end - 1].n) first--;
        if (i < end - first) return &s->noun[first + i];
        i -= end - first;
        end = first;
    }
}

void pairs_stats_free(struct pairs_stats *s) {
    free(s->noun);
    *s = (struct pairs_stats){0};
}
