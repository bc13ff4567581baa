/* Tests of what several ranks do: each starts itself once more, as so many processes. */
#pragma once

#include "dist/comm.h"
#include "tests/e2e/self.h"
#include "tests/test.h"

/* In one of the ranks: its communicator. */
static inline bool is_rank(struct comm **c) {
    struct launch l;
    CHECK_OK(launch_read(&l, true));
    if (l.size == 1) return false;
    CHECK_OK(comm_open(c, &l));
    comm_timeout(*c, 60);
    CHECK_INT(comm_size(*c), l.size);
    CHECK_INT(comm_rank(*c), l.rank);
    CHECK_INT(comm_local_rank(*c), l.rank);
    CHECK_INT(comm_local_size(*c), l.size);
    return true;
}

/* The same; elsewhere starts the ranks, all of which must pass. */
static inline bool as_ranks_of(enum self_launcher how, const char *test, int ranks,
                               struct comm **c) {
    if (is_rank(c)) return true;
    check_self_ranks(how, ranks, test, NULL);
    return false;
}

static inline bool as_ranks(const char *test, int ranks, struct comm **c) {
    return as_ranks_of(BY_MPIRUN, test, ranks, c);
}
