/* Matching and losses against the reference's criterion (reference-spec Annex B, V5 and V16). */
#include "nn/losses/mask_loss.h"
#include "tests/formula.h"
#include "tests/golden_file.h"
#include "tests/torch.h"

/* V5: K 7, B 2, Q 6, masks 8 x 12, targets 32 x 48; layer 0 is the auxiliary one. */
struct v5 {
    tensor *logits; /* [2, 2, 6, 8] */
    tensor *masks;  /* [2, 2, 6, 8, 12] */
    struct mask_targets targets;
};

static void paint(uint16_t *map, uint16_t label, int y0, int y1, int x0, int x1) {
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) map[y * 48 + x] = label;
}

static struct v5 v5_make(void) {
    struct v5 v;
    tensor *logits[2] = {vector_input(SHAPE(2, 6, 8), 22, -2, 2),
                         vector_input(SHAPE(2, 6, 8), 20, -3, 3)};
    tensor *masks[2] = {vector_input(SHAPE(2, 6, 8, 12), 23, -3, 3),
                        vector_input(SHAPE(2, 6, 8, 12), 21, -4, 4)};
    v.logits = t_stack(logits, 2, 1);
    v.masks = t_stack(masks, 2, 1);
    uint16_t maps[2 * 32 * 48], *second = maps + 32 * 48;
    for (int i = 0; i < 2 * 32 * 48; i++) maps[i] = 255;
    paint(maps, 0, 0, 15, 0, 19);
    paint(maps, 3, 16, 31, 0, 19);
    paint(maps, 5, 0, 29, 20, 47);
    paint(second, 2, 5, 26, 9, 39);
    CHECK_OK(mask_targets_init(&v.targets, maps, 2, 32, 48, 1, 255));
    return v;
}

TEST(v5_targets_are_the_sorted_labels_of_each_image) {
    struct v5 v = v5_make();
    static const int64_t label[] = {0, 3, 5, 2}, first[] = {0, 3, 4};
    CHECK_INT(v.targets.n, 4);
    CHECK_INT(v.targets.most, 3);
    for (int i = 0; i < 4; i++) CHECK_INT(v.targets.label[i], label[i]);
    for (int i = 0; i < 3; i++) CHECK_INT(v.targets.first[i], first[i]);
    mask_targets_free(&v.targets);
}

TEST(v5_the_cost_matrix_is_the_references) {
    struct v5 v = v5_make();
    static const double want[6][3] = {
        {14.18574, 12.71773, 7.645718}, {9.120669, 9.202688, 8.019572},
        {11.00394, 10.60772, 6.640801}, {13.28908, 12.96272, 7.953297},
        {10.267, 10.61033, 9.222261},   {10.52087, 11.32678, 10.46673}};
    struct mask_loss_options o = mask_loss_standard();
    tensor *cost = match_cost(&o.match, v.logits, v.masks, &v.targets); /* [2, 12, 3] */
    tensor *image = t_narrow(t_select(cost, 0, 0), 0, 6, 6);            /* last layer of image 0 */
    for (int q = 0; q < 6; q++)
        for (int n = 0; n < 3; n++) /* seven printed digits */
            CHECK_NEAR(t_item(t_select(t_select(image, 0, q), 0, n)), want[q][n],
                       1e-5 * want[q][n]);
    mask_targets_free(&v.targets);
}

TEST(v5_the_assignment_is_the_references) {
    struct v5 v = v5_make();
    struct mask_loss_options o = mask_loss_standard();
    struct matches m;
    CHECK_OK(match_targets(&m, &o.match, v.logits, v.masks, &v.targets));
    static const int64_t query[] = {1, 2, 4, 0}, target[] = {1, 2, 0, 3};
    CHECK_INT(m.n, 4);
    for (int i = 0; i < 4; i++) { /* of the last layer */
        CHECK_INT(m.query[m.n + i], query[i]);
        CHECK_INT(m.target[m.n + i], target[i]);
    }
    matches_free(&m);
    mask_targets_free(&v.targets);
}

static void check_losses(bool plain) {
    struct v5 v = v5_make();
    struct mask_loss_options o = mask_loss_standard();
    o.plain = plain;
    struct mask_losses loss = mask_loss(&o, v.logits, v.masks, &v.targets, NULL);
    static const char *const name[MASK_TERMS][2] = {
        {"loss_ce_0", "loss_ce"}, {"loss_mask_0", "loss_mask"}, {"loss_dice_0", "loss_dice"}};
    static const double want[MASK_TERMS][2] = {
        {2.771593, 1.850263}, {0.175308, 0.2713952}, {0.5667881, 0.5821581}};
    static const double weight[MASK_TERMS] = {1, 20, 1};
    double total = 0;
    for (int i = 0; i < MASK_TERMS; i++)
        for (int l = 0; l < 2; l++) {
            char text[32];
            mask_loss_name(text, (enum mask_term)i, l, 2);
            CHECK_TEXT(text, name[i][l]);
            double got = t_item(t_select(t_select(loss.terms, 0, i), 0, l)) / weight[i];
            CHECK_NEAR(got, want[i][l], 2e-6 * want[i][l]); /* float32 sums in another order */
            total += want[i][l] * weight[i];
        }
    CHECK_NEAR(t_item(loss.total), total, 2e-6 * total);
    mask_targets_free(&v.targets);
}

TEST(v5_the_losses_are_the_references) { check_losses(false); }

TEST(v5_the_plain_losses_are_the_references) { check_losses(true); }

static void check_gradients(bool plain) {
    struct v5 v = v5_make();
    struct mask_loss_options o = mask_loss_standard();
    o.plain = plain;
    tensor *logits = t_contiguous(t_narrow(v.logits, 1, 1, 1));
    tensor *masks = t_contiguous(t_narrow(v.masks, 1, 1, 1));
    t_require_grad(logits, true);
    t_require_grad(masks, true);
    t_backward(mask_loss(&o, logits, masks, &v.targets, NULL).total);
    CHECK_OK(error_status());
    CHECK(vector_equal(t_select(t_grad(logits), 1, 0), "V5_grad_logits", 1e-5));
    CHECK(vector_equal(t_select(t_grad(masks), 1, 0), "V5_grad_masks", 1e-5));
    mask_targets_free(&v.targets);
}

TEST(v5_the_gradients_of_the_last_layer_are_the_references) { check_gradients(false); }

TEST(v5_the_plain_gradients_of_the_last_layer_are_the_references) { check_gradients(true); }

TEST(v16_focal_and_dice_are_the_references) {
    static const float x[] = {2, -1, 0.5F, -3}, y[] = {1, 0, 1, 1};
    tensor *both =
        focal_and_dice(t_from_data(x, SHAPE(1, 4), T_F32), t_from_data(y, SHAPE(1, 4), T_F32));
    CHECK_NEAR(t_item(t_select(both, 0, 0)), 0.181477, 1e-6);
    CHECK_NEAR(t_item(t_select(both, 0, 1)), 0.2952527, 1e-6);
}
