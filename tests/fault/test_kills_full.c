/* ctest: timeout=3600 labels=full-kills */
#include "tests/e2e/process.h"
#include "tests/fault/kills.h"

TEST(a_chain_killed_at_200_random_moments_ends_with_the_same_bits) {
    const char *seed = getenv("OVSEG_TEST_SEED");
    kills_run(1, 200, seed ? strtoull(seed, NULL, 10) : 1);
}

TEST(a_chain_of_two_ranks_killed_at_100_random_moments_ends_with_the_same_bits) {
    const char *seed = getenv("OVSEG_TEST_SEED");
    kills_run(2, 100, seed ? strtoull(seed, NULL, 10) : 1);
}
