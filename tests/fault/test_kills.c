/* ctest: timeout=900 labels=slow */
#include "tests/e2e/process.h"
#include "tests/fault/kills.h"

TEST(a_chain_killed_at_20_random_moments_ends_with_the_same_bits) {
    const char *seed = getenv("OVSEG_TEST_SEED"); /* another one finds other moments */
    kills_run(20, seed ? strtoull(seed, NULL, 10) : 1);
}
