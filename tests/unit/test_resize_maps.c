/* Resizing by products is resizing: values and gradients. */
#include "nn/resize.h"

#include "tests/torch.h"

static void check_kind(enum resize_kind kind, int64_t h, int64_t w) {
    tensor *x = t_randn(SHAPE(2, 3, 7, 5), 1), *weight = t_randn(SHAPE(2, 3, h, w), 1);
    tensor *y[2], *grad[2];
    for (int i = 0; i < 2; i++) {
        tensor *leaf = t_clone(x);
        t_require_grad(leaf, true);
        t_deterministic(i);
        y[i] = resize(leaf, h, w, kind); /* [2, 3, h, w] */
        t_deterministic(false);
        t_backward(t_sum(t_mul(y[i], weight)));
        grad[i] = t_grad(leaf);
    }
    CHECK_CLOSE(y[1], y[0], 1e-6);
    CHECK_CLOSE(grad[1], grad[0], 1e-6);
}

TEST(products_resize_as_the_kernels_do) {
    for (int kind = RESIZE_NEAREST; kind <= RESIZE_BICUBIC; kind++) {
        check_kind((enum resize_kind)kind, 14, 10);
        check_kind((enum resize_kind)kind, 16, 9);
        check_kind((enum resize_kind)kind, 4, 3);
    }
}

TEST(without_a_gradient_the_kernel_is_used) {
    tensor *x = t_randn(SHAPE(1, 2, 4, 4), 1);
    t_deterministic(true);
    int scope = t_scope_open("inference", T_NO_GRAD);
    tensor *y = t_scope_close(scope, resize(x, 9, 9, RESIZE_BILINEAR));
    t_deterministic(false);
    CHECK(test_equal_bits(y, t_resize_bilinear(x, 9, 9)));
}
