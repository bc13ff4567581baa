/* Times the dense CRF of one picture: what eval.crf.enabled adds to it.
 *
 * Usage: crf_times [THREADS [NAMES [WIDTH HEIGHT]]]; the standard is 1 thread, 171 names at
 * 640 x 480. A smooth picture with grain, as photographs are: the lattice's vertices are counted,
 * which the time depends on.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "eval/crf.h"
#include "nn/torch/tensor.h"

static int picture(struct image *im, int64_t h, int64_t w) {
    struct rng r = rng_stream(1, "bench crf", 0);
    int status = image_alloc(im, h, w, 3);
    for (int64_t i = 0; !status && i < h * w * 3; i++) {
        int64_t row = i / 3 / w, column = i / 3 % w, c = i % 3;
        double v = 127 + 50 * sin((double)column / 60 + (double)c) +
                   50 * cos((double)row / 45 - (double)c) + 8 * rng_normal(&r);
        im->at[i] = (uint8_t)fmin(255, fmax(0, v));
    }
    return status;
}

static int put_scores(struct crf *c, int64_t h, int64_t w) {
    struct rng r = rng_stream(2, "bench crf", 0);
    float *x = mem_try((size_t)h * (size_t)w, sizeof *x);
    for (int64_t k = 0; x && k < c->K; k++) {
        double top = rng_uniform(&r);
        for (int64_t i = 0; i < h * w; i++) x[i] = (float)(top * rng_uniform(&r));
        crf_put(c, k, 1, x);
    }
    free(x);
    return x ? 0 : error_status();
}

/* Seconds of all but the iterations, and of one of them. */
static int time_one(int64_t K, int64_t h, int64_t w, int64_t iterations, double *seconds) {
    struct image im = {0};
    struct labels l = {0};
    struct crf c = {0};
    struct crf_options o = crf_standard;
    o.iterations = iterations;
    int status = picture(&im, h, w);
    if (!status) status = crf_open(&c, K, h, w);
    if (!status) status = put_scores(&c, h, w);
    double start = clock_s();
    if (!status) status = crf_labels(&c, &o, &im, &l);
    *seconds = clock_s() - start;
    crf_free(&c);
    labels_free(&l);
    image_free(&im);
    return status;
}

static int64_t argument(int argc, char **argv, int i, int64_t otherwise) {
    return argc > i ? strtoll(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv) {
    mem_keep_pages();
    int64_t threads = argument(argc, argv, 1, 1), K = argument(argc, argv, 2, 171);
    int64_t w = argument(argc, argv, 3, 640), h = argument(argc, argv, 4, 480);
    double none, all;
    t_set_threads((int)threads);
    int status = time_one(K, h, w, 0, &none);
    if (!status) status = time_one(K, h, w, crf_standard.iterations, &all);
    if (status)
        fprintf(stderr, "crf_times: %s\n", error_message());
    else
        printf("%lld names at %lld x %lld, %lld threads: %.2f s, of which an iteration %.2f s\n",
               (long long)K, (long long)w, (long long)h, (long long)threads, all,
               (all - none) / (double)crf_standard.iterations);
    return status;
}
