#include "eval/regions.h"

#include "tests/test.h"

TEST(the_best_region_of_each_class_counts) {
    uint16_t map[] = {0, 0, 1, 1, 255, 2}; /* one row */
    uint8_t first[] = {1, 0, 1, 1, 0, 0}, second[] = {1, 1, 0, 0, 1, 0};
    struct labels truth = {1, 6, map};
    struct mask masks[] = {{1, 6, first}, {1, 6, second}};
    struct regions g = {.n = 2, .mask = masks};
    struct region_recall r;
    region_recall_open(&r, 4);
    region_recall_add(&r, &g, &truth);
    CHECK_NEAR(r.sum[0], 2 / 3.0, 1e-12); /* of the second: 2 of 3 pixels */
    CHECK_NEAR(r.sum[1], 2 / 3.0, 1e-12); /* of the first */
    CHECK_NEAR(r.sum[2], 0, 0);           /* found by none, but there */
    CHECK_INT(r.n[3], 0);
    CHECK_NEAR(region_recall_mean(&r, NULL), 100 * (4 / 3.0) / 3, 1e-9);
    bool only[] = {false, false, false, true};
    CHECK(isnan(region_recall_mean(&r, only)));
    region_recall_free(&r);
}

TEST(the_best_class_of_each_region_is_told_and_none_where_it_meets_none) {
    uint16_t map[] = {0, 0, 1, 1, 255, 2}; /* one row */
    uint8_t first[] = {1, 0, 1, 1, 0, 0}, second[] = {0, 0, 0, 0, 1, 0};
    struct labels truth = {1, 6, map};
    struct mask masks[] = {{1, 6, first}, {1, 6, second}};
    struct regions g = {.n = 2, .mask = masks};
    struct region_match match[4];
    struct region_truth best[2];
    region_matches(&g, &truth, 4, match, best);
    CHECK_INT(best[0].class, 1);
    CHECK_NEAR(best[0].iou, 2 / 3.0, 1e-12);
    CHECK_INT(best[1].class, 4);
    CHECK(best[1].iou == 0);
}
