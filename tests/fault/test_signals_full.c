/* Every signal that asks to stop, 100 times on one rank and two together: each time the documented
 * status within 20 s, all steps saved, nothing left behind (tests/fault/lives.h). */
/* ctest: timeout=3600 labels=full-signals */
#include "tests/e2e/process.h"
#include "tests/fault/lives.h"
#include "tests/test.h"

#include <signal.h>

static const int asking[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, 0};

TEST(a_chain_asked_to_stop_60_times_by_each_signal_ends_with_the_same_bits) {
    lives_run(&(struct ordeal){.ranks = 1, .signals = asking, .each = 60, .seed = lives_seed()});
}

TEST(a_chain_of_two_ranks_asked_to_stop_40_times_by_each_signal_ends_with_the_same_bits) {
    lives_run(&(struct ordeal){.ranks = 2, .signals = asking, .each = 40, .seed = lives_seed()});
}
