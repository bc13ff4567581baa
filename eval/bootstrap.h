/* How sure a difference of two results is: pictures are drawn anew, with replacement, as often as
 * there are, again and again, and both results are counted on the same draws (B. Efron's paired
 * bootstrap, intervals of percentiles). What another test set of this size might have said.
 *
 * N pictures, K classes, R draws of N pictures.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What each picture adds to the classes of a result. */
struct counted {
    size_t n;
    const uint32_t *image;                         /* [n] below N */
    const uint16_t *class;                         /* [n] below K */
    const uint32_t *intersection, *unions, *truth; /* [n] pixels, at most the union each */
};

struct bootstrap_options {
    int64_t N, K;
    const bool *seen; /* [K] */
    int64_t resamples;
    uint64_t seed;
};

enum bootstrap_figure {
    FIGURE_MIOU,
    FIGURE_MIOU_SEEN,
    FIGURE_MIOU_UNSEEN,
    FIGURE_MIOU_TRUTH,
    FIGURE_MIOU_ALL,
    FIGURE_FWIOU,
    FIGURE_MACC,
    FIGURE_PACC,
    BOOTSTRAP_FIGURES
};
extern const char *const bootstrap_figures[BOOTSTRAP_FIGURES]; /* "miou", ... */

/* A figure of B less that of A, in percent points. */
struct interval {
    double a, b;      /* of the pictures as they are; NaN: not defined */
    double low, high; /* 95 % of the draws lie between: numpy.percentile of 2.5 and 97.5 */
    double better;    /* share of the draws in which B is better; a tie is half */
    int64_t draws;    /* in which both are defined: a class may be in none of the pictures */
};
double interval_gain(const struct interval *x); /* b - a */
bool interval_says(const struct interval *x);   /* whether 0 lies outside */

/* Draw r has the pictures that rng_below(rng_stream(seed, "bootstrap", r), N) names, N times: for
 * every result the same. The same bits for any number of threads. ERR_INTERNAL: memory. */

/* A result's figures in each draw, to be compared with those of others: each is counted once. */
struct bootstrap_drawn {
    double whole[BOOTSTRAP_FIGURES]; /* of the pictures as they are */
    double *figure;                  /* [BOOTSTRAP_FIGURES, resamples] */
    int64_t resamples;
};
int bootstrap_draw(struct bootstrap_drawn *d, const struct counted *c,
                   const struct bootstrap_options *o);
void bootstrap_drawn_free(struct bootstrap_drawn *d);
/* Of the same pictures, classes and draws. figure [BOOTSTRAP_FIGURES] */
int bootstrap_gains(const struct bootstrap_drawn *a, const struct bootstrap_drawn *b,
                    struct interval *figure);

/* The same, and class [K]: IoU of each. Takes 8 bytes for each class and draw, 128 MiB at once at
 * most. */
int bootstrap_pair(const struct counted *a, const struct counted *b,
                   const struct bootstrap_options *o, struct interval *figure,
                   struct interval *class);
