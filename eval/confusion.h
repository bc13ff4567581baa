/* One confusion matrix, and every segmentation figure that comes from it (reference-spec 8.9). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Rows are predictions, columns the ground truth; row and column K take what is ignored. */
struct confusion {
    int64_t K;
    int64_t *at; /* [K + 1, K + 1] pixels */
};

void confusion_open(struct confusion *c, int64_t K);
void confusion_free(struct confusion *c);

/* Counts n pixels. Ground truth equal to `ignore`, and any value that is no class, goes to column
 * K. */
void confusion_add(struct confusion *c, const uint16_t *predicted, const uint16_t *truth, int64_t n,
                   uint16_t ignore);
void confusion_sum(struct confusion *to, const struct confusion *from); /* same K */

int64_t confusion_right(const struct confusion *c, int64_t k);     /* tp of a class */
int64_t confusion_truth(const struct confusion *c, int64_t k);     /* labelled k, ignored apart */
int64_t confusion_predicted(const struct confusion *c, int64_t k); /* called k where labelled */

/* In percent. Classes outside `subset` [K] still compete for pixels, they are only not averaged;
 * NULL: all. NaN where nothing is defined. */
struct segmentation_metrics {
    double miou; /* over the classes that are in the truth or were predicted: the reference's */
    double miou_truth; /* over the classes that are in the truth */
    double miou_all;   /* over all classes */
    double fwiou, macc, pacc;
};
struct segmentation_metrics confusion_metrics(const struct confusion *c, const bool *subset);
double confusion_iou(const struct confusion *c, int64_t k); /* percent; NaN: not in the truth */
