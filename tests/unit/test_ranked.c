#include "eval/ranked.h"

#include "tests/torch.h"

enum { K = 11, H = 7, W = 10, N = 3 };

static tensor *scores_of(const void *self, int64_t from, int64_t n) {
    return t_narrow((tensor *)self, 0, from, n);
}

/* What sorting says of one pixel: the place of name k among all. */
static int place_of(const float *x, int64_t k, int64_t pixel) {
    int before = 0;
    for (int64_t i = 0; i < K; i++)
        before += x[i * H * W + pixel] > x[k * H * W + pixel] ||
                  (i < k && x[i * H * W + pixel] == x[k * H * W + pixel]);
    return before;
}

static void check_ranked(tensor *scores, int64_t groups, int64_t stride) {
    struct score_groups g = {scores, K, groups, scores_of};
    struct ranked r = {.stride = stride, .n = N};
    float x[K * H * W];
    CHECK_OK(t_copy_out(scores, x, sizeof x));
    CHECK_OK(ranked_take(&r, &g, H, W));
    CHECK_INT(r.h, (H + stride - 1) / stride);
    CHECK_INT(r.w, (W + stride - 1) / stride);
    for (int64_t y = 0; y < r.h; y++)
        for (int64_t c = 0; c < r.w; c++)
            for (int64_t i = 0; i < N; i++) {
                int64_t at = (i * r.h + y) * r.w + c, pixel = (y * W + c) * stride;
                CHECK_INT(place_of(x, r.name[at], pixel), i);
                CHECK_NEAR(r.score[at], x[r.name[at] * H * W + pixel], 0);
            }
    ranked_free(&r);
}

TEST(the_best_names_of_a_pixel_are_those_of_a_sort) {
    tensor *x = t_uniform(SHAPE(K, H, W), 0, 1);
    tensor *few = t_cast(t_cast(t_scale(x, 3), T_I64), T_F32); /* many are equal */
    for (int64_t groups = 1; groups <= 4; groups += 3)
        for (int64_t stride = 1; stride <= 4; stride++) {
            check_ranked(x, groups, stride);
            check_ranked(few, groups, stride);
        }
}

TEST(places_that_no_name_takes_are_marked) {
    tensor *x = t_uniform(SHAPE(2, H, W), 0, 1);
    struct score_groups g = {x, 2, 1, scores_of};
    struct ranked r = {.stride = 2, .n = N};
    CHECK_OK(ranked_take(&r, &g, H, W));
    for (int64_t i = 0; i < r.h * r.w; i++) {
        CHECK(r.name[i] < 2 && r.name[r.h * r.w + i] == 1 - r.name[i]);
        CHECK_INT(r.name[2 * r.h * r.w + i], RANKED_NONE);
    }
    ranked_free(&r);
}
