/* One confusion matrix, and every segmentation figure that comes from it (reference-spec 8.9). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows are predictions, columns the ground truth; row and column K take what is ignored. */
struct confusion {
    int64_t K;
    int64_t *at; /* [K + 1, K + 1] pixels */
    /* A pixel that has a class and got no name counts for that class: it is missed. The reference
     * leaves it out (row K), as its argmax always finds a name; masks of others need not cover a
     * picture. */
    bool unnamed_is_missed;
};

void confusion_open(struct confusion *c, int64_t K);
void confusion_free(struct confusion *c);

/* Counts n pixels. Ground truth equal to `ignore`, and any value that is no class, goes to column
 * K. */
void confusion_add(struct confusion *c, const uint16_t *predicted, const uint16_t *truth, int64_t n,
                   uint16_t ignore);
/* Counts n pixels of one kind. */
void confusion_put(struct confusion *c, int64_t predicted, int64_t truth, int64_t n);
void confusion_sum(struct confusion *to, const struct confusion *from); /* same K */

int64_t confusion_right(const struct confusion *c, int64_t k);     /* tp of a class */
int64_t confusion_truth(const struct confusion *c, int64_t k);     /* labelled k, ignored apart */
int64_t confusion_predicted(const struct confusion *c, int64_t k); /* called k where labelled */

/* Pixels of one class: with likenesses shares of them, else whole numbers below 2^53. */
struct tally {
    double right, truth, wrong; /* wrong: others' pixels that were called so */
    bool there;                 /* in the truth, or predicted */
};

/* In percent. Classes outside `subset` [K] still compete for pixels, they are only not averaged;
 * NULL: all. NaN where nothing is defined. */
struct segmentation_metrics {
    double miou; /* over the classes that are in the truth or were predicted: the reference's */
    double miou_truth; /* over the classes that are in the truth */
    double miou_all;   /* over all classes */
    double fwiou, macc, pacc;
};
struct segmentation_metrics confusion_metrics(const struct confusion *c, const bool *subset);
struct segmentation_metrics tally_metrics(const struct tally *t, int64_t K, const bool *subset);
double tally_iou(struct tally t);                           /* percent; NaN: not in the truth */
double confusion_iou(const struct confusion *c, int64_t k); /* the same */
double confusion_acc(const struct confusion *c, int64_t k);

/* The same for names that overlap (H. Zhou et al., TPAMI 2025: "open" metrics). likeness [K, K], 0
 * to 1, row: the truth. A pixel of class i that is called j counts likeness[i, j] as right, and the
 * rest as missed by i and as false for j. Of the identity all figures are those above, to the bit.
 */
struct segmentation_metrics confusion_open_metrics(const struct confusion *c,
                                                   const double *likeness, const bool *subset);
double confusion_open_iou(const struct confusion *c, const double *likeness, int64_t k);

/* The matrix of groups of classes: group[K] below G; `to` is opened here. */
void confusion_merge(const struct confusion *c, const int64_t *group, int64_t G,
                     struct confusion *to);

/* The pairs of names that are taken for each other most, at most `most` of them, most pixels first;
 * of equally many the first by class. Returns how many there are. */
struct confused {
    int64_t truth, called, pixels;
};
size_t confusion_pairs(const struct confusion *c, struct confused *out, size_t most);

/* 2 a b / (a + b), NaN when one is: the one figure for seen and unseen classes. */
double harmonic_mean(double a, double b);
