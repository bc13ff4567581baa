#include "eval/confusion.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

void confusion_open(struct confusion *c, int64_t K) {
    size_t side = (size_t)K + 1;
    *c = (struct confusion){.K = K, .at = mem_alloc(side * side, sizeof *c->at)};
}

void confusion_free(struct confusion *c) {
    free(c->at);
    *c = (struct confusion){0};
}

void confusion_add(struct confusion *c, const uint16_t *predicted, const uint16_t *truth, int64_t n,
                   uint16_t ignore) {
    int64_t K = c->K;
    for (int64_t i = 0; i < n; i++) {
        int64_t p = predicted[i] < K ? predicted[i] : K;
        int64_t t = truth[i] < K && truth[i] != ignore ? truth[i] : K;
        c->at[p * (K + 1) + t]++;
    }
}

void confusion_sum(struct confusion *to, const struct confusion *from) {
    REQUIRE(to->K == from->K, "confusion matrices of %lld and %lld classes", (long long)to->K,
            (long long)from->K);
    for (int64_t i = 0; i < (to->K + 1) * (to->K + 1); i++) to->at[i] += from->at[i];
}

int64_t confusion_right(const struct confusion *c, int64_t k) { return c->at[k * (c->K + 1) + k]; }

int64_t confusion_truth(const struct confusion *c, int64_t k) {
    int64_t n = 0; /* a pixel without a name (row K, which argmax leaves empty) is missed */
    for (int64_t p = 0; p <= c->K; p++) n += c->at[p * (c->K + 1) + k];
    return n;
}

int64_t confusion_predicted(const struct confusion *c, int64_t k) {
    int64_t n = 0;
    for (int64_t t = 0; t < c->K; t++) n += c->at[k * (c->K + 1) + t];
    return n;
}

double confusion_iou(const struct confusion *c, int64_t k) {
    int64_t tp = confusion_right(c, k), gt = confusion_truth(c, k);
    if (gt == 0) return NAN;
    return 100 * (double)tp / (double)(gt + confusion_predicted(c, k) - tp);
}

struct segmentation_metrics confusion_metrics(const struct confusion *c, const bool *subset) {
    double iou = 0, acc = 0, weighted = 0, right = 0, truth = 0;
    int64_t in_truth = 0, seen = 0, all = 0;
    for (int64_t k = 0; k < c->K; k++) {
        if (subset && !subset[k]) continue;
        double tp = (double)confusion_right(c, k), gt = (double)confusion_truth(c, k);
        all++;
        seen += gt + (double)confusion_predicted(c, k) > 0;
        if (gt == 0) continue;
        in_truth++;
        iou += confusion_iou(c, k);
        weighted += confusion_iou(c, k) * gt;
        acc += 100 * tp / gt;
        right += tp;
        truth += gt;
    }
    return (struct segmentation_metrics){
        .miou = seen ? iou / (double)seen : NAN,
        .miou_truth = in_truth ? iou / (double)in_truth : NAN,
        .miou_all = all ? iou / (double)all : NAN,
        .fwiou = truth > 0 ? weighted / truth : NAN,
        .macc = in_truth ? acc / (double)in_truth : NAN,
        .pacc = truth > 0 ? 100 * right / truth : NAN,
    };
}
