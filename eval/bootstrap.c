#include "eval/bootstrap.h"

#include <math.h>
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

/* What a thread works in. */
struct room {
    uint32_t *times;                        /* [N] how often each picture was drawn */
    int64_t *intersection, *unions, *truth; /* [K] */
    struct tally *tally;                    /* [2, K] */
};

static void room_open(struct room *m, const struct bootstrap_options *o) {
    size_t K = (size_t)o->K;
    *m = (struct room){mem_alloc((size_t)o->N, sizeof *m->times), mem_alloc(K, sizeof(int64_t)),
                       mem_alloc(K, sizeof(int64_t)), mem_alloc(K, sizeof(int64_t)),
                       mem_alloc(2 * K, sizeof *m->tally)};
}

static void room_free(struct room *m) {
    free(m->times);
    free(m->intersection);
    free(m->unions);
    free(m->truth);
    free(m->tally);
}

static void draw(struct room *m, const struct bootstrap_options *o, int64_t r) {
    struct rng rng = rng_stream(o->seed, "bootstrap", (uint64_t)r);
    memset(m->times, 0, (size_t)o->N * sizeof *m->times);
    for (int64_t i = 0; i < o->N; i++) m->times[rng_below(&rng, o->N)]++;
}

/* The sums over the pictures that were drawn. */
static void count(struct room *m, const struct counted *c, int64_t K, struct tally *to) {
    int64_t *const all[] = {m->intersection, m->unions, m->truth};
    for (size_t i = 0; i < 3; i++) memset(all[i], 0, (size_t)K * sizeof *all[i]);
    for (size_t i = 0; i < c->n; i++) {
        int64_t times = m->times[c->image[i]];
        if (!times) continue;
        uint16_t k = c->class[i];
        m->intersection[k] += times * c->intersection[i];
        m->unions[k] += times * c->unions[i];
        m->truth[k] += times * c->truth[i];
    }
    for (int64_t k = 0; k < K; k++)
        to[k] = (struct tally){.right = (double)m->intersection[k],
                               .truth = (double)m->truth[k],
                               .wrong = (double)(m->unions[k] - m->truth[k]),
                               .there = m->unions[k] > 0};
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
    const struct counted *a, *b;
    const struct bootstrap_options *o;
    const bool *unseen;
    int64_t from, end;      /* classes */
    double *figure, *class; /* [figures, R], [end - from, R] */
};

/* Draw r: what B has more than A. */
static void take(const struct work *w, struct room *m, int64_t r) {
    int64_t R = w->o->resamples, K = w->o->K;
    double a[BOOTSTRAP_FIGURES], b[BOOTSTRAP_FIGURES];
    draw(m, w->o, r);
    count(m, w->a, K, m->tally);
    count(m, w->b, K, m->tally + K);
    figures_of(m->tally, w->o, w->unseen, a);
    figures_of(m->tally + K, w->o, w->unseen, b);
    for (int64_t f = 0; f < BOOTSTRAP_FIGURES; f++) w->figure[f * R + r] = b[f] - a[f];
    for (int64_t k = w->from; k < w->end; k++)
        w->class[(k - w->from) * R + r] = tally_iou(m->tally[K + k]) - tally_iou(m->tally[k]);
}

static void take_all(const struct work *w, struct interval *figure, struct interval *class) {
    int64_t R = w->o->resamples;
#pragma omp parallel num_threads(t_threads())
    {
        struct room m;
        room_open(&m, w->o);
#pragma omp for schedule(static)
        for (int64_t r = 0; r < R; r++) take(w, &m, r);
        room_free(&m);
    }
#pragma omp parallel for schedule(dynamic) num_threads(t_threads())
    for (int64_t k = w->from; k < w->end; k++)
        interval_of(w->class + (k - w->from) * R, R, &class[k]);
    for (int64_t f = 0; f < BOOTSTRAP_FIGURES; f++) interval_of(w->figure + f * R, R, &figure[f]);
}

/* The pictures as they are: each once. */
static void take_whole(const struct work *w, struct interval *figure, struct interval *class) {
    const struct bootstrap_options *o = w->o;
    struct room m;
    double a[BOOTSTRAP_FIGURES], b[BOOTSTRAP_FIGURES];
    room_open(&m, o);
    for (int64_t i = 0; i < o->N; i++) m.times[i] = 1;
    count(&m, w->a, o->K, m.tally);
    count(&m, w->b, o->K, m.tally + o->K);
    figures_of(m.tally, o, w->unseen, a);
    figures_of(m.tally + o->K, o, w->unseen, b);
    for (int64_t f = 0; f < BOOTSTRAP_FIGURES; f++)
        figure[f] = (struct interval){.a = a[f], .b = b[f]};
    for (int64_t k = 0; k < o->K; k++)
        class[k] = (struct interval){.a = tally_iou(m.tally[k]), .b = tally_iou(m.tally[o->K + k])};
    room_free(&m);
}

int bootstrap_pair(const struct counted *a, const struct counted *b,
                   const struct bootstrap_options *o, struct interval *figure,
                   struct interval *class) {
    int64_t step = AT_ONCE / o->resamples + 1, R = o->resamples;
    if (step > o->K) step = o->K;
    bool *unseen = mem_alloc((size_t)o->K, sizeof *unseen);
    for (int64_t k = 0; k < o->K; k++) unseen[k] = !o->seen[k];
    struct work w = {.a = a, .b = b, .o = o, .unseen = unseen};
    w.figure = mem_try((size_t)(BOOTSTRAP_FIGURES * R), sizeof *w.figure);
    w.class = mem_try((size_t)(step * R), sizeof *w.class);
    int status = w.figure && w.class ? 0 : ERR_INTERNAL;
    if (!status) take_whole(&w, figure, class);
    for (int64_t from = 0; !status && from < o->K; from = w.end) {
        w.from = from;
        w.end = from + step < o->K ? from + step : o->K;
        take_all(&w, figure, class);
    }
    free(w.figure);
    free(w.class);
    free(unseen);
    return status;
}
