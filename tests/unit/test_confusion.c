#include "eval/confusion.h"

#include "tests/test.h"

/* Golden V13: label 3 is "ignore". */
TEST(counts_equal_the_reference) {
    static const uint16_t pred[] = {0, 0, 1, 1, 2, 2, 1, 0}, gt[] = {0, 1, 1, 3, 3, 2, 0, 3};
    struct confusion c;
    confusion_open(&c, 3);
    confusion_add(&c, pred, gt, 8, 3);
    static const int64_t tp[] = {1, 1, 1}, truth[] = {2, 2, 1}, predicted[] = {2, 2, 1};
    for (int k = 0; k < 3; k++) {
        CHECK_INT(confusion_right(&c, k), tp[k]);
        CHECK_INT(confusion_truth(&c, k), truth[k]);
        CHECK_INT(confusion_predicted(&c, k), predicted[k]);
    }
    struct segmentation_metrics m = confusion_metrics(&c, NULL);
    CHECK_NEAR(m.miou, 100 * (1 / 3.0 + 1 / 3.0 + 1) / 3, 1e-12);
    CHECK_NEAR(m.pacc, 60, 1e-12);
    CHECK_NEAR(m.macc, 100 * (0.5 + 0.5 + 1) / 3, 1e-12);
    CHECK_NEAR(m.fwiou, (100 / 3.0 * 2 + 100 / 3.0 * 2 + 100) / 5, 1e-12);
    bool only_two[] = {false, false, true};
    CHECK_NEAR(confusion_metrics(&c, only_two).miou, 100, 1e-12);
    confusion_free(&c);
}

/* Q21: such a class counts as 0 in the reference's mean; the other denominators leave it out or
 * not. */
TEST(a_class_predicted_but_absent_counts_as_zero) {
    static const uint16_t pred[] = {0, 0, 1}, gt[] = {0, 0, 0};
    struct confusion c;
    confusion_open(&c, 4);
    confusion_add(&c, pred, gt, 3, 255);
    struct segmentation_metrics m = confusion_metrics(&c, NULL);
    CHECK_NEAR(m.miou, 200 / 3.0 / 2, 1e-12);
    CHECK_NEAR(m.miou_truth, 200 / 3.0, 1e-12);
    CHECK_NEAR(m.miou_all, 200 / 3.0 / 4, 1e-12);
    CHECK(isnan(confusion_iou(&c, 1)));
    confusion_free(&c);
}

TEST(values_that_are_no_class_are_ignored) {
    static const uint16_t pred[] = {0, 1, 1}, gt[] = {60000, 255, 1};
    struct confusion c;
    confusion_open(&c, 2);
    confusion_add(&c, pred, gt, 3, 255);
    CHECK_INT(confusion_truth(&c, 0) + confusion_truth(&c, 1), 1);
    CHECK_INT(confusion_predicted(&c, 0), 0);
    confusion_free(&c);
}

/* A map of pieces and of single pixels. */
static void draw(uint16_t *at, int64_t n, uint64_t seed, uint16_t values) {
    for (int64_t i = 0, run = 0; i < n; i++, run--) {
        if (run <= 0) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            run = (int64_t)(seed >> 60);
            at[i] = (uint16_t)(seed >> 33) % values;
        } else {
            at[i] = at[i - 1];
        }
    }
}

TEST(runs_counted_are_the_pixels_counted_one_by_one) {
    enum { N = 200001, K = 847 };
    uint16_t *predicted = mem_alloc(N, sizeof *predicted), *truth = mem_alloc(N, sizeof *truth);
    struct confusion plain, c;
    draw(predicted, N, 1, K + 3);
    draw(truth, N, 2, K + 3);
    for (int64_t i = 0; i < N; i += 1000) truth[i] = 65535;
    confusion_open(&plain, K);
    for (int64_t i = 0; i < N; i++)
        confusion_put(&plain, predicted[i] < K ? predicted[i] : K,
                      truth[i] < K && truth[i] != 65535 ? truth[i] : K, 1);
    confusion_open(&c, K);
    confusion_add(&c, predicted, truth, N, 65535);
    CHECK(memcmp(c.at, plain.at, (size_t)((K + 1) * (K + 1)) * sizeof *c.at) == 0);
    confusion_free(&c);
    confusion_free(&plain);
    free(predicted);
    free(truth);
}

TEST(eight_bit_maps_ignore_255_and_sixteen_bit_maps_65535) {
    static const uint16_t pred[] = {0, 255, 255, 1}, gt[] = {255, 255, 65535, 1};
    struct confusion small, large;
    confusion_open(&small, 2);
    confusion_add(&small, pred, gt, 4, 255);
    CHECK_INT(confusion_truth(&small, 0) + confusion_truth(&small, 1), 1);
    confusion_open(&large, 300);
    confusion_add(&large, pred, gt, 4, 65535);
    CHECK_INT(confusion_truth(&large, 255), 2); /* a class like others */
    CHECK_INT(confusion_right(&large, 255), 1);
    CHECK_INT(confusion_predicted(&large, 0), 1);
    confusion_free(&small);
    confusion_free(&large);
}

TEST(without_any_labelled_pixel_nothing_is_defined) {
    static const uint16_t pred[] = {0, 1}, gt[] = {255, 255};
    struct confusion c;
    struct confused pair[3];
    confusion_open(&c, 2);
    confusion_add(&c, pred, gt, 2, 255);
    struct segmentation_metrics m = confusion_metrics(&c, NULL);
    CHECK(isnan(m.miou) && isnan(m.miou_truth) && isnan(m.fwiou) && isnan(m.macc) && isnan(m.pacc));
    CHECK_NEAR(m.miou_all, 0, 0);
    CHECK_INT(confusion_pairs(&c, pair, 3), 0);
    CHECK(isnan(harmonic_mean(m.miou, 1)));
    confusion_free(&c);
}
