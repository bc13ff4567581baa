/* Panoptic segments of proposals made by hand: one row of pixels. */
#include "eval/panoptic.h"

#include "tests/torch.h"

enum { K = 3, W = 8 };
static const bool thing[K] = {true, false, true};

/* "#": sure, "+": a little more than one half, "-": a little less, ".": surely not. */
static float logit_of(char c) {
    return c == '#' ? 6.0F : c == '+' ? 0.5F : c == '-' ? -0.5F : -6.0F;
}

struct proposal {
    int64_t name; /* K: no object */
    double score; /* its softmax; the rest is shared by the others */
    const char *mask;
};

static struct panoptic of(const struct proposal *p, int64_t Q, double object_threshold,
                          double overlap) {
    struct panoptic_options o = {true, object_threshold, overlap};
    float logits[8 * (K + 1)], masks[8 * W];
    for (int64_t q = 0; q < Q; q++) {
        for (int64_t k = 0; k <= K; k++)
            logits[q * (K + 1) + k] =
                (float)log(k == p[q].name ? p[q].score : (1 - p[q].score) / K);
        for (int64_t i = 0; i < W; i++) masks[q * W + i] = logit_of(p[q].mask[i]);
    }
    struct panoptic_source s = {.logits = t_from_data(logits, SHAPE(Q, K + 1), T_F32),
                                .masks = t_from_data(masks, SHAPE(Q, 1, W), T_F32),
                                .padded_h = 1,
                                .padded_w = W,
                                .h = 1,
                                .w = W};
    struct panoptic out;
    CHECK_OK(panoptic_of(&o, &s, thing, 1, W, &out));
    return out;
}
#define OF(object, overlap, ...)                                                                   \
    of((const struct proposal[]){__VA_ARGS__},                                                     \
       sizeof((const struct proposal[]){__VA_ARGS__}) / sizeof(struct proposal), object, overlap)

/* The map as digits. */
static void check_map(const struct panoptic *p, const char *want) {
    char found[W + 1] = {0};
    for (int64_t i = 0; i < W; i++) found[i] = (char)('0' + p->id.at[i]);
    CHECK_TEXT(found, want);
}

static void check_segment(const struct panoptic *p, size_t i, int64_t category, int64_t area,
                          int64_t x0, int64_t x1) {
    const struct panoptic_segment *s = &p->segment[i];
    CHECK(i < p->n);
    CHECK_INT(s->id, (int64_t)i + 1);
    CHECK_INT(s->category, category);
    CHECK(s->thing == thing[category]);
    CHECK_INT(s->area, area);
    CHECK(s->box.x0 == x0 && s->box.x1 == x1 && s->box.y0 == 0 && s->box.y1 == 1);
}

TEST(each_thing_has_an_id_of_its_own) {
    struct panoptic p = OF(0, 0, {0, 0.9, "##......"}, {0, 0.8, "..###..."}, {2, 0.9, ".....###"});
    check_map(&p, "11222333");
    CHECK_INT(p.n, 3);
    check_segment(&p, 0, 0, 2, 0, 2);
    check_segment(&p, 1, 0, 3, 2, 5);
    check_segment(&p, 2, 2, 3, 5, 8);
    panoptic_free(&p);
}

TEST(stuff_of_one_name_shares_an_id) {
    struct panoptic p = OF(0, 0, {1, 0.9, "##......"}, {0, 0.9, "..##...."}, {1, 0.8, "....####"});
    check_map(&p, "11221111");
    CHECK_INT(p.n, 2);
    check_segment(&p, 0, 1, 6, 0, 8);
    check_segment(&p, 1, 0, 2, 2, 4);
    panoptic_free(&p);
}

TEST(a_pixel_goes_to_the_largest_product_of_score_and_mask) {
    struct panoptic p = OF(0, 0, {0, 0.9, "+++++..."}, {2, 0.7, "....####"});
    check_map(&p, "11112222"); /* 0.9 * 0.62 < 0.7 * 0.998 where both are */
    panoptic_free(&p);
    p = OF(0, 0, {0, 0.9, "########"}, {2, 0.9, "########"});
    check_map(&p, "11111111"); /* of equals the first; the second wins no pixel */
    CHECK_INT(p.n, 1);
    panoptic_free(&p);
}

TEST(no_object_and_scores_at_the_threshold_are_left_out) {
    struct panoptic p =
        OF(0.5, 0, {K, 0.9, "########"}, {0, 0.45, "####...."}, {2, 0.6, "....####"});
    CHECK_INT(p.n, 1);
    check_segment(&p, 0, 2, 8, 0, 8); /* a pixel goes to somebody, however unsure */
    check_map(&p, "11111111");
    panoptic_free(&p);
    p = OF(0, 0, {0, 0.45, "####...."}, {2, 0.6, "....####"});
    CHECK_INT(p.n, 2);
    panoptic_free(&p);
}

TEST(who_wins_too_little_of_its_mask_is_left_out) {
    /* The first has 8 pixels above one half and wins 3 of them. */
    struct panoptic p = OF(0, 0.3, {0, 0.6, "########"}, {2, 0.9, "...#####"});
    check_map(&p, "11122222");
    panoptic_free(&p);
    p = OF(0, 0.5, {0, 0.6, "########"}, {2, 0.9, "...#####"});
    check_map(&p, "00011111"); /* its pixels go to nobody */
    CHECK_INT(p.n, 1);
    check_segment(&p, 0, 2, 5, 3, 8);
    panoptic_free(&p);
    p = OF(0, 0.375, {0, 0.6, "########"}, {2, 0.9, "...#####"});
    CHECK_INT(p.n, 2); /* just the threshold: 3 / 8 */
    panoptic_free(&p);
}

TEST(a_mask_without_a_pixel_above_one_half_is_no_segment) {
    struct panoptic p = OF(0, 0, {0, 0.9, "--------"}, {2, 0.5, "..++...."});
    check_map(&p, "00000000"); /* 0.9 * 0.38 > 0.5 * 0.62: the first wins, and is none */
    CHECK_INT(p.n, 0);
    panoptic_free(&p);
}

TEST(without_any_proposal_the_map_is_empty) {
    struct panoptic p = OF(0, 0, {K, 0.9, "########"}, {K, 0.8, "####...."});
    check_map(&p, "00000000");
    CHECK_INT(p.n, 0);
    panoptic_free(&p);
}

TEST(masks_are_enlarged_as_logits_and_without_their_padding) {
    struct panoptic_options o = {true, 0, 0};
    tensor *masks = t_scale(t_randn(SHAPE(2, 4, 4), 1), 4);
    float logits[] = {3, 0, 0, 0, 0, 0, 3, 0};
    struct panoptic_source s = {.logits = t_from_data(logits, SHAPE(2, K + 1), T_F32),
                                .masks = masks,
                                .padded_h = 16,
                                .padded_w = 16,
                                .h = 12,
                                .w = 10};
    struct panoptic p;
    CHECK_OK(panoptic_of(&o, &s, thing, 30, 20, &p));
    tensor *x = t_resize_bilinear(t_unsqueeze(masks, 0), 16, 16);
    x = t_resize_bilinear(t_narrow(t_narrow(x, 2, 0, 12), 3, 0, 10), 30, 20);
    tensor *winner = t_argmax(t_squeeze(x, 0), 0); /* equal scores: the larger mask */
    int64_t want[600];
    CHECK_OK(t_copy_out(winner, want, sizeof want));
    CHECK_INT(p.n, 2);
    for (int i = 0; i < 600; i++) CHECK_INT(p.id.at[i], want[i] + 1);
    panoptic_free(&p);
}
