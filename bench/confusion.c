/* Times the counting of label maps into a confusion matrix, and the figures that come of it.
 *
 * Usage: confusion_times [NAMES [WIDTH HEIGHT]]; the standard is 847 names at 2048 x 1024. Maps are
 * of pieces about 64 pixels long, drawn for each apart: the truth and what was made of it agree
 * more often.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "data/image.h"
#include "eval/confusion.h"
#include "eval/similarity.h"

enum { TIMES = 20, PIECE = 64 };

static void draw(struct labels *l, int64_t K, const char *name) {
    struct rng r = rng_stream(1, name, 0);
    for (int64_t i = 0; i < l->h * l->w; i++) {
        bool next = i == 0 || rng_uniform(&r) < 1.0 / PIECE;
        l->at[i] = next ? (uint16_t)(rng_uniform(&r) * (double)(K + 1)) : l->at[i - 1];
    }
}

/* As one would first write it: the baseline. */
static void by_pixel(struct confusion *c, const uint16_t *predicted, const uint16_t *truth,
                     int64_t n, uint16_t ignore) {
    int64_t K = c->K;
    for (int64_t i = 0; i < n; i++) {
        int64_t p = predicted[i] < K ? predicted[i] : K;
        int64_t t = truth[i] < K && truth[i] != ignore ? truth[i] : K;
        c->at[p * (K + 1) + t]++;
    }
}

/* Seconds of the quickest of some. */
static double time_of(void (*add)(struct confusion *, const uint16_t *, const uint16_t *, int64_t,
                                  uint16_t),
                      struct confusion *c, const struct labels *predicted,
                      const struct labels *truth) {
    double best = 1e9;
    for (int i = 0; i < TIMES; i++) {
        double start = clock_s();
        add(c, predicted->at, truth->at, truth->h * truth->w, UINT16_MAX);
        double took = clock_s() - start;
        best = took < best ? took : best;
    }
    return best;
}

static int64_t argument(int argc, char **argv, int i, int64_t otherwise) {
    return argc > i ? strtoll(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    int64_t K = argument(argc, argv, 1, 847);
    int64_t w = argument(argc, argv, 2, 2048), h = argument(argc, argv, 3, 1024);
    struct labels predicted, truth;
    struct confusion c;
    struct similarity s = {.K = K, .at = mem_alloc((size_t)(K * K), sizeof *s.at)};
    if (labels_alloc(&predicted, h, w) || labels_alloc(&truth, h, w)) {
        fprintf(stderr, "confusion_times: %s\n", error_message());
        return error_status();
    }
    draw(&predicted, K, "bench predicted");
    draw(&truth, K, "bench truth");
    confusion_open(&c, K);
    double naive = time_of(by_pixel, &c, &predicted, &truth);
    double counting = time_of(confusion_add, &c, &predicted, &truth), start = clock_s();
    struct segmentation_metrics m = confusion_metrics(&c, NULL);
    double plain = clock_s() - start;
    start = clock_s();
    struct segmentation_metrics open = confusion_open_metrics(&c, s.at, NULL);
    double likened = clock_s() - start;
    printf(
        "%lld names at %lld x %lld: %.1f ms a map (%.0f Mpx/s; pixel by "
        "pixel %.1f ms); figures %.1f ms, "
        "open ones %.1f ms (mIoU %.2f, %.2f)\n",
        (long long)K, (long long)w, (long long)h, 1e3 * counting, (double)(w * h) / counting / 1e6,
        1e3 * naive, 1e3 * plain, 1e3 * likened, m.miou, open.miou);
    confusion_free(&c);
    similarity_free(&s);
    labels_free(&predicted);
    labels_free(&truth);
    return 0;
}
