#include "eval/oracle.h"

#include "eval/naming.h"
#include "tests/torch.h"

/* One row of six pixels: two proposals, of which the second has no region. */
static uint16_t map[] = {0, 0, 1, 1, 255, 2};
static uint8_t first[] = {1, 1, 1, 0, 0, 0}, second[] = {0, 0, 0, 1, 1, 0}, blank[6];

TEST(the_best_name_of_a_region_is_what_most_of_it_is) {
    struct labels truth = {1, 6, map};
    float soft[3 * 6] = {0};
    struct proposals p = {.Q = 3, .K = 3, .h = 1, .w = 6, .mask = soft};
    int64_t query[] = {0, 2};
    struct mask masks[] = {{1, 6, first}, {1, 6, second}};
    struct regions g = {.n = 2, .query = query, .mask = masks};
    struct named n = best_names(&p, &g, &truth);
    float name[9];
    CHECK_OK(t_copy_out(n.name, name, sizeof name));
    static const float expected[] = {1, 0, 0, 0, 0, 0, 0, 1, 0};
    for (int i = 0; i < 9; i++) CHECK_NEAR(name[i], expected[i], 0);
    masks[1].at = blank; /* on unlabelled ground, or nowhere: no name */
    n = best_names(&p, &g, &truth);
    CHECK_NEAR(t_item(t_sum(n.name)), 1, 0);
}

TEST(true_masks_are_regions_of_their_classes) {
    struct labels truth = {1, 6, map};
    struct regions r;
    true_regions(&r, &truth, 3, 1);
    CHECK_INT(r.n, 3);
    CHECK_INT(r.query[2], 2);
    CHECK_INT(r.area[0], 2);
    CHECK_INT(r.area[2], 1);
    regions_free(&r);
    true_regions(&r, &truth, 3, 2); /* the last has one pixel */
    CHECK_INT(r.n, 2);
    regions_free(&r);
}

TEST(names_of_true_masks_are_counted_by_pixels_and_one_by_one) {
    struct labels truth = {1, 6, map};
    float feature[] = {1, 0, 0, 1, 1, 0}, text[] = {1, 0, 0, 1, -1, 0}; /* the third: called 0 */
    struct namer m = {.text = t_from_data(text, SHAPE(3, 2), T_F32)};
    struct regions r;
    struct confusion c;
    int64_t right[3] = {0}, total[3] = {0};
    struct mask_accuracy a = {3, right, total};
    confusion_open(&c, 3);
    true_regions(&r, &truth, 3, 1);
    r.feature = feature;
    r.D = 2;
    CHECK_OK(true_regions_name(&r, &m, 2, &c, &a));
    CHECK_INT(confusion_right(&c, 0), 2);
    CHECK_INT(confusion_right(&c, 1), 2);
    CHECK_INT(c.at[0 * 4 + 2], 1);                /* called 0, is 2 */
    CHECK_INT(total[0] + total[1] + total[2], 2); /* without the one of one pixel */
    CHECK_INT(right[0] + right[1], 2);
    r.feature = NULL;
    regions_free(&r);
    confusion_free(&c);
}

TEST(masks_are_found_and_rightly_named_misnamed_or_not_found) {
    /* class 0: 2 of 3 pixels; class 1: 1 of 3 and of 4; class 2: by none */
    struct labels truth = {1, 6, map};
    int64_t query[] = {1, 2};
    struct mask masks[] = {{1, 6, first}, {1, 6, second}};
    struct regions g = {.n = 2, .query = query, .mask = masks};
    struct region_match match[3];
    struct naming n;
    float names[2][9] = {{0, 0, 1, 1, 0, 0, 0, 0, 1}, {0, 0, 1, 0, 1, 0, 0, 0, 1}};
    region_matches(&g, &truth, 3, match, NULL);
    CHECK_NEAR(match[0].iou, 2 / 3.0, 1e-12);
    CHECK_INT(match[2].region, -1);
    naming_open(&n, 3);
    for (int i = 0; i < 2; i++) /* query 1 is called 0, then 1 */
        CHECK_OK(naming_add(&n, match, &g,
                            (struct named){.name = t_from_data(names[i], SHAPE(3, 3), T_F32)}));
    CHECK_INT(n.right[0], 1);
    CHECK_INT(n.misnamed[0], 1);
    CHECK_INT(n.missed[1] + n.missed[2], 4);
    struct naming_shares s = naming_shares(&n, NULL);
    CHECK_NEAR(s.right, 100 / 6.0, 1e-12);
    CHECK_NEAR(s.right + s.misnamed + s.missed, 100, 1e-12);
    bool only[] = {true, false, false};
    CHECK_NEAR(naming_shares(&n, only).misnamed, 50, 1e-12);
    bool none[] = {false, false, false};
    CHECK(isnan(naming_shares(&n, none).right));
    naming_free(&n);
}
