/* Gaussian sums by the permutohedral lattice. */
#include "eval/lattice.h"

#include "base/rng.h"
#include "tests/test.h"

enum { LANES = LATTICE_LANES };

/* n points of d features, uniform in [0, extent)^d. */
static float *points(int d, int64_t n, double extent, struct rng *r) {
    float *f = mem_alloc((size_t)(d * n), sizeof *f);
    for (int64_t i = 0; i < d * n; i++) f[i] = (float)rng_range(r, 0, extent);
    return f;
}

static float *filtered(const struct lattice *l, const float *x, const float *by, float scale) {
    float *scratch = mem_alloc(lattice_scratch(l), sizeof *scratch);
    float *y = mem_alloc((size_t)l->n * LANES, sizeof *y);
    lattice_spread(l, lattice_gather(l, x, by, scratch), by, scale, y);
    free(scratch);
    return y;
}

static double gaussian(const float *f, int d, int64_t i, int64_t j) {
    double sum = 0;
    for (int k = 0; k < d; k++) {
        double x = (double)f[i * d + k] - (double)f[j * d + k];
        sum += x * x;
    }
    return exp(-sum / 2);
}

/* How far the sums of smooth values are from those over all pairs: relative RMS, after a common
 * factor, which is written to *factor. */
static double error_of(int d, int64_t n, double extent, double *factor) {
    struct rng r = rng_stream(3, "lattice", (uint64_t)d);
    float *f = points(d, n, extent, &r), *x = mem_alloc((size_t)n * LANES, sizeof *x);
    for (int64_t i = 0; i < n * LANES; i++)
        x[i] = (float)(1 + sin((double)f[i / LANES * d] + (double)(i % LANES)));
    struct lattice l;
    CHECK_OK(lattice_open(&l, d, n, f));
    float *y = filtered(&l, x, NULL, 1);
    double both = 0, size = 0, found = 0;
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < LANES; k++) {
            double want = 0, got = (double)y[i * LANES + k];
            for (int64_t j = 0; j < n; j++) want += gaussian(f, d, i, j) * (double)x[j * LANES + k];
            both += want * got;
            size += want * want;
            found += got * got;
        }
    free(f);
    free(x);
    free(y);
    lattice_free(&l);
    *factor = both / size;
    printf("%d features: factor %.3f, error %.3f\n", d, *factor,
           sqrt(1 - both * both / size / found));
    return sqrt(1 - both * both / size / found);
}

TEST(sums_are_near_those_over_all_pairs_but_for_a_factor) {
    double factor;
    CHECK(error_of(2, 2000, 20, &factor) < 0.04);
    CHECK_NEAR(factor, 0.87, 0.04);
    CHECK(error_of(5, 900, 2, &factor) < 0.08);
    CHECK_NEAR(factor, 0.6, 0.1);
}

TEST(a_point_far_from_all_others_is_left_to_itself) {
    const float f[] = {0, 0, 100, 0, -1e5F, 3};
    float x[3 * LANES], by[] = {1, 2, 3};
    for (int i = 0; i < 3 * LANES; i++) x[i] = (float)(i + 1);
    struct lattice l;
    CHECK_OK(lattice_open(&l, 2, 3, f));
    CHECK_INT(l.m, 9); /* three simplices */
    float *y = filtered(&l, x, by, 0.5F);
    for (int i = 0; i < 3; i++) { /* each grows by the same multiple of its by^2 x */
        double share = (double)y[i * LANES] / (x[i * LANES] * by[i] * by[i]);
        CHECK(share > 0.2 && share < 0.5);
        for (int k = 1; k < LANES; k++)
            CHECK_NEAR(y[i * LANES + k], share * x[i * LANES + k] * by[i] * by[i], 1e-4);
    }
    free(y);
    lattice_free(&l);
}

TEST(a_sum_is_the_same_in_both_directions) {
    /* What i gets from j, j gets from i: the matrix is symmetric. */
    enum { N = 40 };
    struct rng r = rng_stream(4, "lattice", 0);
    float *f = points(2, N, 3, &r), *K = mem_alloc(N * N, sizeof *K);
    struct lattice l;
    CHECK_OK(lattice_open(&l, 2, N, f));
    for (int j = 0; j < N; j++) {
        float *x = mem_alloc(N * LANES, sizeof *x);
        x[j * LANES + 3] = 1;
        float *y = filtered(&l, x, NULL, 1);
        for (int i = 0; i < N; i++) {
            K[i * N + j] = y[i * LANES + 3];
            CHECK_NEAR(y[i * LANES + 2], 0, 0); /* lanes are apart */
        }
        free(x);
        free(y);
    }
    double wrong = 0, size = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            wrong += fabs((double)K[i * N + j] - (double)K[j * N + i]);
            size += (double)K[i * N + j];
        }
    CHECK(wrong < 0.1 * size); /* where vertices are missing, the order of the axes is felt */
    free(f);
    free(K);
    lattice_free(&l);
}
