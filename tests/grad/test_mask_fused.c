/* The fused mask losses against autograd through the written-out ones, in float64. */
#include "nn/losses/mask_fused.h"

#include "nn/losses/mask_loss.h"
#include "tests/torch.h"

/* float32 arithmetic: 2e-7 a step, averaged over many pixels. */
static const double TOL = 1e-6;

static void make_targets(struct mask_targets *t, int64_t h, int64_t w) {
    uint16_t *maps = mem_alloc((size_t)(2 * h * w), sizeof *maps);
    for (int64_t i = 0; i < 2 * h * w; i++)
        maps[i] = (uint16_t)(i % 13 == 0 ? 255 : i / w * 3 / h + 2 * (i % w * 2 / w));
    CHECK_OK(mask_targets_init(t, maps, 2, h, w, 1, 255));
    free(maps);
}

/* The loss of each pair times a weight of its own, so that a mixed-up pair shows. */
static tensor *weigh(tensor *each) {
    int64_t P = t_size(each, 1);
    tensor *weight = t_cast(t_shift(t_arange(2 * P, T_F32), 1), t_dtype(each));
    return t_sum(t_mul(each, t_reshape(weight, SHAPE(2, P))));
}

static tensor *written_out(tensor *x, const struct mask_targets *t, const int64_t *target) {
    int64_t P = t_size(x, 0);
    tensor *up = t_resize_bilinear(t_unsqueeze(x, 0), t->H, t->W); /* [1, P, H, W] */
    tensor *y[64];
    for (int64_t i = 0; i < P; i++) {
        int64_t b = target[i] >= t->first[1];
        tensor *map = t_from_data(t->map + b * t->H * t->W, SHAPE(t->H * t->W), T_I32);
        y[i] = t_eq(map, t_full(SHAPE(1), (double)t->label[target[i]], T_I32));
    }
    tensor *masks = t_cast(t_stack(y, (size_t)P, 0), t_dtype(x)); /* [P, HW] */
    return focal_and_dice(t_reshape(up, SHAPE(P, t->H * t->W)), masks);
}

static void compare(int64_t h, int64_t w, int64_t H, int64_t W, double size) {
    struct mask_targets t;
    make_targets(&t, H, W);
    int64_t target[8], P = 8;
    for (int64_t i = 0; i < P; i++) target[i] = i * 5 % t.n;
    tensor *x = t_randn(SHAPE(P, h, w), size), *exact = t_cast(x, T_F64);
    t_require_grad(x, true);
    t_require_grad(exact, true);
    tensor *mine = mask_fused(x, &t, target), *theirs = written_out(exact, &t, target);
    CHECK_CLOSE(t_select(mine, 0, 0), t_select(theirs, 0, 0), TOL);
    CHECK_CLOSE(t_select(mine, 0, 1), t_select(theirs, 0, 1), TOL);
    mask_targets_free(&t); /* only the forward reads them */
    t_backward(weigh(mine));
    t_backward(weigh(theirs));
    CHECK_OK(error_status());
    CHECK_CLOSE(t_grad(x), t_grad(exact), TOL);
}

TEST(losses_and_gradients_equal_autograd_at_four_times_the_size) { compare(16, 24, 64, 96, 2); }

TEST(they_do_at_sizes_that_do_not_divide) { compare(7, 9, 31, 50, 2); }

TEST(they_do_at_the_same_size_and_when_shrinking) {
    compare(12, 12, 12, 12, 2);
    compare(20, 22, 9, 8, 2);
}

TEST(they_do_for_a_single_row_and_column) { compare(1, 1, 8, 8, 2); }

TEST(they_do_for_logits_of_hundreds) { compare(16, 16, 64, 64, 150); }

TEST(the_number_of_threads_changes_no_bit) {
    struct mask_targets t;
    make_targets(&t, 40, 40);
    int64_t target[8] = {0, 1, 2, 3, 4, 5, 1, 0};
    tensor *x = t_randn(SHAPE(8, 10, 10), 2);
    tensor *one = mask_fused(x, &t, target);
    t_set_threads(2);
    CHECK(test_equal_bits(mask_fused(x, &t, target), one));
    t_set_threads(1);
    mask_targets_free(&t);
}

TEST(another_type_is_an_error_that_says_so) {
    struct mask_targets t;
    make_targets(&t, 8, 8);
    int64_t target[1] = {0};
    CHECK(!mask_fused(t_zeros(SHAPE(1, 2, 2), T_F64), &t, target));
    CHECK_TENSOR_ERROR("holds 32 bytes");
    mask_targets_free(&t);
}
