/* The losses of CLIP against finite differences in float64. */
#include "nn/losses/clip_loss.h"

#include "nn/layers.h"
#include "tests/torch.h"

enum { B = 4, D = 5, K = 6, R = 2 };

static tensor *unit(int64_t rows) {
    return t_cast(normalize_rows(t_randn(SHAPE(rows, D), 1), 1e-12), T_F64);
}

static const int64_t NOUNS[R * B] = {0, 2, 0, 5, 2, 1, 0, 3}; /* of both ranks; some repeat */

/* What the loss depends on; a rank holds rows 0 .. B-1 of both sides. */
struct point {
    tensor *image, *text, *scale; /* [R B, D], [R B, D], [] */
    tensor *bank;                 /* [K, D] */
    int rank;
};

typedef tensor *loss_fn(const struct point *p);

static tensor *in_batch(const struct point *p) {
    return clip_loss(p->image, p->text, p->scale, ALL_ROWS);
}

static tensor *multi(const struct point *p) {
    return clip_loss_multi(p->image, p->text, p->scale, t_from_data(NOUNS, SHAPE(R * B), T_I64),
                           ALL_ROWS);
}

static tensor *bank(const struct point *p) {
    return clip_loss_bank(p->image, p->bank, p->scale, t_from_data(NOUNS, SHAPE(R * B), T_I64));
}

static struct point make_point(void) {
    struct point p = {unit(R * B), unit(R * B), t_full(SCALAR, 7, T_F64), unit(K), 0};
    t_require_grad(p.image, true);
    t_require_grad(p.text, true);
    t_require_grad(p.scale, true);
    return p;
}

/* d loss / d x[i], central differences. */
static double slope(loss_fn *f, const struct point *p, tensor *x, int64_t i) {
    const double h = 1e-5; /* h^2 and 1e-16 / h are both below 1e-9 */
    double y[2];
    int scope = t_scope_open("slope", T_NO_GRAD);
    tensor *flat = t_narrow(t_reshape(t_detach(x), SHAPE(-1)), 0, i, 1); /* shares memory with x */
    tensor *one = t_ones(SHAPE(1), T_F64);
    for (int s = 0; s < 2; s++) {
        t_add_(flat, one, s ? 2 * h : -h);
        y[s] = t_item(f(p));
    }
    t_add_(flat, one, -h);
    t_scope_close(scope, NULL);
    return (y[1] - y[0]) / (2 * h);
}

static void check(loss_fn *f, const struct point *p, tensor *x) {
    tensor *g = t_reshape(t_grad(x), SHAPE(-1));
    for (int64_t i = 0; i < t_numel(x); i++)
        CHECK_NEAR(t_item(t_select(g, 0, i)), slope(f, p, x, i), 1e-8);
}

TEST(the_in_batch_loss_has_the_gradient_of_its_value) {
    struct point p = make_point();
    t_backward(in_batch(&p));
    check(in_batch, &p, p.image);
    check(in_batch, &p, p.text);
    check(in_batch, &p, p.scale);
}

TEST(the_multi_positive_loss_has_the_gradient_of_its_value) {
    struct point p = make_point();
    t_backward(multi(&p));
    check(multi, &p, p.image);
    check(multi, &p, p.text);
    check(multi, &p, p.scale);
}

TEST(the_noun_bank_loss_has_the_gradient_of_its_value) {
    struct point p = make_point();
    t_backward(bank(&p));
    check(bank, &p, p.image);
    check(bank, &p, p.scale);
}

TEST(multi_positives_change_nothing_when_all_nouns_differ) {
    struct point p = make_point();
    tensor *many = clip_loss_multi(p.image, p.text, p.scale, t_arange(R * B, T_I64), ALL_ROWS);
    CHECK_NEAR(t_item(many), t_item(in_batch(&p)), 1e-12);
}

TEST(multi_positives_do_not_push_rows_of_one_noun_apart) {
    /* Two nouns, two rows each, every pair perfect: only the multi-positive loss is at its least.
     */
    tensor *rows =
        t_cast(t_from_data((const float[]){1, 0, 1, 0, 0, 1, 0, 1}, SHAPE(4, 2), T_F32), T_F64);
    tensor *ids = t_from_data((const int64_t[]){8, 8, 9, 9}, SHAPE(4), T_I64);
    tensor *scale = t_full(SCALAR, 100, T_F64);
    CHECK_NEAR(t_item(clip_loss_multi(rows, rows, scale, ids, ALL_ROWS)), log(2), 1e-12);
    t_require_grad(rows, true);
    t_backward(clip_loss_multi(rows, rows, scale, ids, ALL_ROWS));
    CHECK(test_max_diff(t_grad(rows), t_zeros(SHAPE(4, 2), T_F64)) < 1e-12);
}

/* The loss of the rows of each half, as a rank computes it, and the sum of their gradients. */
static void check_parts(bool many) {
    struct point p = make_point();
    loss_fn *whole = many ? multi : in_batch;
    tensor *loss = whole(&p), *ids = t_from_data(NOUNS, SHAPE(R * B), T_I64);
    t_backward(loss);
    tensor *image = t_clone(t_grad(p.image)), *text = t_clone(t_grad(p.text));
    tensor *scale = t_clone(t_grad(p.scale));
    t_clear_grad(p.image);
    t_clear_grad(p.text);
    t_clear_grad(p.scale);
    double sum = 0;
    for (int r = 0; r < R; r++) {
        struct loss_rows rows = {r * B, B};
        tensor *part = many ? clip_loss_multi(p.image, p.text, p.scale, ids, rows)
                            : clip_loss(p.image, p.text, p.scale, rows);
        sum += t_item(part);
        t_backward(part);
    }
    CHECK_NEAR(sum, t_item(loss), 1e-12);
    CHECK_CLOSE(t_grad(p.image), image, 1e-12);
    CHECK_CLOSE(t_grad(p.text), text, 1e-12);
    CHECK_CLOSE(t_grad(p.scale), scale, 1e-12);
}

TEST(the_losses_of_parts_of_the_rows_sum_up_to_the_whole_with_its_gradient) { check_parts(false); }

TEST(the_losses_of_parts_sum_up_to_the_whole_with_multi_positives) { check_parts(true); }
