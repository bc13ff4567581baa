/* Counted costs, on operations whose costs can be worked out by hand. */
#include "nn/torch/costs.h"

#include "tests/torch.h"

TEST(products_convolutions_and_attention_count_two_flop_a_multiply_add) {
    tensor *a = t_ones(SHAPE(3, 4), T_F32), *b = t_ones(SHAPE(4, 5), T_F32);
    tensor *bias = t_zeros(SHAPE(5), T_F32), *weight = t_ones(SHAPE(5, 4), T_F32);
    tensor *x = t_ones(SHAPE(2, 3, 9, 9), T_F32), *kernel = t_ones(SHAPE(6, 3, 3, 3), T_F32);
    tensor *q = t_ones(SHAPE(2, 3, 7, 8), T_F32), *k = t_ones(SHAPE(2, 3, 11, 8), T_F32);
    t_costs_begin();
    t_matmul(a, b);
    CHECK_INT(2 * 3 * 4 * 5, t_costs_end().flop);
    t_costs_begin();
    t_linear(a, weight, bias);
    CHECK_INT(2 * 3 * 4 * 5, t_costs_end().flop);
    t_costs_begin();
    t_conv2d(x, kernel, NULL, (struct conv){2, 1, 1, 1}); /* 9 -> 5 */
    CHECK_INT(2 * 2 * 6 * 5 * 5 * (3 * 3 * 3), t_costs_end().flop);
    t_costs_begin();
    t_attention(q, k, k, NULL, false, 1);
    CHECK_INT(2 * 2 * (2 * 3) * (7 * 11) * 8, t_costs_end().flop);
}

TEST(the_backward_counts_too_and_not_for_what_needs_no_gradient) {
    tensor *x = t_ones(SHAPE(2, 3, 9, 9), T_F32), *w = t_ones(SHAPE(6, 3, 3, 3), T_F32);
    int64_t one = 2 * 2 * 6 * 9 * 9 * (3 * 3 * 3);
    t_require_grad(w, true);
    for (int both = 0; both < 2; both++) {
        t_require_grad(x, both);
        tensor *y = t_sum(t_conv2d(x, w, NULL, (struct conv){1, 1, 1, 1}));
        t_costs_begin();
        t_backward(y);
        CHECK_INT(both ? 2 * one : one, t_costs_end().flop);
    }
}

TEST(memory_is_counted_by_block_and_at_its_peak) {
    t_costs_begin();
    int scope = t_scope_open("", T_INHERIT);
    tensor *a = t_zeros(SHAPE(1000), T_F32);
    tensor *b = t_add(a, a);
    t_scope_close(scope, b); /* a is gone */
    t_add(b, b);
    struct t_costs c = t_costs_end();
    CHECK_INT(3, c.blocks);
    CHECK_INT(3 * 4000, c.bytes);
    CHECK_INT(2 * 4000, c.peak);
    CHECK_INT(3, c.calls);
}
