#include "nn/losses/mask_loss.h"

#include "nn/losses/match_fused.h"
#include "tests/torch.h"

enum { L = 2, Q = 5, K = 6, SIZE = 8, LARGE = 32 };

struct batch {
    tensor *logits; /* [B, L, Q, K + 1] */
    tensor *masks;  /* [B, L, Q, SIZE, SIZE] */
    struct mask_targets t;
};

/* Vertical stripes of n[b] labels, from b on. */
static struct batch make(int64_t B, const int *n) {
    struct batch s;
    s.logits = t_randn(SHAPE(B, L, Q, K + 1), 2);
    s.masks = t_randn(SHAPE(B, L, Q, SIZE, SIZE), 2);
    uint16_t *maps = mem_alloc((size_t)(B * LARGE * LARGE), sizeof *maps);
    for (int64_t i = 0; i < B * LARGE * LARGE; i++) {
        int64_t b = i / (LARGE * LARGE), x = i % LARGE;
        maps[i] = (uint16_t)(n[b] && i % 19 ? (b + x * n[b] / LARGE) % K : 255);
    }
    CHECK_OK(mask_targets_init(&s.t, maps, B, LARGE, LARGE, 1, 255));
    free(maps);
    return s;
}

static struct mask_losses loss_of(struct batch *s, const struct mask_norms *norms, bool per_rank) {
    struct mask_loss_options o = mask_loss_standard();
    o.class_norm_per_rank = per_rank;
    t_require_grad(s->logits, true);
    t_require_grad(s->masks, true);
    return mask_loss(&o, s->logits, s->masks, &s->t, norms);
}

TEST(an_image_without_targets_teaches_no_object_alone) {
    struct batch s = make(2, (const int[]){0, 0});
    CHECK_INT(s.t.n, 0);
    struct mask_losses loss = loss_of(&s, NULL, false);
    t_backward(loss.total);
    CHECK_OK(error_status());
    CHECK_NEAR(t_item(t_sum(t_abs(t_grad(s.masks)))), 0, 0);
    tensor *logp = t_log_softmax(s.logits, -1); /* the weight 0.1 cancels */
    double want = -t_item(t_sum(t_select(logp, -1, K))) / (2 * Q);
    CHECK_NEAR(t_item(loss.total), want, 1e-5);
    mask_targets_free(&s.t);
}

TEST(no_object_weight_zero_leaves_those_queries_out) {
    struct batch s = make(1, (const int[]){2});
    struct mask_loss_options o = mask_loss_standard();
    o.no_object_weight = 0;
    t_require_grad(s.logits, true);
    struct matches m;
    CHECK_OK(match_targets(&m, &o.match, s.logits, s.masks, &s.t));
    t_backward(mask_loss(&o, s.logits, s.masks, &s.t, NULL).total);
    for (int64_t q = 0; q < Q; q++) {
        bool matched = m.query[m.n] == q || m.query[m.n + 1] == q;
        tensor *g = t_select(t_select(t_select(t_grad(s.logits), 0, 0), 0, L - 1), 0, q);
        CHECK((t_item(t_sum(t_abs(g))) > 0) == matched);
    }
    matches_free(&m);
    mask_targets_free(&s.t);
}

TEST(more_targets_than_queries_match_every_query_once) {
    struct batch s = make(2, (const int[]){6, 2});
    struct mask_loss_options o = mask_loss_standard();
    struct matches m;
    CHECK_OK(match_targets(&m, &o.match, s.logits, s.masks, &s.t));
    CHECK_INT(m.n, Q + 2);
    for (int64_t i = 0; i < Q; i++) {
        CHECK_INT(m.query[i], i);
        CHECK(m.target[i] < 6 && (i == 0 || m.target[i] != m.target[i - 1]));
    }
    CHECK(m.target[Q] >= 6 && m.target[Q + 1] >= 6);
    CHECK_NEAR(t_item(t_isfinite_all(loss_of(&s, NULL, false).total)), 1, 0);
    matches_free(&m);
    mask_targets_free(&s.t);
}

static void compare_costs(struct batch *s) {
    int64_t P = L * Q, N = s->t.most;
    struct match_weights w = {1, 20, 1, false};
    double *cost = mem_alloc((size_t)(s->t.B * P * N), sizeof *cost);
    CHECK_OK(match_fused(cost, &w, s->logits, s->masks, &s->t));
    tensor *plain = match_cost(&w, s->logits, s->masks, &s->t);
    tensor *fused = t_from_data(cost, SHAPE(s->t.B, P, N), T_F64);
    for (int64_t b = 0; b < s->t.B; b++) { /* an image's own columns; the others mean nothing */
        int64_t n = s->t.first[b + 1] - s->t.first[b];
        CHECK_CLOSE(t_narrow(t_select(fused, 0, b), 1, 0, n),
                    t_narrow(t_select(plain, 0, b), 1, 0, n), 1e-6);
    }
    struct matches one, two;
    CHECK_OK(match_targets(&one, &w, s->logits, s->masks, &s->t));
    w.plain = true;
    CHECK_OK(match_targets(&two, &w, s->logits, s->masks, &s->t));
    for (int64_t i = 0; i < L * one.n; i++) {
        CHECK_INT(one.query[i], two.query[i]);
        CHECK_INT(one.target[i], two.target[i]);
    }
    matches_free(&one);
    matches_free(&two);
    free(cost);
}

TEST(fused_and_plain_costs_and_matchings_are_equal) {
    struct batch s = make(3, (const int[]){6, 2, 0});
    compare_costs(&s);
    s.masks = t_randn(SHAPE(3, L, Q, 7, 11), 40); /* another size, nothing divides */
    compare_costs(&s);
    mask_targets_free(&s.t);
}

TEST(fused_and_plain_losses_are_equal) {
    struct batch s = make(2, (const int[]){6, 2});
    struct mask_loss_options o = mask_loss_standard();
    tensor *fused = mask_loss(&o, s.logits, s.masks, &s.t, NULL).terms;
    o.plain = true;
    CHECK_CLOSE(fused, mask_loss(&o, s.logits, s.masks, &s.t, NULL).terms, 1e-6);
    mask_targets_free(&s.t);
}

TEST(the_mean_of_two_parts_is_the_loss_and_gradient_of_the_whole_batch) {
    struct batch both = make(2, (const int[]){4, 1});
    struct batch one = make(1, (const int[]){4}), two = both;
    one.logits = t_clone(t_narrow(both.logits, 0, 0, 1));
    one.masks = t_clone(t_narrow(both.masks, 0, 0, 1));
    two.logits = t_clone(t_narrow(both.logits, 0, 1, 1));
    two.masks = t_clone(t_narrow(both.masks, 0, 1, 1));
    uint16_t map[LARGE * LARGE];
    for (int i = 0; i < LARGE * LARGE; i++)
        map[i] =
            (uint16_t)(both.t.map[LARGE * LARGE + i] < 0 ? 255 : both.t.map[LARGE * LARGE + i]);
    CHECK_OK(mask_targets_init(&two.t, map, 1, LARGE, LARGE, 1, 255));

    struct mask_loss_options o = mask_loss_standard();
    struct mask_norms x = mask_norms_of(&o, &one.t, Q), y = mask_norms_of(&o, &two.t, Q);
    struct mask_norms mean = {(x.queries + y.queries) / 2, (x.masks + y.masks) / 2};
    struct mask_losses a = loss_of(&one, &mean, false), b = loss_of(&two, &mean, false);
    struct mask_losses whole = loss_of(&both, NULL, false);
    CHECK_NEAR((t_item(a.total) + t_item(b.total)) / 2, t_item(whole.total), 1e-5);
    t_backward(t_scale(a.total, 0.5)); /* gradients are averaged over parts */
    t_backward(whole.total);
    CHECK_CLOSE(t_grad(one.logits), t_narrow(t_grad(both.logits), 0, 0, 1), 1e-6);
    CHECK_CLOSE(t_grad(one.masks), t_narrow(t_grad(both.masks), 0, 0, 1), 1e-6);

    /* The reference's class loss: a mean of the parts' own means, so another number. */
    tensor *own = loss_of(&one, &mean, true).terms, *alone = loss_of(&one, NULL, false).terms;
    CHECK_CLOSE(t_select(own, 0, MASK_TERM_CLASS), t_select(alone, 0, MASK_TERM_CLASS), 1e-6);
    CHECK(test_max_diff(t_select(own, 0, 0), t_select(a.terms, 0, 0)) > 1e-3);
    mask_targets_free(&one.t);
    mask_targets_free(&two.t);
    mask_targets_free(&both.t);
}

TEST(a_label_without_a_class_is_refused_with_its_image) {
    struct batch s = make(2, (const int[]){3, 6});
    s.logits = t_narrow(s.logits, 3, 0, 4); /* three classes */
    CHECK(!loss_of(&s, NULL, false).total);
    CHECK_TENSOR_ERROR("label 3 of image 1 of the batch: there are 3 classes");
    mask_targets_free(&s.t);
}

TEST(predictions_that_are_no_numbers_make_a_loss_and_gradients_that_are_none) {
    for (int plain = 0; plain < 2; plain++)
        for (int unmatched = 0; unmatched < 2; unmatched++) { /* a query that would not be taken */
            struct batch s = make(2, (const int[]){3, 2});
            tensor *query = t_select(t_select(t_select(s.masks, 0, 1), 0, 0), 0, 3 * unmatched);
            t_fill_(t_narrow(t_select(query, 0, 2), 0, 4, 1), NAN); /* a single pixel */
            t_require_grad(s.masks, true);
            t_require_grad(s.logits, true);
            tensor *total = loss_of(&s, NULL, plain).total;
            CHECK_OK(error_status());
            CHECK(isnan(t_item(total)));
            t_backward(total);
            CHECK(isnan(t_item(t_sum(t_grad(s.masks)))));
            CHECK(isnan(t_item(t_sum(t_grad(s.logits)))));
            mask_targets_free(&s.t);
        }
}

static long count_failing(bool plain) {
    for (long n = 1; n < 400; n++) {
        int scope = t_scope_open("attempt", T_INHERIT);
        struct batch s = make(2, (const int[]){3, 2});
        t_require_grad(s.masks, true);
        t_fail_at(n);
        struct mask_loss_options o = mask_loss_standard();
        o.plain = o.match.plain = plain;
        t_backward(mask_loss(&o, s.logits, s.masks, &s.t, NULL).total);
        bool failed = error_status() != 0;
        t_fail_at(0);
        if (failed) CHECK_TENSOR_ERROR("failed on request");
        mask_targets_free(&s.t);
        t_scope_close(scope, NULL);
        if (!failed) return n;
    }
    return 0;
}

TEST(every_failing_op_surfaces_and_nothing_leaks) {
    CHECK(count_failing(false) > 20);
    CHECK(count_failing(true) > 60);
}

TEST(maps_are_padded_like_their_images) {
    struct mask_targets t;
    static const uint16_t map[] = {3, 3, 255, 0, 3, 3};
    CHECK_OK(mask_targets_init(&t, map, 1, 2, 3, 4, 255));
    static const int32_t want[] = {3, 3, -1, -1, 0, 3, 3, -1};
    CHECK_INT(t.H, 4);
    CHECK_INT(t.W, 4);
    for (int i = 0; i < 16; i++) CHECK_INT(t.map[i], i < 8 ? want[i] : -1);
    CHECK_INT(t.n, 2);
    CHECK_INT(t.label[1], 3);
    mask_targets_free(&t);
}

/* Two masks that overlap and a third with the label of the first. */
static struct mask_targets overlapping(bool swapped) {
    uint16_t map[2][1][LARGE][LARGE];
    for (int y = 0; y < LARGE; y++)
        for (int x = 0; x < LARGE; x++) {
            map[swapped][0][y][x] = y < 20 ? 1 : 255;
            map[!swapped][0][y][x] = x > 8 ? (y > 24 ? 1 : 4) : 255;
        }
    struct mask_targets t;
    CHECK_OK(mask_targets_planes(&t, 2, &map[0][0][0][0], 1, LARGE, LARGE, 1, 255));
    return t;
}

TEST(masks_may_overlap_and_share_a_label_on_planes_of_their_own) {
    struct batch s = make(1, (const int[]){0});
    struct mask_loss_options o = mask_loss_standard(), plain = o;
    plain.plain = plain.match.plain = true;
    double total[2];
    for (int swapped = 0; swapped < 2; swapped++) {
        struct mask_targets t = overlapping(swapped);
        CHECK_INT(t.n, 3);
        CHECK_INT(t.label[1], 1);
        CHECK_INT(t.label[2], 4);
        total[swapped] = t_item(mask_loss(&o, s.logits, s.masks, &t, NULL).total);
        CHECK_NEAR(t_item(mask_loss(&plain, s.logits, s.masks, &t, NULL).total), total[swapped],
                   1e-5 * total[swapped]);
        mask_targets_free(&t);
    }
    CHECK_NEAR(total[0], total[1], 1e-6 * total[0]); /* which plane is which says nothing */
    mask_targets_free(&s.t);
}

TEST(queries_that_differ_in_rounding_alone_are_equal_to_the_matcher) {
    struct batch s = make(1, (const int[]){1});
    tensor *one = t_narrow(s.masks, 2, 0, 1), *class = t_narrow(s.logits, 2, 0, 1);
    s.masks = t_clone(t_expand(one, SHAPE(1, L, Q, SIZE, SIZE)));
    s.logits = t_clone(t_expand(class, SHAPE(1, L, Q, K + 1)));
    tensor *last = t_narrow(s.masks, 2, Q - 1, 1); /* shares memory */
    tensor *pixel = t_narrow(t_narrow(last, 3, 0, 1), 4, 0, 1);
    t_copy_(pixel, t_scale(pixel, 1 - 1e-7)); /* a unit in the last place */
    CHECK(!test_equal_bits(t_clone(last), t_narrow(s.masks, 2, 0, 1)));
    struct matches m;
    struct mask_loss_options o = mask_loss_standard();
    CHECK_OK(match_targets(&m, &o.match, s.logits, s.masks, &s.t));
    for (int64_t l = 0; l < L; l++) CHECK_INT(m.query[l * m.n], 0);
    matches_free(&m);
    mask_targets_free(&s.t);
}
