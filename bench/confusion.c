/* Times the counting of label maps into a confusion matrix, and the figures that come of it.
 *
 * Usage: confusion_times [THREADS [NAMES [WIDTH HEIGHT]]]; the standard is 1 thread, 847 names at
 * 2048 x 1024. Maps are of pieces about 12 pixels long, as predictions have them.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "data/image.h"
#include "eval/confusion.h"
#include "eval/similarity.h"

enum { TIMES = 20, PIECE = 12 };

static void draw(struct labels *l, int64_t K, const char *name) {
    struct rng r = rng_stream(1, name, 0);
    for (int64_t i = 0; i < l->h * l->w; i++) {
        bool next = i == 0 || rng_uniform(&r) < 1.0 / PIECE;
        l->at[i] = next ? (uint16_t)(rng_uniform(&r) * (double)(K + 1)) : l->at[i - 1];
    }
}

/* As one would first write it: the baseline. */
static double by_pixel(struct confusion *c, const struct labels *predicted,
                       const struct labels *truth) {
    int64_t K = c->K;
    double start = clock_s();
    for (int64_t i = 0; i < truth->h * truth->w; i++) {
        int64_t p = predicted->at[i] < K ? predicted->at[i] : K;
        int64_t t = truth->at[i] < K ? truth->at[i] : K;
        c->at[p * (K + 1) + t]++;
    }
    return clock_s() - start;
}

static int64_t argument(int argc, char **argv, int i, int64_t otherwise) {
    return argc > i ? strtoll(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    int64_t threads = argument(argc, argv, 1, 1), K = argument(argc, argv, 2, 847);
    int64_t w = argument(argc, argv, 3, 2048), h = argument(argc, argv, 4, 1024);
    struct labels predicted, truth;
    struct confusion c;
    struct similarity s = {.K = K, .at = mem_alloc((size_t)(K * K), sizeof *s.at)};
    omp_set_num_threads((int)threads);
    if (labels_alloc(&predicted, h, w) || labels_alloc(&truth, h, w)) {
        fprintf(stderr, "confusion_times: %s\n", error_message());
        return error_status();
    }
    draw(&predicted, K, "bench predicted");
    draw(&truth, K, "bench truth");
    confusion_open(&c, K);
    confusion_add(&c, predicted.at, truth.at, h * w, UINT16_MAX); /* touches all pages */
    double start = clock_s();
    for (int i = 0; i < TIMES; i++) confusion_add(&c, predicted.at, truth.at, h * w, UINT16_MAX);
    double counting = (clock_s() - start) / TIMES;
    double naive = by_pixel(&c, &predicted, &truth);
    start = clock_s();
    struct segmentation_metrics m = confusion_metrics(&c, NULL);
    double plain = clock_s() - start;
    start = clock_s();
    struct segmentation_metrics open = confusion_open_metrics(&c, s.at, NULL);
    double likened = clock_s() - start;
    printf(
        "%lld names at %lld x %lld, %lld threads: %.1f ms a map (%.0f Mpx/s; pixel by "
        "pixel %.1f ms); figures %.1f ms, "
        "open ones %.1f ms (mIoU %.2f, %.2f)\n",
        (long long)K, (long long)w, (long long)h, (long long)threads, 1e3 * counting,
        (double)(w * h) / counting / 1e6, 1e3 * naive, 1e3 * plain, 1e3 * likened, m.miou,
        open.miou);
    confusion_free(&c);
    similarity_free(&s);
    labels_free(&predicted);
    labels_free(&truth);
    return 0;
}
