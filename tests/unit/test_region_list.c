#include "data/region_list.h"

#include "base/rng.h"
#include "data/resize.h"
#include "data/rle.h"
#include "tests/test.h"

enum { H = 13, W = 17 };

static void draw(struct mask *m, struct rng *r) {
    CHECK_OK(mask_alloc(m, H, W));
    for (int64_t i = 0; i < (int64_t)H * W; i++) m->at[i] = rng_chance(r, 0.4);
}

TEST(masks_come_back_with_area_and_box_and_equal_ones_are_kept_once) {
    struct rng r = rng_stream(1, "test.regions", 0);
    struct mask m[4], empty, back;
    struct region_list l = {0};
    for (int i = 0; i < 4; i++) draw(&m[i], &r);
    CHECK_OK(mask_alloc(&empty, H, W));
    static const int order[] = {0, 1, 0, 2, 1, 3, 0};
    static const size_t same[] = {0, 1, 0, 3, 1, 5, 0};
    for (int i = 0; i < 7; i++) {
        CHECK_OK(region_list_add(&l, 10 + i, &m[order[i]]));
        if (i == 2) CHECK_OK(region_list_add(&l, 99, &empty)); /* passed over */
    }
    CHECK_INT(l.n, 7);
    for (size_t i = 0; i < l.n; i++) {
        const struct mask *want = &m[order[i]];
        struct box box;
        mask_box(want, &box);
        CHECK_INT(l.at[i].id, 10 + (int64_t)i);
        CHECK_INT(l.at[i].same, same[i]);
        CHECK_INT(l.at[i].area, mask_area(want));
        CHECK(!memcmp(&l.at[i].box, &box, sizeof box));
        CHECK_OK(region_list_mask(&l, i, &back));
        CHECK(!memcmp(back.at, want->at, (size_t)H * W));
        mask_free(&back);
    }
    CHECK_INT(l.bytes.n, l.at[0].n + l.at[1].n + l.at[3].n + l.at[5].n);
    for (int i = 0; i < 4; i++) mask_free(&m[i]);
    mask_free(&empty);
    region_list_free(&l);
}

TEST(a_row_is_given_to_each_mask_that_is_large_enough_and_shared_by_equal_ones) {
    struct region_list l = {0};
    struct mask small, large;
    CHECK_OK(mask_alloc(&small, H, W));
    CHECK_OK(mask_alloc(&large, H, W));
    small.at[5] = 1;
    for (int i = 0; i < 20; i++) large.at[i] = 1;
    const struct mask *const all[] = {&large, &small, &large, &small};
    for (int i = 0; i < 4; i++) CHECK_OK(region_list_add(&l, i, all[i]));
    int64_t row[4];
    CHECK_INT(region_list_rows(&l, 1, 7, row), 9);
    CHECK(row[0] == 7 && row[1] == 8 && row[2] == 7 && row[3] == 8);
    CHECK_INT(region_list_rows(&l, 2, 0, row), 1);
    CHECK(row[0] == 0 && row[1] == -1 && row[2] == 0 && row[3] == -1);
    region_list_free(&l);
    mask_free(&small);
    mask_free(&large);
}

TEST(masks_of_several_sizes_do_not_mix_and_all_can_be_resized) {
    struct rng r = rng_stream(2, "test.regions", 0);
    struct region_list l = {0};
    struct mask m, other, want, back;
    draw(&m, &r);
    CHECK_OK(mask_alloc(&other, H + 1, W));
    other.at[0] = 1;
    CHECK_OK(region_list_add(&l, 1, &m));
    CHECK_ERROR(region_list_add(&l, 2, &other), ERR_DATA, "17 x 14 among masks of 17 x 13");
    CHECK_OK(region_list_resize(&l, 26, 30));
    CHECK_INT(l.h, 26);
    CHECK_OK(mask_resize(&m, 26, 30, &want));
    CHECK_OK(region_list_mask(&l, 0, &back));
    CHECK(!memcmp(back.at, want.at, 26 * 30));
    for (int64_t y = 0; y < 26; y++) /* torch's nearest: floor(y * in / out) */
        for (int64_t x = 0; x < 30; x++)
            CHECK_INT(want.at[y * 30 + x], m.at[(y * H / 26) * W + x * W / 30]);
    mask_free(&m);
    mask_free(&other);
    mask_free(&want);
    mask_free(&back);
    region_list_free(&l);
}

TEST(damaged_packed_masks_are_refused) {
    struct region_list l = {0};
    CHECK_ERROR(region_list_add_packed(&l, 0, "\x05", 1, 2, 2), ERR_DATA, "5 pixels where 4");
    CHECK_ERROR(region_list_add_packed(&l, 0, "\x01\x02", 2, 2, 2), ERR_DATA, "end early");
    CHECK_INT(l.n, 0);
    region_list_free(&l);
}
