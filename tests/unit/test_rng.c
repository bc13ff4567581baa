#include "base/rng.h"

#include "tests/test.h"

TEST(the_raw_draws_are_those_of_splitmix64) {
    /* Published first outputs of the generator started at 0. */
    struct rng r = {0};
    CHECK(rng_next(&r) == 0xE220A8397B1DCDAFu);
    CHECK(rng_next(&r) == 0x6E789E6AA1B965F4u);
    CHECK(rng_next(&r) == 0x06C45D188009454Fu);
    CHECK_INT(r.at, 3);
}

TEST(the_draws_of_a_stream_are_pinned) {
    /* Scenes, sample order and augmentation are made of these: a change of any alters every
     * result. Computed by a second implementation. */
    struct rng r = rng_stream(1, "scenes.layout", 0);
    CHECK(r.key == 0x13C0AC1199FFD40Bu);
    CHECK(rng_next(&r) == 0x59D280872DC19CE3u);
    CHECK(rng_next(&r) == 0x0AF84940261EEE97u);
    CHECK(rng_next(&r) == 0xF98C07684FFF8BEAu);
    r = rng_stream(1, "scenes.layout", 1);
    CHECK(rng_next(&r) == 0xDB2012E358FA8DD5u);
    r = rng_stream(7, "shuffle", 3);
    int64_t at[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const int64_t shuffled[10] = {5, 8, 3, 4, 2, 9, 1, 0, 6, 7};
    rng_shuffle(&r, at, 10);
    for (int i = 0; i < 10; i++) CHECK_INT(at[i], shuffled[i]);
    CHECK_NEAR(rng_normal(&r), 0.24880123964219447, 1e-15); /* libm may differ in the last bit */
    CHECK_INT(r.at, 11);
}

TEST(streams_of_other_seeds_purposes_and_things_differ) {
    uint64_t first = rng_stream(1, "a", 1).key;
    CHECK(rng_stream(2, "a", 1).key != first);
    CHECK(rng_stream(1, "b", 1).key != first);
    CHECK(rng_stream(1, "a", 2).key != first);
    CHECK(rng_stream(1, "a", 1).key == first);
}

TEST(a_generator_goes_on_from_its_key_and_position) {
    struct rng r = rng_stream(3, "x", 0);
    for (int i = 0; i < 5; i++) rng_next(&r);
    struct rng again = {.key = r.key, .at = 5};
    CHECK(rng_next(&again) == rng_next(&r));
}

TEST(numbers_below_n_are_all_there_and_even) {
    struct rng r = rng_stream(1, "below", 0);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        int64_t x = rng_below(&r, 7);
        CHECK(x >= 0 && x < 7);
        counts[x]++;
    }
    /* 10,000 each with a deviation of 93: five of them */
    for (int i = 0; i < 7; i++) CHECK_NEAR(counts[i], 10000, 465);
    CHECK_INT(rng_below(&r, 1), 0);
    for (int i = 0; i < 100; i++) CHECK(rng_below(&r, INT64_MAX) >= 0);
}

TEST(uniform_and_normal_draws_have_their_moments) {
    struct rng r = rng_stream(1, "moments", 0);
    double sum = 0, normal = 0, square = 0;
    enum { DRAWS = 40000 };
    for (int i = 0; i < DRAWS; i++) {
        double u = rng_uniform(&r), x = rng_normal(&r);
        CHECK(u >= 0 && u < 1);
        sum += u, normal += x, square += x * x;
    }
    /* deviations of the means: 0.0014, 0.005, 0.007; five of each */
    CHECK_NEAR(sum / DRAWS, 0.5, 0.0072);
    CHECK_NEAR(normal / DRAWS, 0, 0.025);
    CHECK_NEAR(square / DRAWS, 1, 0.035);
    double x = rng_range(&r, -2, 3);
    CHECK(x >= -2 && x < 3);
    CHECK(!rng_chance(&r, 0) && rng_chance(&r, 1));
}

TEST(a_shuffle_keeps_every_element) {
    struct rng r = rng_stream(5, "keep", 0);
    int64_t at[100], seen[100] = {0};
    for (int i = 0; i < 100; i++) at[i] = i;
    rng_shuffle(&r, at, 100);
    for (int i = 0; i < 100; i++) seen[at[i]]++;
    for (int i = 0; i < 100; i++) CHECK_INT(seen[i], 1);
    rng_shuffle(&r, at, 0);
}
