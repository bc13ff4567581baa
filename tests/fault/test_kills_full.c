/* ctest: timeout=3600 labels=full-kills */
#include "tests/e2e/process.h"
#include "tests/fault/lives.h"
#include "tests/test.h"

#include <signal.h>

static const int kills[] = {SIGKILL, 0};

TEST(a_chain_killed_at_200_random_moments_ends_with_the_same_bits) {
    lives_run(&(struct ordeal){.ranks = 1, .signals = kills, .each = 200, .seed = lives_seed()});
}

TEST(a_chain_of_two_ranks_killed_at_100_random_moments_ends_with_the_same_bits) {
    lives_run(&(struct ordeal){.ranks = 2, .signals = kills, .each = 100, .seed = lives_seed()});
}
