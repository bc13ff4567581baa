#include "eval/ensemble.h"

#include "tests/torch.h"

/* The inputs of golden V7 by the formula of reference-spec Annex B. */
static double u(uint32_t i, uint32_t k) {
    uint32_t h = i * 2654435761u + k * 40503u;
    h ^= h >> 16;
    h *= 0x45d9f3bu;
    h ^= h >> 16;
    return h / 2147483648.0 - 1;
}

static tensor *input(struct shape s, uint32_t id, double factor) {
    float at[64];
    int64_t n = 1;
    for (int i = 0; i < s.n; i++) n *= s.d[i];
    for (int64_t i = 0; i < n; i++) at[i] = (float)u((uint32_t)i, 1000 + id);
    return t_scale(t_from_data(at, s, T_F32), factor);
}

static const double tolerance = 1e-5; /* seven printed digits, exponentials of float32 logits */

static void check_row(tensor *x, const double *golden, int64_t n) {
    for (int64_t i = 0; i < n; i++) CHECK_NEAR(t_item(t_select(x, 0, i)) / golden[i], 1, tolerance);
}

TEST(the_ensemble_equals_the_reference) {
    tensor *prob = t_narrow(t_softmax(input(SHAPE(4, 6), 30, 3), 1), 1, 0, 5);  /* [4, 5] */
    tensor *mask = t_sigmoid(input(SHAPE(4, 2, 3), 31, 4));                     /* [4, 2, 3] */
    tensor *clip = t_softmax(t_narrow(input(SHAPE(3, 6), 32, 20), 1, 0, 5), 1); /* [3, 5] */
    static const int64_t valid[] = {0, -1, 1, 2};
    tensor *rows = t_from_data(valid, SHAPE(4), T_I64);

    tensor *fused = ensemble_fuse(prob, clip, rows, 0.7, INVALID_ONE);
    check_row(t_select(fused, 0, 0),
              (double[]){1.191054e-08, 0.001541634, 3.612568e-05, 0.2004793, 1.19192e-07}, 5);
    check_row(t_select(fused, 0, 1),
              (double[]){0.7028297, 0.7518358, 0.2472254, 0.6648446, 0.2727681}, 5);

    tensor *scores = ensemble_scores((struct named){fused, mask}, 0, 5, 2, 3); /* [5, 2, 3] */
    CHECK_NEAR(t_item(t_sum(scores)), 10.5956, 1e-4);
    CHECK_NEAR(t_item(t_sum(t_mul(scores, scores))), 5.845284, 1e-4);
    tensor *flat = t_reshape(scores, SHAPE(30));
    check_row(flat, (double[]){0.04425524, 0.664471, 0.05555096, 0.0369825, 0.5202909}, 5);
    check_row(t_narrow(flat, 0, 27, 3), (double[]){0.670686, 0.3949558, 0.7783826}, 3);
}

TEST(lambda_zero_uses_valid_proposals_and_clip_alone) {
    tensor *prob = t_full(SHAPE(2, 3), 0.2, T_F32), *clip = t_full(SHAPE(1, 3), 0.25, T_F32);
    static const int64_t valid[] = {-1, 0};
    tensor *fused = ensemble_fuse(prob, clip, t_from_data(valid, SHAPE(2), T_I64), 0, INVALID_ONE);
    CHECK_NEAR(t_item(t_sum(t_select(fused, 0, 0))), 0, 0);
    CHECK_NEAR(t_item(t_sum(t_select(fused, 0, 1))), 0.75, 0);
}

TEST(without_a_valid_proposal_the_factors_are_one) {
    static const int64_t valid[] = {-1, -1};
    tensor *rows = t_from_data(valid, SHAPE(2), T_I64), *prob = t_full(SHAPE(2, 3), 0.25, T_F32);
    CHECK_NEAR(t_item(t_sum(ensemble_fuse(prob, NULL, rows, 0.5, INVALID_ONE))), 6 * 0.5, 1e-6);
}

TEST(label_maps_are_resized_before_the_argmax) {
    static const float at[] = {1, 0, 1, 0, 0, 1, 0, 1}, each[] = {1, 0, 0, 1};
    struct named n = {t_from_data(each, SHAPE(2, 2), T_F32),
                      t_from_data(at, SHAPE(2, 2, 2), T_F32)};
    int64_t out[8];
    CHECK_OK(t_copy_out(ensemble_labels(n, 2, 4), out, sizeof out));
    CHECK_INT(out[0], 0);
    CHECK_INT(out[3], 1);
}

TEST(what_clip_was_not_asked_about_can_keep_its_probability_or_be_dropped) {
    static const int64_t valid[] = {-1, 0};
    tensor *rows = t_from_data(valid, SHAPE(2), T_I64), *prob = t_full(SHAPE(2, 3), 0.25, T_F32);
    tensor *clip = t_full(SHAPE(1, 3), 0.25, T_F32);
    static const double first[] = {0.5, 0.25, 0}; /* one, keep, drop */
    for (int i = INVALID_ONE; i <= INVALID_DROP; i++) {
        tensor *x = ensemble_fuse(prob, clip, rows, 0.5, (enum ensemble_invalid)i);
        CHECK_NEAR(t_item(t_select(t_select(x, 0, 0), 0, 0)), first[i], 1e-7);
        CHECK_NEAR(t_item(t_select(t_select(x, 0, 1), 0, 0)), 0.25, 1e-7);
    }
}

/* Three proposals in a row of four pixels, two names. */
static struct named three(const float name[6]) {
    static const float mask[] = {0.9F, 0.9F, 0.1F, 0.1F, 0.1F, 0.1F,
                                 0.9F, 0.1F, 0.4F, 0.4F, 0.4F, 0.4F};
    return (struct named){t_from_data(name, SHAPE(3, 2), T_F32),
                          t_from_data(mask, SHAPE(3, 1, 4), T_F32)};
}

TEST(the_demonstration_keeps_all_names_of_the_chosen_proposals) {
    /* The third one, below the threshold everywhere, is best for both and still not chosen. */
    struct named n =
        ensemble_demo(three((float[]){0.6F, 0.3F, 0.2F, 0.7F, 0.9F, 0.9F}), 0.5, false);
    tensor *scores = t_reshape(ensemble_scores(n, 0, 2, 1, 4), SHAPE(8));
    static const double want[] = {0.6, 0.6, 0.2, 0, 0.3, 0.3, 0.7, 0};
    for (int i = 0; i < 8; i++) CHECK_NEAR(t_item(t_select(scores, 0, i)), want[i], 1e-7);
}

TEST(nothing_is_chosen_for_the_others) {
    struct named n = ensemble_demo(three((float[]){0.6F, 0.3F, 0.2F, 0.7F, 0.9F, 0.9F}), 0.5, true);
    CHECK_NEAR(t_item(t_sum(t_select(n.name, 0, 0))), 0.9, 1e-6);
    CHECK_NEAR(t_item(t_sum(t_select(n.name, 0, 1))), 0, 0);
    /* What is best for the name itself stays, though it is best for the others, too. */
    n = ensemble_demo(three((float[]){0.6F, 0.9F, 0.2F, 0.7F, 0.9F, 0.9F}), 0.5, true);
    CHECK_NEAR(t_item(t_sum(t_select(n.name, 0, 0))), 1.5, 1e-6);
}
