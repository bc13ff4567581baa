/* Lives of the smoke chain, each ended by a signal at a random moment, again and again; each chain
 * that gets to its end must have the bits of one that nobody disturbed. Looked at after each life:
 *
 * - the status: 128 + 9 of SIGKILL, the documented one of the others (docs/exit-codes.md), and how
 *   soon it came;
 * - every checkpoint, in full; none is older than before, and nothing was begun again. Who was
 * asked to stop has lost no step: the newest one is that of the last line of metrics.jsonl;
 * - no process is left, and of who was asked to stop no temporary file and no lock;
 * - no warning: nothing was found otherwise than it was left.
 *
 * With several ranks one of them gets the signal, or of those that ask to stop at times all, and
 * all must end. */
#pragma once

#include <stdint.h>

struct ordeal {
    int ranks;
    const int *signals; /* which, up to the first 0 */
    int each;           /* how many of each must have hit */
    uint64_t seed;
};

/* Ends with a line "full: ..." on stderr. */
void lives_run(const struct ordeal *o);

uint64_t lives_seed(void); /* OVSEG_TEST_SEED, another one finds other moments; or 1 */
