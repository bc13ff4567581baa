#include "train/time_limit.h"

#include <stdlib.h>

#include "base/rng.h"
#include "tests/test.h"

TEST(without_a_limit_it_is_never_near) {
    struct time_limit l = {0};
    time_limit_boundary(&l, 0, 5);
    time_limit_boundary(&l, 1, 1e9);
    CHECK(!time_limit_is_near(&l, 1e12));
}

TEST(the_margin_is_the_longest_step_and_twice_the_longest_save) {
    struct time_limit l = {.end = 1000};
    CHECK(!time_limit_is_near(&l, 989.9));
    CHECK(time_limit_is_near(&l, 990)); /* TIME_LIMIT_MARGIN, with nothing seen */
    time_limit_boundary(&l, 0, 100);
    time_limit_boundary(&l, 1, 103);
    time_limit_boundary(&l, 2, 105); /* a shorter one */
    CHECK(!time_limit_is_near(&l, 986.9));
    CHECK(time_limit_is_near(&l, 987));
    time_limit_save_took(&l, 4); /* 8 s: less than the least margin */
    CHECK(!time_limit_is_near(&l, 986.9));
    time_limit_save_took(&l, 20);
    time_limit_save_took(&l, 0);
    CHECK(!time_limit_is_near(&l, 956.9));
    CHECK(time_limit_is_near(&l, 957)); /* 1000 - 3 - 2 x 20 */
}

TEST(time_between_two_loops_is_no_step) {
    struct time_limit l = {.end = 1000};
    time_limit_boundary(&l, 7, 100);
    time_limit_boundary(&l, 8, 101);
    time_limit_boundary(&l, 0, 401); /* another stage begins, its data took five minutes */
    time_limit_boundary(&l, 1, 402);
    CHECK_NEAR(l.step, 1, 0);
}

TEST(the_end_of_a_job_is_read_from_its_variable) {
    CHECK_NEAR(time_limit_of_job("1700000100", 1700000000), 100, 0);
    CHECK_NEAR(time_limit_of_job(NULL, 1700000000), 0, 0);
    static const char *const bad[] = {"", "soon", "1700000100x", "1600000000", "nan", "inf", "-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_NEAR(time_limit_of_job(bad[i], 1700000000), 0, 0);
}

/* A job of `length` seconds whose steps and saves vary by half: when it is over, or -1. */
static double simulate(struct rng *r, double length, double step, double save, int64_t every) {
    struct time_limit l = {.end = length};
    double now = 0, saved = 0;
    for (int64_t i = 0; now < 10 * length; i++) {
        time_limit_save_took(&l, saved);
        time_limit_boundary(&l, i, now);
        saved = 0;
        now += step * (0.75 + 0.5 * rng_uniform(r));
        bool stop = time_limit_is_near(&l, now);
        if (!stop && i % every) continue;
        saved = save * (0.75 + 0.5 * rng_uniform(r));
        now += saved;
        if (stop) return now;
    }
    return -1;
}

TEST(of_100_limits_none_is_overrun_and_none_is_left_much_too_early) {
    struct rng r = rng_stream(1, "limits", 0);
    for (int i = 0; i < 100; i++) {
        double step = 0.01 + 30 * rng_uniform(&r), save = 0.1 + 60 * rng_uniform(&r);
        double length = 600 + 20 * (step + save) + 3600 * rng_uniform(&r);
        double end = simulate(&r, length, step, save, 10);
        CHECK(end > 0 && end <= length);
        CHECK(end > length - TIME_LIMIT_MARGIN - 4 * step - 2.5 * save);
    }
}
