#include "eval/bootstrap.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"
#include "eval/confusion.h"
#include "nn/torch/tensor.h"

enum { AT_ONCE = 1 << 24 }; /* differences of classes */

const char *const bootstrap_figures[BOOTSTRAP_FIGURES] = {
    "miou", "miou_seen", "miou_unseen", "miou_truth", "miou_all", "fwiou", "macc", "pacc"};

double interval_gain(const struct interval *x) { return x->b - x->a; }

bool interval_says(const struct interval *x) { return x->low > 0 || x->high < 0; }

/* What a thread works in. A line is read once for some draws together, whose sums lie beside each
 * other: whole numbers, so that the order of adding does not matter. */
enum { TOGETHER = 16 };
struct room {
    uint32_t *times;     /* [N, TOGETHER] how often each picture was drawn */
    int64_t *sum;        /* [K, 3, TOGETHER] intersection, union, truth */
    struct tally *tally; /* [K] */
};

/* 64 bytes a picture, and 416 a class. ERR_INTERNAL. */
static int room_open(struct room *m, const struct bootstrap_options *o) {
    size_t N = (size_t)o->N, K = (size_t)o->K;
    *m = (struct room){.times = mem_try(N, TOGETHER * sizeof *m->times)};
    if (m->times) m->sum = mem_try(K, 3 * TOGETHER * sizeof *m->sum);
    if (m->sum) m->tally = mem_try(K, sizeof *m->tally);
    if (m->tally) return 0;
    error_context("comparing results of %lld pictures and %lld classes", (long long)o->N,
                  (long long)o->K);
    return ERR_INTERNAL;
}

static void room_free(struct room *m) {
    free(m->times);
    free(m->sum);
    free(m->tally);
}

/* Draws r .. r + n, n at most TOGETHER. */
static void draw(struct room *m, const struct bootstrap_options *o, int64_t r, int64_t n) {
    memset(m->times, 0, (size_t)o->N * TOGETHER * sizeof *m->times);
    for (int64_t j = 0; j < n; j++) {
        struct rng rng = rng_stream(o->seed, "bootstrap", (uint64_t)(r + j));
        for (int64_t i = 0; i < o->N; i++) m->times[rng_below(&rng, o->N) * TOGETHER + j]++;
    }
}

static void add(int64_t *sum, const uint32_t *times, uint32_t x) {
#pragma omp simd
    for (int j = 0; j < TOGETHER; j++) sum[j] += (int64_t)((uint64_t)times[j] * x);
}

/* The sums over the pictures that were drawn. */
static void count(struct room *m, const struct counted *c, int64_t K) {
    memset(m->sum, 0, (size_t)K * 3 * TOGETHER * sizeof *m->sum);
    for (size_t i = 0; i < c->n; i++) {
        const uint32_t *times = m->times + (size_t)c->image[i] * TOGETHER;
        int64_t *sum = m->sum + (size_t)c->class[i] * 3 * TOGETHER;
        add(sum, times, c->intersection[i]);
        add(sum + TOGETHER, times, c->unions[i]);
        add(sum + 2 * TOGETHER, times, c->truth[i]);
    }
}

/* Of draw j of them. */
static void tallies(struct room *m, int64_t K, int64_t j) {
    for (int64_t k = 0; k < K; k++) {
        const int64_t *sum = m->sum + k * 3 * TOGETHER + j;
        int64_t unions = sum[TOGETHER], truth = sum[2 * TOGETHER];
        m->tally[k] = (struct tally){.right = (double)sum[0],
                                     .truth = (double)truth,
                                     .wrong = (double)(unions - truth),
                                     .there = unions > 0};
    }
}

static void figures_of(const struct tally *t, const struct bootstrap_options *o, const bool *unseen,
                       double *to) {
    struct segmentation_metrics all = tally_metrics(t, o->K, NULL);
    to[FIGURE_MIOU] = all.miou;
    to[FIGURE_MIOU_SEEN] = tally_metrics(t, o->K, o->seen).miou;
    to[FIGURE_MIOU_UNSEEN] = tally_metrics(t, o->K, unseen).miou;
    to[FIGURE_MIOU_TRUTH] = all.miou_truth;
    to[FIGURE_MIOU_ALL] = all.miou_all;
    to[FIGURE_FWIOU] = all.fwiou;
    to[FIGURE_MACC] = all.macc;
    to[FIGURE_PACC] = all.pacc;
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* numpy.percentile of sorted numbers. */
static double quantile(const double *x, int64_t n, double share) {
    double at = share * (double)(n - 1);
    int64_t below = (int64_t)at, above = below + 1 < n ? below + 1 : below;
    return x[below] + (x[above] - x[below]) * (at - (double)below);
}

/* d [R]: differences, NaN where there is none; sorted here. */
static void interval_of(double *d, int64_t R, struct interval *x) {
    int64_t n = 0;
    double better = 0;
    for (int64_t r = 0; r < R; r++) {
        if (isnan(d[r])) continue;
        better += d[r] > 0 ? 1 : d[r] == 0 ? 0.5 : 0;
        d[n++] = d[r];
    }
    x->draws = n;
    x->low = x->high = x->better = NAN;
    if (!n) return;
    qsort(d, (size_t)n, sizeof *d, rising);
    x->low = quantile(d, n, 0.025);
    x->high = quantile(d, n, 0.975);
    x->better = better / (double)n;
}

struct work {
    const struct counted *c;
    const struct bootstrap_options *o;
    const bool *unseen;     /* [K] */
    int64_t from, end;      /* classes */
    double *figure, *class; /* [figures, R], [end - from, R] */
    bool less;              /* what stands there is taken off: that of A off that of B */
};

static void put(const struct work *w, double *at, double x) { *at = w->less ? x - *at : x; }

/* Draws r .. r + n. */
static void take(const struct work *w, struct room *m, int64_t r, int64_t n) {
    int64_t R = w->o->resamples;
    double figure[BOOTSTRAP_FIGURES];
    draw(m, w->o, r, n);
    count(m, w->c, w->o->K);
    for (int64_t j = 0; j < n; j++) {
        tallies(m, w->o->K, j);
        figures_of(m->tally, w->o, w->unseen, figure);
        for (int64_t f = 0; f < BOOTSTRAP_FIGURES; f++)
            put(w, &w->figure[f * R + r + j], figure[f]);
        for (int64_t k = w->from; k < w->end; k++)
            put(w, &w->class[(k - w->from) * R + r + j], tally_iou(m->tally[k]));
    }
}

/* All rooms are there before the threads: an error is that of the thread that meets it. */
static int take_all(const struct work *w) {
    int64_t R = w->o->resamples;
    int threads = t_threads(), status = 0, n = 0;
    struct room *m = mem_alloc((size_t)threads, sizeof *m);
    while (!status && n < threads) status = room_open(&m[n++], w->o);
#pragma omp parallel for schedule(static) num_threads(threads) if (!status)
    for (int64_t r = 0; r < (status ? 0 : R); r += TOGETHER)
        take(w, &m[omp_get_thread_num()], r, R - r < TOGETHER ? R - r : TOGETHER);
    while (n) room_free(&m[--n]);
    free(m);
    return status;
}

/* The pictures as they are: each once. class [K]; NULL: not wanted. */
static int take_whole(const struct work *w, double figure[BOOTSTRAP_FIGURES], double *class) {
    const struct bootstrap_options *o = w->o;
    struct room m;
    int status = room_open(&m, o);
    if (!status) {
        for (int64_t i = 0; i < o->N; i++) m.times[i * TOGETHER] = 1;
        count(&m, w->c, o->K);
        tallies(&m, o->K, 0);
        figures_of(m.tally, o, w->unseen, figure);
        for (int64_t k = 0; class && k < o->K; k++) class[k] = tally_iou(m.tally[k]);
    }
    room_free(&m);
    return status;
}

static bool *unseen_of(const struct bootstrap_options *o) {
    bool *unseen = mem_alloc((size_t)o->K, sizeof *unseen);
    for (int64_t k = 0; k < o->K; k++) unseen[k] = !o->seen[k];
    return unseen;
}

/* ---- a result by itself ---- */

int bootstrap_draw(struct bootstrap_drawn *d, const struct counted *c,
                   const struct bootstrap_options *o) {
    size_t n = (size_t)(BOOTSTRAP_FIGURES * o->resamples);
    bool *unseen = unseen_of(o);
    *d = (struct bootstrap_drawn){.resamples = o->resamples,
                                  .figure = mem_try(n, sizeof *d->figure)};
    struct work w = {.c = c, .o = o, .unseen = unseen, .figure = d->figure};
    int status = d->figure ? take_whole(&w, d->whole, NULL) : ERR_INTERNAL;
    if (!status) status = take_all(&w);
    if (status) bootstrap_drawn_free(d);
    free(unseen);
    return status;
}

void bootstrap_drawn_free(struct bootstrap_drawn *d) {
    free(d->figure);
    *d = (struct bootstrap_drawn){0};
}

int bootstrap_gains(const struct bootstrap_drawn *a, const struct bootstrap_drawn *b,
                    struct interval *figure) {
    int64_t R = a->resamples;
    double *gain = mem_try((size_t)R, sizeof *gain);
    REQUIRE(R == b->resamples, "results of other draws");
    for (int64_t f = 0; gain && f < BOOTSTRAP_FIGURES; f++) {
        for (int64_t r = 0; r < R; r++) gain[r] = b->figure[f * R + r] - a->figure[f * R + r];
        figure[f] = (struct interval){.a = a->whole[f], .b = b->whole[f]};
        interval_of(gain, R, &figure[f]);
    }
    int status = gain ? 0 : ERR_INTERNAL;
    free(gain);
    return status;
}

/* ---- two of them, and their classes ---- */

static int take_both(struct work *w, const struct counted *a, const struct counted *b,
                     struct interval *figure, struct interval *class) {
    int64_t R = w->o->resamples;
    w->c = a;
    w->less = false;
    int status = take_all(w);
    w->c = b;
    w->less = true;
    if (!status) status = take_all(w);
    if (status) return status;
#pragma omp parallel for schedule(dynamic) num_threads(t_threads())
    for (int64_t k = w->from; k < w->end; k++)
        interval_of(w->class + (k - w->from) * R, R, &class[k]);
    for (int64_t f = 0; f < BOOTSTRAP_FIGURES; f++) interval_of(w->figure + f * R, R, &figure[f]);
    return 0;
}

static int take_both_whole(struct work *w, const struct counted *a, const struct counted *b,
                           struct interval *figure, struct interval *class) {
    double x[BOOTSTRAP_FIGURES], y[BOOTSTRAP_FIGURES];
    double *classes = mem_alloc(2 * (size_t)w->o->K, sizeof *classes), *other = classes + w->o->K;
    w->c = a;
    int status = take_whole(w, x, classes);
    w->c = b;
    if (!status) status = take_whole(w, y, other);
    for (int64_t f = 0; !status && f < BOOTSTRAP_FIGURES; f++)
        figure[f] = (struct interval){.a = x[f], .b = y[f]};
    for (int64_t k = 0; !status && k < w->o->K; k++)
        class[k] = (struct interval){.a = classes[k], .b = other[k]};
    free(classes);
    return status;
}

int bootstrap_pair(const struct counted *a, const struct counted *b,
                   const struct bootstrap_options *o, struct interval *figure,
                   struct interval *class) {
    int64_t step = AT_ONCE / o->resamples + 1, R = o->resamples;
    if (step > o->K) step = o->K;
    bool *unseen = unseen_of(o);
    struct work w = {.o = o, .unseen = unseen};
    w.figure = mem_try((size_t)(BOOTSTRAP_FIGURES * R), sizeof *w.figure);
    w.class = mem_try((size_t)(step * R), sizeof *w.class);
    int status = w.figure && w.class ? 0 : ERR_INTERNAL;
    if (!status) status = take_both_whole(&w, a, b, figure, class);
    for (int64_t from = 0; !status && from < o->K; from = w.end) {
        w.from = from;
        w.end = from + step < o->K ? from + step : o->K;
        status = take_both(&w, a, b, figure, class);
    }
    free(w.figure);
    free(w.class);
    free(unseen);
    return status;
}
