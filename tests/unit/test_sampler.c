#include "data/sampler.h"

#include "tests/test.h"

TEST(an_epoch_visits_every_sample_at_most_once_and_differs_from_the_last) {
    struct sampler s;
    sampler_open(&s, 7, "test", 103, 10);
    CHECK_INT(sampler_epoch_steps(&s), 10);
    int64_t first[100], seen[103] = {0}, same = 0;
    for (int64_t step = 0; step < 10; step++)
        for (int64_t i = 0; i < 10; i++) {
            int64_t x = sampler_batch(&s, step)[i];
            CHECK(x >= 0 && x < 103);
            CHECK_INT(seen[x]++, 0);
            first[10 * step + i] = x;
        }
    for (int64_t step = 10; step < 20; step++)
        for (int64_t i = 0; i < 10; i++)
            same += sampler_batch(&s, step)[i] == first[10 * (step - 10) + i];
    CHECK(same < 20);
    sampler_close(&s);
}

TEST(any_step_can_be_asked_first) {
    struct sampler a, b;
    sampler_open(&a, 7, "test", 64, 8);
    sampler_open(&b, 7, "test", 64, 8);
    for (int64_t step = 0; step < 20; step++) sampler_batch(&a, step);
    CHECK(memcmp(sampler_batch(&a, 19), sampler_batch(&b, 19), 8 * sizeof(int64_t)) == 0);
    sampler_close(&a);
    sampler_close(&b);
}
