#include "nn/torch/tensor.h"

#include "tests/torch.h"

TEST(a_scope_frees_its_temporaries_and_hands_out_its_result) {
    size_t live = t_live();
    int scope = t_scope_open("block", T_INHERIT);
    tensor *x = t_ones(SHAPE(2, 3), T_F32);
    tensor *y = t_scope_close(scope, t_add(x, x));
    CHECK_INT(t_live(), live + 1);
    CHECK_NEAR(t_item(t_sum(y)), 12, 0);
}

TEST(returning_an_argument_leaves_it_with_its_owner) {
    tensor *a = t_ones(SHAPE(1), T_F32);
    int outer = t_scope_open("caller", T_INHERIT);
    int inner = t_scope_open("callee", T_INHERIT);
    t_add(a, a);
    CHECK(t_scope_close(inner, a) == a);
    t_scope_close(outer, NULL);
    CHECK_NEAR(t_item(t_sum(a)), 1, 0);
}

TEST(several_results_leave_a_scope_by_t_keep) {
    int scope = t_scope_open("pair", T_INHERIT);
    tensor *a = t_keep(scope, t_ones(SHAPE(2), T_F32));
    tensor *b = t_scope_close(scope, t_zeros(SHAPE(3), T_F32));
    CHECK_INT(t_size(a, 0), 2);
    CHECK_INT(t_size(b, 0), 3);
}

TEST(a_chain_of_blocks_keeps_its_last_result_and_its_argument) {
    tensor *start = t_ones(SHAPE(2), T_F32), *x = start, *part = NULL;
    int scope = t_scope_open("blocks", T_INHERIT);
    size_t live = t_live();
    for (int i = 0; i < 3; i++) {
        if (i == 2) part = t_narrow(x, 0, 0, 1); /* of what is freed now: its own reference */
        x = t_next(x, t_add(x, x));
    }
    CHECK_INT(t_live(), live + 2);
    CHECK_NEAR(t_item(part), 4, 0);
    CHECK(t_next(x, x) == x);
    CHECK_NEAR(t_item(t_sum(t_scope_close(scope, x))), 16, 0);
    CHECK_NEAR(t_item(t_sum(start)), 2, 0);
}

TEST(a_held_tensor_outlives_its_scope_until_dropped) {
    int scope = t_scope_open("init", T_INHERIT);
    tensor *w = t_hold(t_ones(SHAPE(4), T_F32));
    t_scope_close(scope, NULL);
    CHECK_NEAR(t_item(t_sum(w)), 4, 0);
    t_drop(w);
}

TEST(the_first_error_wins_and_later_ops_do_nothing) {
    int scope = t_scope_open("model", T_INHERIT);
    int block = t_scope_open("block.3", T_INHERIT);
    tensor *x = t_ones(SHAPE(2, 3), T_F32), *w = t_ones(SHAPE(5, 4), T_F32);
    tensor *bad = t_linear(x, w, NULL);
    CHECK(bad == NULL);
    CHECK(t_add(x, x) == NULL);
    t_fill_(x, 7);
    CHECK_INT(t_size(x, 1), 1);
    CHECK(isnan(t_item(x)));
    CHECK_TENSOR_ERROR("t_linear([2, 3] Float, [5, 4] Float)");
    t_linear(x, w, NULL);
    CHECK_TENSOR_ERROR("[in the_first_error_wins_and_later_ops_do_nothing/model/block.3]");
    t_scope_close(block, NULL);
    t_scope_close(scope, NULL);
    CHECK_NEAR(t_item(t_sum(x = t_ones(SHAPE(2), T_F32))), 2, 0);
}

TEST(modes_end_with_their_scope) {
    tensor *x = t_ones(SHAPE(1), T_F32);
    t_require_grad(x, true);
    int scope = t_scope_open("off", T_NO_GRAD | T_TRAIN);
    CHECK(!t_requires_grad(t_add(x, x)));
    CHECK(t_training());
    t_scope_close(scope, NULL);
    CHECK(t_requires_grad(t_add(x, x)));
    CHECK(!t_training());
}

TEST(what_a_meta_scope_makes_has_no_values) {
    int scope = t_scope_open("shapes", T_META);
    float data[2] = {1, 2};
    tensor *x = t_randn(SHAPE(1000000, 1000000), 1); /* 4 TB */
    tensor *y = t_matmul(t_uniform(SHAPE(1, 1000000), 0, 1), x);
    CHECK_INT(t_size(y, 1), 1000000);
    t_copy_(t_zeros(SHAPE(3, 2), T_F32), t_from_data(data, SHAPE(2), T_F32));
    CHECK_OK(error_status());
    t_item(t_sum(y));
    CHECK_TENSOR_ERROR("meta");
    t_scope_close(scope, NULL);
    CHECK_NEAR(t_item(t_sum(t_ones(SHAPE(3), T_F32))), 3, 0);
}

TEST(undrawn_weights_leave_the_generator_where_it_was) {
    t_seed(7);
    tensor *want = t_randn(SHAPE(4), 1);
    t_seed(7);
    int scope = t_scope_open("load", T_UNDRAWN);
    tensor *x = t_keep(scope, t_randn(SHAPE(3, 5), 1)), *y = t_uniform(SHAPE(2), -1, 1);
    CHECK_INT(t_size(y, 0), 2);
    t_scope_close(scope, NULL);
    CHECK_INT(t_size(x, 1), 5);
    CHECK(test_equal_bits(t_randn(SHAPE(4), 1), want));
}

TEST(copy_out_insists_on_the_exact_size) {
    float buffer[8];
    t_copy_out(t_ones(SHAPE(2, 3), T_F32), buffer, sizeof buffer);
    CHECK_TENSOR_ERROR("holds 24 bytes, the buffer 32");
}

TEST(fused_adamw_equals_the_formula) {
    double x0 = 0.5, g = 0.25, lr = 0.1, wd = 0.01, b1 = 0.9, b2 = 0.98, eps = 1e-6;
    tensor *x = t_full(SHAPE(3), x0, T_F32), *grad = t_full(SHAPE(3), g, T_F32);
    tensor *m = t_zeros(SHAPE(3), T_F32), *v = t_zeros(SHAPE(3), T_F32);
    tensor *step = t_zeros(SCALAR, T_F32);
    double em = 0, ev = 0, ex = x0;
    for (int t = 1; t <= 3; t++) {
        t_adamw_(&x, &grad, &m, &v, &step, 1, (struct adamw_args){lr, b1, b2, eps, wd});
        ex -= lr * wd * ex;
        em = b1 * em + (1 - b1) * g;
        ev = b2 * ev + (1 - b2) * g * g;
        ex -= lr * em / (1 - pow(b1, t)) / (sqrt(ev / (1 - pow(b2, t))) + eps);
    }
    CHECK_NEAR(t_item(t_select(x, 0, 1)), ex, 1e-6); /* float32 rounding of three steps */
    CHECK_NEAR(t_item(step), 3, 0);
}

/* y = a^2 b by hand. */
struct square {
    tensor *a, *b;
    int released;
    bool fail;
};

static tensor *square_fwd(void *ctx, tensor *const *in, size_t n) {
    struct square *s = ctx;
    CHECK_INT(n, 2);
    s->a = t_hold(t_clone(in[0]));
    s->b = t_hold(t_clone(in[1]));
    return t_mul(t_mul(in[0], in[0]), in[1]);
}

static void square_bwd(void *ctx, tensor *grad, tensor **grad_in, size_t n) {
    struct square *s = ctx;
    CHECK_INT(n, 2);
    if (s->fail) t_matmul(s->a, t_ones(SHAPE(7, 7), T_F32));
    grad_in[0] = t_mul(grad, t_scale(t_mul(s->a, s->b), 2));
    grad_in[1] = t_mul(grad, t_mul(s->a, s->a));
}

static void square_release(void *ctx) {
    struct square *s = ctx;
    t_drop(s->a);
    t_drop(s->b);
    s->released++;
}

static const struct t_function square = {"square", square_fwd, square_bwd, square_release};

TEST(a_hand_written_gradient_reaches_both_inputs_and_is_released) {
    struct square s = {0};
    int scope = t_scope_open("step", T_INHERIT);
    tensor *in[2] = {t_full(SHAPE(2), 3, T_F32), t_full(SHAPE(2), 5, T_F32)};
    t_require_grad(in[0], true);
    t_require_grad(in[1], true);
    t_backward(t_sum(t_apply(&square, &s, in, 2)));
    CHECK_NEAR(t_item(t_select(t_grad(in[0]), 0, 1)), 30, 0);
    CHECK_NEAR(t_item(t_select(t_grad(in[1]), 0, 0)), 9, 0);
    t_scope_close(scope, NULL);
    CHECK_INT(s.released, 1);
}

TEST(an_error_inside_a_hand_written_gradient_surfaces_in_backward) {
    struct square s = {.fail = true};
    int scope = t_scope_open("step", T_INHERIT);
    tensor *in[2] = {t_full(SHAPE(2), 3, T_F32), t_full(SHAPE(2), 5, T_F32)};
    t_require_grad(in[0], true);
    t_backward(t_sum(t_apply(&square, &s, in, 2)));
    CHECK_TENSOR_ERROR("t_matmul([2] Float, [7, 7] Float)");
    t_scope_close(scope, NULL);
    CHECK_INT(s.released, 1);
}

TEST(silu_is_x_times_its_sigmoid) {
    tensor *x = t_randn(SHAPE(1000), 4);
    tensor *wide = t_cast(x, T_F64);
    CHECK(test_rel_rms(t_cast(t_silu(x), T_F64), t_mul(wide, t_sigmoid(wide))) < 1e-6);
}

TEST(a_tensor_scaled_in_place_has_the_bits_of_a_scaled_one) {
    static const enum t_dtype types[] = {T_F32, T_BF16, T_F64};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        tensor *x = t_cast(t_randn(SHAPE(1000), 4), types[i]), *y = t_scale(x, 1.702);
        t_scale_(x, 1.702);
        CHECK(test_equal_bits(x, y));
    }
}
