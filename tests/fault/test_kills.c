/* ctest: timeout=900 labels=slow processors=2 */
#include "tests/e2e/process.h"
#include "tests/fault/kills.h"

TEST(a_chain_killed_at_20_random_moments_ends_with_the_same_bits) {
    const char *seed = getenv("OVSEG_TEST_SEED"); /* another one finds other moments */
    kills_run(1, 20, seed ? strtoull(seed, NULL, 10) : 1);
}

TEST(a_chain_of_two_ranks_one_of_which_is_killed_8_times_ends_with_the_same_bits) {
    kills_run(2, 8, 1);
}
