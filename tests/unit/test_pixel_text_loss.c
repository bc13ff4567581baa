#include "nn/losses/pixel_text_loss.h"

#include "nn/layers.h"
#include "tests/torch.h"

enum { B = 2, K = 3, D = 8 };

struct setup {
    struct params p;
    struct pixel_text_head head;
    struct features f;
    struct mask_targets t;
    tensor *text;
};

static void open(struct setup *s) {
    static const int64_t channels[] = {4, 6, 5};
    uint16_t maps[B * 16 * 16];
    for (int i = 0; i < B * 256; i++) maps[i] = (uint16_t)(i % 7 == 0 ? 9 : i * 5 / 17 % K);
    *s = (struct setup){.f = {.n = 3}};
    pixel_text_head_init(&s->head, params_root(&s->p), 3, channels, D, 10);
    s->f.map[0] = t_randn(SHAPE(B, 4, 16, 16), 1);
    s->f.map[1] = t_randn(SHAPE(B, 6, 8, 8), 1);
    s->f.map[2] = t_randn(SHAPE(B, 5, 4, 4), 1);
    s->text = normalize_rows(t_randn(SHAPE(K, D), 1), 0);
    CHECK_OK(mask_targets_init(&s->t, maps, B, 16, 16, 16, 9));
}

static void close(struct setup *s) {
    mask_targets_free(&s->t);
    params_free(&s->p);
}

/* The same by the book: scores enlarged to the label map, cross entropy of every labelled pixel. */
static double by_the_book(struct setup *s) {
    double sum = 0;
    tensor *target = t_cast(t_from_data(s->t.map, SHAPE(B * 256), T_I32), T_I64);
    for (int i = 0; i < 2; i++) {
        tensor *x = conv_norm(&s->head.proj[i], s->f.map[1 + i]);       /* [B, D, h, w] */
        x = t_permute(t_resize_nearest(x, 16, 16), SHAPE(0, 2, 3, 1));  /* [B, 16, 16, D] */
        x = t_scale(t_linear(normalize_rows(x, 0), s->text, NULL), 10); /* [B, 16, 16, K] */
        x = t_reshape(x, SHAPE(B * 256, K));
        sum += t_item(t_cross_entropy(x, target, NULL, T_MEAN, -1)) / 2;
    }
    return sum;
}

TEST(the_loss_is_the_mean_cross_entropy_of_all_labelled_pixels) {
    struct setup s;
    open(&s);
    CHECK_NEAR(t_item(pixel_text_loss(&s.head, &s.f, s.text, &s.t, pixel_text_labelled(&s.t))),
               by_the_book(&s), 1e-5);
    close(&s);
}

TEST(a_part_of_a_batch_is_divided_by_the_mean_over_its_parts) {
    struct setup s;
    open(&s);
    double own = pixel_text_labelled(&s.t), mean = (own + 2 * own) / 2;
    double alone = t_item(pixel_text_loss(&s.head, &s.f, s.text, &s.t, own));
    CHECK_NEAR(t_item(pixel_text_loss(&s.head, &s.f, s.text, &s.t, mean)), alone / 1.5, 1e-6);
    close(&s);
}

TEST(a_dark_pixel_gives_no_nan_and_gradients_reach_the_maps) {
    struct setup s;
    open(&s);
    s.f.map[2] = t_zeros(SHAPE(B, 5, 4, 4), T_F32);
    t_require_grad(s.f.map[1], true);
    t_require_grad(s.f.map[2], true);
    t_backward(pixel_text_loss(&s.head, &s.f, s.text, &s.t, pixel_text_labelled(&s.t)));
    CHECK_OK(error_status());
    CHECK(t_item(t_sum(t_abs(t_grad(s.f.map[1])))) > 0);
    CHECK_NEAR(t_item(t_isfinite_all(t_grad(s.f.map[2]))), 1, 0);
    close(&s);
}

TEST(a_label_without_a_name_is_refused) {
    struct setup s;
    open(&s);
    CHECK(!pixel_text_loss(&s.head, &s.f, t_narrow(s.text, 0, 0, 2), &s.t,
                           pixel_text_labelled(&s.t)));
    CHECK_TENSOR_ERROR("label 2 of image 0");
    close(&s);
}
