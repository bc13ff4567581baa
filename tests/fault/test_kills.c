/* ctest: timeout=900 labels=slow processors=2 */
#include "tests/e2e/process.h"
#include "tests/fault/lives.h"
#include "tests/test.h"

#include <signal.h>

static const int kills[] = {SIGKILL, 0};

TEST(a_chain_killed_at_20_random_moments_ends_with_the_same_bits) {
    lives_run(&(struct ordeal){.ranks = 1, .signals = kills, .each = 20, .seed = lives_seed()});
}

TEST(a_chain_of_two_ranks_one_of_which_is_killed_8_times_ends_with_the_same_bits) {
    lives_run(&(struct ordeal){.ranks = 2, .signals = kills, .each = 8, .seed = lives_seed()});
}
