/* The mean over the views of a picture, a group of names at a time, against the sum of whole maps.
 */
#include "eval/views_sum.h"

#include <stdlib.h>

#include "eval/views.h"
#include "tests/torch.h"

enum { Q = 20, H = 60, W = 88 };

/* What a network might say of a picture of h x w: its masks are a quarter as large. */
static struct mask_logits masks_of(int64_t h, int64_t w) {
    int64_t a = (h + 31) / 32 * 32, b = (w + 31) / 32 * 32;
    return (struct mask_logits){t_randn(SHAPE(1, Q, a / 4, b / 4), 3), a, b, h, w};
}

static tensor *names_of(int64_t K) { return t_softmax(t_randn(SHAPE(Q, K), 2), -1); } /* [Q, K] */

/* All scores of it at once. */
static tensor *whole_scores(const struct mask_logits *m, tensor *name, double hard, int64_t h,
                            int64_t w) {
    tensor *mask = t_select(mask_probabilities(m), 0, 0);
    if (hard > 0) mask = t_cast(t_gt(mask, hard), T_F32);
    return ensemble_scores((struct named){name, mask}, 0, t_size(name, 1), h, w);
}

/* The names in groups, put together again. */
static tensor *in_groups(const struct views_sum *s, size_t judge, int64_t groups) {
    tensor *part[64];
    for (int64_t i = 0; i < groups; i++)
        part[i] = views_sum_scores(s, judge, s->K * i / groups,
                                   s->K * (i + 1) / groups - s->K * i / groups);
    return t_cat(part, (size_t)groups, 0);
}

static void check_groups(const struct views_sum *s, size_t judge, tensor *want) {
    for (int64_t groups = 1; groups <= s->K / 4; groups += 2)
        CHECK(test_equal_bits(in_groups(s, judge, groups), want));
}

TEST(the_mean_over_views_is_that_of_whole_maps_to_the_bit) {
    static const int64_t size[][2] = {{48, 72}, {H, W}, {96, 140}};
    enum { K = 37 };
    struct judge judge[2] = {{0}, {.demo = true, .threshold = 0.6}};
    struct views_sum s;
    views_sum_open(&s, judge, 2, K, H, W);
    tensor *want[2] = {t_zeros(SHAPE(K, H, W), T_F32), t_zeros(SHAPE(K, H, W), T_F32)};
    for (int i = 0; i < 6; i++) {
        struct mask_logits m = masks_of(size[i / 2][0], size[i / 2][1]);
        views_sum_add(&s, (struct view_place){.mirrored = i % 2}, &m);
        for (size_t k = 0; k < 2; k++) {
            tensor *name = names_of(K), *x = whole_scores(&m, name, judge[k].threshold, H, W);
            views_sum_name(&s, k, name);
            t_add_(want[k], i % 2 ? t_flip(x, 2) : x, 1);
        }
    }
    for (size_t k = 0; k < 2; k++) {
        t_scale_(want[k], 1.0 / 6);
        check_groups(&s, k, want[k]);
    }
    views_sum_free(&s);
}

/* A view of h x w in tiles: what is kept of it, and the sum as reference-spec 8.6 has it. */
static void add_tiles(struct views_sum *s, const struct views_options *o, int64_t h, int64_t w,
                      bool mirrored, tensor *want) {
    int64_t n;
    struct box *at = view_tiles(o, h, w, &n);
    tensor *part = t_zeros(SHAPE(s->K, h, w), T_F32), *covered = t_zeros(SHAPE(h, w), T_F32);
    for (int64_t i = 0; i < n; i++) {
        struct mask_logits m = masks_of(o->tile, o->tile);
        tensor *name = names_of(s->K), *x = whole_scores(&m, name, 0, o->tile, o->tile);
        int64_t th = at[i].y1 - at[i].y0, tw = at[i].x1 - at[i].x0;
        views_sum_add(s, (struct view_place){mirrored, true, i + 1 == n, at[i], h, w}, &m);
        views_sum_name(s, 0, name);
        t_add_(t_narrow(t_narrow(part, 1, at[i].y0, th), 2, at[i].x0, tw),
               t_narrow(t_narrow(x, 1, 0, th), 2, 0, tw), 1);
        t_add_(t_narrow(t_narrow(covered, 0, at[i].y0, th), 1, at[i].x0, tw),
               t_ones(SHAPE(th, tw), T_F32), 1);
    }
    tensor *x = t_unsqueeze(t_div(part, covered), 0);
    x = t_squeeze(t_resize_bilinear(x, s->H, s->W), 0);
    t_add_(want, mirrored ? t_flip(x, 2) : x, 1);
    free(at);
}

TEST(the_mean_over_tiles_is_that_of_whole_maps_to_the_bit) {
    struct views_options o = {.sliding = true, .tile = 32, .overlap = 2.0 / 3};
    enum { K = 26 };
    struct judge judge = {0};
    struct views_sum s;
    views_sum_open(&s, &judge, 1, K, H, W);
    tensor *want = t_zeros(SHAPE(K, H, W), T_F32);
    add_tiles(&s, &o, 48, 72, false, want);
    add_tiles(&s, &o, H, W, true, want);
    add_tiles(&s, &o, 24, 40, false, want); /* lower than a tile */
    CHECK_INT(s.views, 3);
    t_scale_(want, 1.0 / 3);
    check_groups(&s, 0, want);
    views_sum_free(&s);
}

TEST(few_names_are_one_group_and_many_take_128_mib_each) {
    struct judge judge = {0};
    struct views_sum s;
    views_sum_open(&s, &judge, 1, 3, 4000, 3000);
    CHECK_INT(views_sum_groups(&s), 1);
    s.K = 847;
    CHECK_INT(views_sum_groups(&s), 847 / 4); /* never fewer than four */
    s.H = 640, s.W = 864;
    CHECK_INT(views_sum_groups(&s), 847 / 60);
    views_sum_free(&s);
}
