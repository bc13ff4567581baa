#include "nn/losses/hungarian.h"

#include "base/rng.h"
#include "tests/test.h"

enum { MOST = 40 };

/* The least cost over all ways to match rows i.. of the shorter side, by trying them. */
static double brute(const double *cost, int64_t n, int64_t m, int64_t i, unsigned used) {
    if (i == n) return 0;
    double best = INFINITY;
    for (int64_t j = 0; j < m; j++) {
        if (used >> j & 1) continue;
        double c = cost[i * m + j] + brute(cost, n, m, i + 1, used | 1u << j);
        if (c < best) best = c;
    }
    return best;
}

static double solve(const double *cost, int64_t rows, int64_t cols) {
    int64_t row[MOST], col[MOST], pairs = rows < cols ? rows : cols;
    bool taken[MOST] = {false};
    double sum = 0;
    CHECK_OK(hungarian_solve(cost, rows, cols, row, col));
    for (int64_t i = 0; i < pairs; i++) {
        CHECK(row[i] >= 0 && row[i] < rows && col[i] >= 0 && col[i] < cols);
        CHECK(i == 0 || row[i] > row[i - 1]);
        CHECK(!taken[col[i]]);
        taken[col[i]] = true;
        sum += cost[row[i] * cols + col[i]];
    }
    return sum;
}

static void compare(const double *cost, int64_t rows, int64_t cols, double tol) {
    double turned[MOST] = {0};
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) turned[j * rows + i] = cost[i * cols + j];
    double want = rows <= cols ? brute(cost, rows, cols, 0, 0) : brute(turned, cols, rows, 0, 0);
    CHECK_NEAR(solve(cost, rows, cols), want, tol);
    CHECK_NEAR(solve(turned, cols, rows), want, tol);
}

TEST(random_matrices_of_all_small_shapes_get_the_least_cost) {
    struct rng r = rng_stream(1, "hungarian", 0);
    double cost[MOST] = {0};
    for (int round = 0; round < 20; round++)
        for (int64_t n = 1; n <= 6; n++)
            for (int64_t m = 1; m <= 6; m++) {
                for (int64_t i = 0; i < n * m; i++) cost[i] = rng_range(&r, -10, 10);
                compare(cost, n, m, 1e-12); /* the sums are added in another order */
            }
}

TEST(matrices_full_of_ties_get_the_least_cost) {
    struct rng r = rng_stream(2, "hungarian", 0);
    double cost[MOST] = {0};
    for (int round = 0; round < 200; round++) {
        int64_t n = 1 + rng_below(&r, 6), m = 1 + rng_below(&r, 6);
        for (int64_t i = 0; i < n * m; i++) cost[i] = (double)rng_below(&r, 3);
        compare(cost, n, m, 0);
    }
}

TEST(large_and_tiny_costs_together_are_exact) {
    static const double cost[] = {1e15, 1, 1e15 + 2, 1e-9, 1e15, 3e-9, 1e15, 1e15, 2};
    CHECK_NEAR(solve(cost, 3, 3), 1 + 1e-9 + 2, 0);
}

/* As scipy breaks them; the rows of a constant matrix take the columns in order. */
TEST(ties_are_broken_as_scipy_does) {
    double cost[12] = {0};
    int64_t row[4], col[4];
    CHECK_OK(hungarian_solve(cost, 3, 4, row, col));
    for (int i = 0; i < 3; i++) CHECK_INT(col[i], i);
    CHECK_OK(hungarian_solve(cost, 4, 3, row, col));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(row[i], i);
        CHECK_INT(col[i], i);
    }
}

TEST(the_known_examples_of_the_field_are_solved) {
    static const double a[] = {400, 150, 400, 400, 450, 600, 300, 225, 300};
    CHECK_NEAR(solve(a, 3, 3), 850, 0);
    static const double b[] = {400, 150, 400, 1, 400, 450, 600, 2, 300, 225, 300, 3};
    CHECK_NEAR(solve(b, 3, 4), 452, 0);
    static const double c[] = {10, 10, 8, 9, 8, 1, 9, 7, 4};
    CHECK_NEAR(solve(c, 3, 3), 18, 0);
}

TEST(no_rows_or_no_columns_is_no_work) {
    double cost = 1;
    CHECK_OK(hungarian_solve(&cost, 0, 5, NULL, NULL));
    CHECK_OK(hungarian_solve(&cost, 5, 0, NULL, NULL));
}

TEST(what_is_no_cost_is_refused_with_its_place) {
    double cost[6] = {1, 2, 3, 4, NAN, 6};
    int64_t row[2], col[2];
    CHECK_ERROR(hungarian_solve(cost, 2, 3, row, col), ERR_DATA, "row 1, column 1 is nan");
    cost[4] = -INFINITY;
    CHECK_ERROR(hungarian_solve(cost, 2, 3, row, col), ERR_DATA, "row 1, column 1 is -inf");
}

TEST(infinite_costs_forbid_pairs) {
    double cost[9] = {INFINITY, 1, INFINITY, 2, INFINITY, 5, INFINITY, INFINITY, 4};
    CHECK_NEAR(solve(cost, 3, 3), 1 + 2 + 4, 0);
    cost[8] = INFINITY;
    int64_t row[3], col[3];
    CHECK_ERROR(hungarian_solve(cost, 3, 3, row, col), ERR_DATA, "no full assignment");
}
