#include "optim/scaler.h"

#include "tests/torch.h"

TEST(a_scaler_that_is_off_does_nothing) {
    struct scaler s = {0};
    tensor *loss = t_full(SCALAR, 3, T_F32);
    CHECK(scaler_up(&s, loss) == loss);
    CHECK(scaler_passes(&s, 1) && scaler_passes(&s, NAN));
    CHECK_INT(s.skipped, 0);
}

TEST(the_scale_doubles_after_2000_good_steps_in_a_row) {
    struct scaler s;
    scaler_open(&s);
    CHECK_NEAR(s.scale, 65536, 0);
    for (int i = 0; i < 1999; i++) CHECK(scaler_passes(&s, 1));
    CHECK_NEAR(s.scale, 65536, 0);
    CHECK(scaler_passes(&s, 1));
    CHECK_NEAR(s.scale, 131072, 0);
    for (int i = 0; i < 1999; i++) CHECK(scaler_passes(&s, 1));
    CHECK(!scaler_passes(&s, INFINITY)); /* one step before the next doubling */
    CHECK_NEAR(s.scale, 65536, 0);
    for (int i = 0; i < 1999; i++) CHECK(scaler_passes(&s, 1));
    CHECK_NEAR(s.scale, 65536, 0); /* it counts anew */
}

TEST(an_overflow_halves_the_scale_and_skips_the_step) {
    struct scaler s;
    scaler_open(&s);
    CHECK(!scaler_passes(&s, INFINITY) && !scaler_passes(&s, NAN));
    CHECK_NEAR(s.scale, 16384, 0);
    CHECK_INT(s.skipped, 2);
    CHECK(scaler_passes(&s, 0));
}

TEST(what_overflows_at_the_least_scale_is_no_matter_of_scale) {
    struct scaler s;
    scaler_open(&s);
    int steps = 0;
    while (!scaler_passes(&s, INFINITY)) CHECK(steps++ < 100);
    CHECK_INT(steps, 32);
    CHECK_NEAR(s.scale, 1.0 / 65536, 0);
    CHECK_INT(s.skipped, 32);
}

struct model {
    struct params params;
    struct adamw adamw;
    tensor *w;
};

static void open(struct model *m) {
    static const struct group_rule rules[] = {{"*", 1, 0}};
    struct groups g;
    *m = (struct model){0};
    m->w = path_param(params_root(&m->params), "w", t_full(SHAPE(3), 0.5, T_F32));
    CHECK_OK(groups_open(&g, &m->params, rules, 1));
    adamw_open(&m->adamw, g, (struct adamw_options){0.9, 0.98, 1e-6});
}

static void close(struct model *m) {
    adamw_free(&m->adamw);
    params_free(&m->params);
}

/* Powers of two do not round. */
TEST(a_scaled_step_is_the_step) {
    struct scaler s[2] = {{0}};
    tensor *after[2];
    scaler_open(&s[1]);
    for (int on = 0; on < 2; on++) {
        struct model m;
        open(&m);
        t_backward(scaler_up(&s[on], t_sum(t_mul(m.w, m.w))));
        scaler_down(&s[on], &m.adamw);
        tensor *norm = adamw_clip(&m.adamw, 0.1);
        CHECK_NEAR(t_item(norm), sqrt(3), 1e-6);
        CHECK(scaler_passes(&s[on], t_item(norm)));
        adamw_step(&m.adamw, 1e-2);
        after[on] = t_clone(t_detach(m.w));
        close(&m);
    }
    CHECK(test_equal_bits(after[0], after[1]));
}

TEST(a_checkpoint_carries_it_only_when_it_is_on) {
    struct scaler s = {0};
    struct str text = {0};
    struct json_out j = {.to = &text};
    json_object(&j);
    scaler_write(&s, &j);
    scaler_open(&s);
    CHECK(!scaler_passes(&s, NAN) && scaler_passes(&s, 1));
    scaler_write(&s, &j);
    json_end(&j);
    CHECK_HAS(text.at, "32768");
    CHECK_HAS(text.at, "\"good\"");
    CHECK(strstr(text.at, "scaler") && !strstr(strstr(text.at, "scaler") + 1, "scaler"));
    str_free(&text);
}
