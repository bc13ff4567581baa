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
