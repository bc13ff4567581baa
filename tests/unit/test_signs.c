/* Each sign is told when it is there, once, with what to do; none of a run that is well. */
#include "tests/test.h"
#include "train/signs.h"

/* A training of which a test tells what its steps show. */
struct made {
    struct signs s;
    double now, step_s, wait_s, waited;
    double loss, norm, scale, no_object; /* NaN: not in the row */
    int64_t first[SIGNS];                /* the step that told it, in the order of telling */
    struct sign_told told[SIGNS];
    int n;
};

static struct made made(struct sign_facts of) {
    struct made m = {.step_s = 0.1, .loss = 1, .norm = 1, .scale = NAN, .no_object = NAN};
    signs_open(&m.s, &of);
    return m;
}

static void put(struct metrics_row *row, const char *name, double x) {
    if (!isnan(x)) metrics_put(row, name, x);
}

static void steps(struct made *m, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        struct metrics_row row = {0};
        struct sign_told told[SIGNS];
        put(&row, "scale", m->scale);
        put(&row, "no_object", m->no_object);
        put(&row, "loss", m->loss);
        put(&row, "grad_norm", m->norm);
        m->now += m->step_s;
        m->waited += m->wait_s;
        int new = signs_step(&m->s, &row, m->now, m->waited, told);
        for (int k = 0; k < new; k++) {
            CHECK(m->n < SIGNS);
            m->first[m->n] = m->s.steps;
            m->told[m->n++] = told[k];
        }
    }
}

/* One was told, this one, in this step, and says what to do. */
static void check_one(const struct made *m, const char *name, int64_t step, const char *advice) {
    CHECK_INT(m->n, 1);
    CHECK_TEXT(m->told[0].name, name);
    CHECK_INT(m->first[0], step);
    CHECK_HAS(m->told[0].text, advice);
}

static const struct sign_facts some = {.compared = 32, .warmup = 10, .total = 400};

TEST(a_training_that_goes_well_shows_no_sign) {
    struct made m = made(some);
    m.loss = log(32);
    m.scale = 14.3;
    m.no_object = 1; /* as at the beginning of every training */
    m.wait_s = 0.02;
    steps(&m, 39);
    for (int i = 0; i < 2000; i++) {
        m.loss *= 0.998;
        m.scale *= 1.0008;
        m.no_object = 0.95;
        steps(&m, 1);
    }
    CHECK_INT(m.n, 0);
}

TEST(a_loss_that_stays_no_better_than_guessing_is_told_after_warm_up_and_a_tenth) {
    struct made m = made(some);
    m.loss = 1.01 * log(32);
    steps(&m, 500);
    check_one(&m, "loss_of_guessing", 100, "optim.lr");
    CHECK_NEAR(m.told[0].value, 1.01 * log(32), 1e-9);
    m = made((struct sign_facts){.compared = 32, .warmup = 100, .total = 400});
    m.loss = log(32);
    steps(&m, 500);
    check_one(&m, "loss_of_guessing", 201, "init.freeze");
    m = made((struct sign_facts){.compared = 32, .total = 5000});
    m.loss = log(32);
    steps(&m, 700);
    check_one(&m, "loss_of_guessing", 501, "init.freeze");
    m = made(some);
    m.loss = 0.95 * log(32);
    steps(&m, 500);
    CHECK_INT(m.n, 0);
    m.loss = 1.3 * log(32); /* sure of what is wrong */
    steps(&m, 200);
    CHECK_INT(m.n, 1);
    m = made((struct sign_facts){.total = 400}); /* nothing is compared: any loss may be right */
    m.loss = log(32);
    steps(&m, 500);
    CHECK_INT(m.n, 0);
}

TEST(a_single_good_step_does_not_hide_it_and_noise_does_not_make_it) {
    struct made m = made(some);
    for (int i = 0; i < 300; i++) {
        m.loss = i % 2 ? 0.9 * log(32) : 1.1 * log(32); /* around it */
        steps(&m, 1);
    }
    CHECK_INT(m.n, 1);
    m = made(some);
    for (int i = 0; i < 300; i++) {
        m.loss = i % 10 ? 0.9 * log(32) : log(32);
        steps(&m, 1);
    }
    CHECK_INT(m.n, 0);
}

TEST(a_scale_that_falls_is_told_and_one_that_is_small_from_the_start_is_not) {
    struct made m = made(some);
    m.scale = 14.3;
    steps(&m, 100);
    m.scale = 3;
    steps(&m, 100);
    check_one(&m, "scale_fallen", 150, "loss.freeze_scale");
    m = made(some);
    m.scale = 3;
    steps(&m, 300);
    CHECK_INT(m.n, 0);
}

TEST(a_scale_that_rises_to_its_bound_is_told_and_published_weights_that_begin_there_are_not) {
    struct made m = made(some);
    m.scale = 14.3;
    steps(&m, 100);
    m.scale = 100;
    steps(&m, 300);
    check_one(&m, "scale_at_bound", 300, "Fewer epochs");
    m = made(some);
    m.scale = 100;
    steps(&m, 1000);
    CHECK_INT(m.n, 0);
}

TEST(waiting_for_batches_is_told_after_half_a_minute_of_it) {
    struct made m = made(some);
    m.wait_s = 0.06;
    steps(&m, 290);
    CHECK_INT(m.n, 0);
    steps(&m, 100);
    CHECK_INT(m.n, 1);
    CHECK_TEXT(m.told[0].name, "waiting");
    CHECK_NEAR(m.told[0].value, 0.6, 1e-6);
    CHECK_HAS(m.told[0].text, "0.6 of the time");
    CHECK_HAS(m.told[0].text, "loader.threads");
    m = made(some);
    m.wait_s = 0.04;
    steps(&m, 3000);
    CHECK_INT(m.n, 0);
    m = made(some);
    m.wait_s = 25; /* the first batch: nothing was made ahead */
    m.step_s = 25.1;
    steps(&m, 1);
    m.wait_s = 0;
    m.step_s = 0.1;
    steps(&m, 1000);
    CHECK_INT(m.n, 0);
    m = made(some);
    m.step_s = 10; /* few steps tell little */
    m.wait_s = 9;
    steps(&m, 20);
    CHECK_INT(m.n, 0);
    steps(&m, 30);
    CHECK_INT(m.n, 1);
}

TEST(queries_that_all_say_no_object_are_told_after_the_beginning) {
    struct made m = made((struct sign_facts){.warmup = 60, .total = 400});
    m.no_object = 1;
    steps(&m, 500);
    check_one(&m, "all_no_object", 121, "ovseg data check");
    m = made((struct sign_facts){.total = 400});
    m.no_object = 0.999;
    steps(&m, 500);
    CHECK_INT(m.n, 0);
}

TEST(a_gradient_that_is_always_clipped_is_told_unless_the_bound_is_there_to_clip) {
    struct made m = made((struct sign_facts){.clip_norm = 1, .total = 400});
    m.norm = 11;
    steps(&m, 500);
    check_one(&m, "always_clipped", 200, "optim.clip_norm");
    m = made((struct sign_facts){.clip_norm = 1, .total = 400});
    for (int i = 0; i < 1000; i++) {
        m.norm = i % 100 ? 11 : 5;
        steps(&m, 1);
    }
    CHECK_INT(m.n, 0);
    m = made((struct sign_facts){.clip_norm = 0.01, .total = 400}); /* MaskFormer's */
    m.norm = 30;
    steps(&m, 500);
    CHECK_INT(m.n, 0);
}

TEST(a_gradient_of_zero_is_told_at_once_and_a_skipped_step_is_none) {
    struct made m = made(some);
    m.norm = 0;
    steps(&m, 50);
    check_one(&m, "no_gradient", 10, "init.freeze");
    m = made(some);
    m.norm = m.loss = NAN;
    steps(&m, 50);
    CHECK_INT(m.n, 0);
}

TEST(a_sign_that_stays_is_told_again_after_half_an_hour_only) {
    struct made m = made(some);
    m.norm = 0;
    steps(&m, 10);
    CHECK_INT(m.n, 1);
    steps(&m, 17000); /* 28 minutes */
    CHECK_INT(m.n, 1);
    steps(&m, 2000);
    CHECK_INT(m.n, 2);
}

static void validation(struct made *m, double set, double probe) {
    struct metrics_row row = {0};
    put(&row, "mask_accuracy", set);
    put(&row, "probe_accuracy", probe);
    m->n += signs_validation(&m->s, &row, m->now, &m->told[m->n]);
}

TEST(every_sign_has_a_text_that_fits) {
    struct made m = made((struct sign_facts){.compared = 8, .clip_norm = 1, .total = 100});
    m.loss = log(8);
    m.scale = 50;
    m.norm = 1.23456e-20;
    m.no_object = 1;
    m.wait_s = 0.09;
    steps(&m, 1);
    m.scale = 1;
    steps(&m, 500);
    m.scale = 100;
    m.norm = 1e20;
    m.s.told[SIGN_NO_GRADIENT] = m.now;
    steps(&m, 300);
    validation(&m, 50, 100);
    validation(&m, 60, 12.3456);
    CHECK_INT(m.n, SIGNS);
    for (int i = 0; i < SIGNS; i++) {
        size_t n = strlen(m.told[i].text);
        CHECK(n > 40 && n < sizeof m.told[i].text - 1);
    }
}

/* Validations of a training, one after the other; how many told of forgetting. */
static int validated(struct signs *s, const double (*v)[2], int n, double hour) {
    int all = 0;
    for (int i = 0; i < n; i++) {
        struct metrics_row row = {0};
        struct sign_told told[SIGNS];
        put(&row, "mask_accuracy", v[i][0]);
        put(&row, "probe_accuracy", v[i][1]);
        int new = signs_validation(s, &row, 3600 * hour * i, told);
        if (new) CHECK_TEXT(told[0].name, "forgetting");
        if (new) CHECK_HAS(told[0].text, "ovseg eval RUN --blend");
        if (new) CHECK_NEAR(told[0].value, v[0][1] - v[i][1], 1e-9);
        all += new;
    }
    return all;
}

TEST(validation_that_rises_while_the_probe_falls_is_told) {
    struct signs s;
    signs_open(&s, &some);
    CHECK_INT(validated(&s, (const double[][2]){{50, 60}, {55, 61}, {56, 57.9}}, 3, 1), 1);
    signs_open(&s, &some); /* both fall: that is no price of learning */
    CHECK_INT(validated(&s, (const double[][2]){{50, 60}, {49, 40}}, 2, 1), 0);
    signs_open(&s, &some); /* two points of 318 crops may be chance */
    CHECK_INT(validated(&s, (const double[][2]){{50, 60}, {70, 58.1}}, 2, 1), 0);
    signs_open(&s, &some); /* no probe, no set */
    CHECK_INT(validated(&s, (const double[][2]){{50, NAN}, {70, NAN}}, 2, 1), 0);
    CHECK_INT(validated(&s, (const double[][2]){{NAN, 60}, {NAN, 20}}, 2, 1), 0);
    signs_open(&s, &some); /* again after half an hour at the earliest */
    CHECK_INT(validated(&s, (const double[][2]){{50, 60}, {55, 50}, {56, 40}}, 3, 0.1), 1);
    signs_open(&s, &some);
    CHECK_INT(validated(&s, (const double[][2]){{50, 60}, {55, 50}, {56, 40}}, 3, 1), 2);
    signs_open(&s, &some); /* a life that goes on knows what an earlier one began with */
    signs_began(&s, 50, 60);
    CHECK_INT(validated(&s, (const double[][2]){{50, 60}}, 1, 1), 0);
    struct metrics_row row = {0};
    struct sign_told told[SIGNS];
    put(&row, "mask_accuracy", 51);
    put(&row, "probe_accuracy", 50);
    CHECK_INT(signs_validation(&s, &row, 0, told), 1);
}
