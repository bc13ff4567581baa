#include "data/pairs_diff.h"

#include "tests/unit/pairs_made.h"

static const struct made left[] = {
    {0, 0, "cat", 0.30F, 1}, {0, 0, "sky", 0.10F, 2}, {0, 1, "cat", 0.40F, 3},
    {1, 2, "dog", 0.25F, 1}, {2, 4, "cat", 0.35F, 2},
};
/* The discs 2 and 19 differ in place alone: packed, they are equally long. */
static const struct made right[] = {
    {0, 0, "cat", 0.30F, 1},   {0, 0, "sky", 0.10F, 19}, {0, 1, "cat", 0.41F, 3},
    {1, 2, "puppy", 0.25F, 1}, {2, 4, "cat", 0.35F, 2},  {2, 4, "sky", 0.35F, 2},
};

static void open_both(struct pairs *a, struct pairs *b) {
    char *pa = make_pairs("a", left, sizeof left / sizeof *left);
    char *pb = make_pairs("b", right, sizeof right / sizeof *right);
    CHECK_OK(pairs_open(a, pa));
    CHECK_OK(pairs_open(b, pb));
    free(pa);
    free(pb);
}

TEST(pairs_are_compared_by_picture_caption_and_noun) {
    struct pairs a, b;
    struct pairs_diff d;
    open_both(&a, &b);
    CHECK_OK(pairs_diff_of(&d, &a, &b, 0));
    static const int64_t count[PAIR_CHANGES] = {1, 2, 1, 1, 2};
    for (int k = 0; k < PAIR_CHANGES; k++) CHECK_INT(d.count[k], count[k]);
    static const struct pair_difference want[] = {{.change = PAIR_MASK, .a = 1, .b = 1},
                                                  {.change = PAIR_SCORE, .a = 2, .b = 2},
                                                  {.change = PAIR_ONLY_A, .a = 3, .b = -1},
                                                  {.change = PAIR_ONLY_B, .a = -1, .b = 3},
                                                  {.change = PAIR_ONLY_B, .a = -1, .b = 5}};
    CHECK_INT(d.n, 5);
    for (size_t i = 0; i < d.n; i++) {
        CHECK_INT(d.at[i].change, want[i].change);
        CHECK_INT(d.at[i].a, want[i].a);
        CHECK_INT(d.at[i].b, want[i].b);
    }
    CHECK_NEAR(d.score_max, 0.01, 1e-6);
    pairs_diff_free(&d);
    CHECK_OK(pairs_diff_of(&d, &a, &b, 0.02));
    CHECK_INT(d.count[PAIR_SCORE], 0);
    CHECK_INT(d.count[PAIR_SAME], 3);
    pairs_diff_free(&d);
    CHECK_OK(pairs_diff_of(&d, &a, &a, 0));
    CHECK_INT(d.n, 0);
    CHECK_INT(d.count[PAIR_SAME], 5);
    pairs_diff_free(&d);
    pairs_close(&a);
    pairs_close(&b);
}

TEST(the_overlap_of_two_masks_is_counted_in_pixels) {
    struct pairs a, b;
    struct pairs_diff d;
    struct mask x, y;
    int64_t both = 0, any = 0;
    open_both(&a, &b);
    CHECK_OK(pairs_diff_of(&d, &a, &b, 0));
    made_disc(0, 2, &x);
    made_disc(0, 19, &y);
    for (int64_t i = 0; i < x.h * x.w; i++) {
        both += x.at[i] && y.at[i];
        any += x.at[i] || y.at[i];
    }
    CHECK(both > 0 && both < any);
    CHECK_NEAR(d.at[0].iou, (double)both / (double)any, 1e-12);
    mask_free(&x);
    mask_free(&y);
    pairs_diff_free(&d);
    pairs_close(&a);
    pairs_close(&b);
}

TEST(nouns_are_listed_by_how_much_their_counts_differ) {
    struct pairs a, b;
    int64_t n;
    open_both(&a, &b);
    struct noun_change *c = pairs_noun_changes(&a, &b, &n);
    CHECK_INT(n, 3);
    CHECK_TEXT(c[0].noun, "dog");
    CHECK_INT(c[0].a, 1);
    CHECK_INT(c[0].b, 0);
    CHECK_TEXT(c[1].noun, "puppy");
    CHECK_TEXT(c[2].noun, "sky");
    CHECK_INT(c[2].b, 2);
    free(c);
    pairs_close(&a);
    pairs_close(&b);
}
