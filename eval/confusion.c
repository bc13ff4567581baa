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

/* Run by run: what stands side by side with the same two labels is one addition, and the matrix, of
 * megabytes, is touched once a run. Maps are of large pieces: those 64 pixels wide are counted 2
 * to 4 times as fast as pixel by pixel, in 1 to 3 ns a pixel (bench/confusion.c). Threads would
 * each need a matrix, and its sum takes as long. */
void confusion_add(struct confusion *c, const uint16_t *predicted, const uint16_t *truth, int64_t n,
                   uint16_t ignore) {
    int64_t K = c->K;
    for (int64_t i = 0, run; i < n; i += run) {
        uint16_t p = predicted[i], t = truth[i];
        for (run = 1; i + run < n && predicted[i + run] == p && truth[i + run] == t; run++) {
        }
        int64_t row = p < K ? p : K, column = t < K && t != ignore ? t : K;
        c->at[row * (K + 1) + column] += run;
    }
}

void confusion_put(struct confusion *c, int64_t predicted, int64_t truth, int64_t n) {
    c->at[predicted * (c->K + 1) + truth] += n;
}

void confusion_sum(struct confusion *to, const struct confusion *from) {
    REQUIRE(to->K == from->K, "confusion matrices of %lld and %lld classes", (long long)to->K,
            (long long)from->K);
    for (int64_t i = 0; i < (to->K + 1) * (to->K + 1); i++) to->at[i] += from->at[i];
}

int64_t confusion_right(const struct confusion *c, int64_t k) { return c->at[k * (c->K + 1) + k]; }

int64_t confusion_truth(const struct confusion *c, int64_t k) {
    int64_t n = 0, rows = c->unnamed_is_missed ? c->K + 1 : c->K;
    for (int64_t p = 0; p < rows; p++) n += c->at[p * (c->K + 1) + k];
    return n;
}

int64_t confusion_predicted(const struct confusion *c, int64_t k) {
    int64_t n = 0;
    for (int64_t t = 0; t < c->K; t++) n += c->at[k * (c->K + 1) + t];
    return n;
}

static struct tally tally_of(const struct confusion *c, const double *likeness, int64_t k) {
    int64_t K = c->K, truth = confusion_truth(c, k), called = confusion_predicted(c, k);
    struct tally t = {.right = (double)confusion_right(c, k),
                      .truth = (double)truth,
                      .there = truth + called > 0};
    t.wrong = (double)called - t.right;
    if (!likeness) return t;
    t.right = t.wrong = 0;
    for (int64_t j = 0; j < K; j++) {
        t.right += likeness[k * K + j] * (double)c->at[j * (K + 1) + k];
        t.wrong += (1 - likeness[j * K + k]) * (double)c->at[k * (K + 1) + j];
    }
    return t;
}

double tally_iou(struct tally t) { return t.truth > 0 ? 100 * t.right / (t.truth + t.wrong) : NAN; }

double confusion_iou(const struct confusion *c, int64_t k) {
    return tally_iou(tally_of(c, NULL, k));
}

double confusion_open_iou(const struct confusion *c, const double *likeness, int64_t k) {
    return tally_iou(tally_of(c, likeness, k));
}

double confusion_acc(const struct confusion *c, int64_t k) {
    struct tally t = tally_of(c, NULL, k);
    return t.truth > 0 ? 100 * t.right / t.truth : NAN;
}

struct segmentation_metrics tally_metrics(const struct tally *tally, int64_t K,
                                          const bool *subset) {
    double iou = 0, acc = 0, weighted = 0, right = 0, truth = 0;
    int64_t in_truth = 0, there = 0, all = 0;
    for (int64_t k = 0; k < K; k++) {
        if (subset && !subset[k]) continue;
        struct tally t = tally[k];
        all++;
        there += t.there;
        if (!(t.truth > 0)) continue;
        in_truth++;
        iou += tally_iou(t);
        weighted += tally_iou(t) * t.truth;
        acc += 100 * t.right / t.truth;
        right += t.right;
        truth += t.truth;
    }
    return (struct segmentation_metrics){
        .miou = there ? iou / (double)there : NAN,
        .miou_truth = in_truth ? iou / (double)in_truth : NAN,
        .miou_all = all ? iou / (double)all : NAN,
        .fwiou = truth > 0 ? weighted / truth : NAN,
        .macc = in_truth ? acc / (double)in_truth : NAN,
        .pacc = truth > 0 ? 100 * right / truth : NAN,
    };
}

struct segmentation_metrics confusion_open_metrics(const struct confusion *c,
                                                   const double *likeness, const bool *subset) {
    struct tally *tally = mem_alloc((size_t)c->K, sizeof *tally);
    for (int64_t k = 0; k < c->K; k++) tally[k] = tally_of(c, likeness, k);
    struct segmentation_metrics m = tally_metrics(tally, c->K, subset);
    free(tally);
    return m;
}

struct segmentation_metrics confusion_metrics(const struct confusion *c, const bool *subset) {
    return confusion_open_metrics(c, NULL, subset);
}

void confusion_merge(const struct confusion *c, const int64_t *group, int64_t G,
                     struct confusion *to) {
    int64_t K = c->K;
    confusion_open(to, G);
    to->unnamed_is_missed = c->unnamed_is_missed;
    for (int64_t p = 0; p <= K; p++)
        for (int64_t t = 0; t <= K; t++)
            confusion_put(to, p < K ? group[p] : G, t < K ? group[t] : G, c->at[p * (K + 1) + t]);
}

size_t confusion_pairs(const struct confusion *c, struct confused *out, size_t most) {
    size_t n = 0;
    for (int64_t t = 0; t < c->K; t++)
        for (int64_t p = 0; p < c->K; p++) {
            struct confused one = {t, p, c->at[p * (c->K + 1) + t]};
            if (p == t || !one.pixels || (n == most && (!n || one.pixels <= out[n - 1].pixels)))
                continue;
            size_t at = n < most ? n++ : n - 1; /* moves up to its place */
            for (; at > 0 && out[at - 1].pixels < one.pixels; at--) out[at] = out[at - 1];
            out[at] = one;
        }
    return n;
}

double harmonic_mean(double a, double b) { return a + b > 0 ? 2 * a * b / (a + b) : a + b; }
