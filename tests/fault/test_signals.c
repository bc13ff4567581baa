/* What test_signals_full.c does, in short. */
/* ctest: timeout=600 labels=slow processors=2 */
#include "tests/e2e/process.h"
#include "tests/fault/lives.h"
#include "tests/test.h"

#include <signal.h>

static const int asking[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, 0};

TEST(a_chain_asked_to_stop_by_every_signal_ends_with_the_same_bits) {
    lives_run(&(struct ordeal){.ranks = 1, .signals = asking, .each = 1, .seed = lives_seed()});
}

TEST(a_chain_of_two_ranks_asked_to_stop_by_every_signal_ends_with_the_same_bits) {
    lives_run(&(struct ordeal){.ranks = 2, .signals = asking, .each = 1, .seed = lives_seed()});
}
