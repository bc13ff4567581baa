/* A test that runs as several ranks starts its own program again, once for each. */
#pragma once

#include "tests/e2e/process.h"

/* For ranks: Open MPI and drivers keep memory at their end; what is ours is looked at in one
 * process. */
#define NO_LEAKS "ASAN_OPTIONS=detect_leaks=0"

enum self_launcher {
    BY_MPIRUN,  /* skips the test where there is no MPI */
    BY_ADDRESS, /* RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, as torchrun sets them */
    BY_FILE,    /* as srun without MPI does */
};

/* The test of that name in `ranks` processes that have these NAME=VALUE besides (NULL: none). What
 * all of them printed on stderr; the status is the highest. */
struct ended self_ranks(enum self_launcher how, int ranks, const char *test,
                        const char *const *environment);

/* The same, all of which must pass. */
void check_self_ranks(enum self_launcher how, int ranks, const char *test,
                      const char *const *environment);

/* Starts argv (argv[0] is a path) as ranks that no MPI knows; then waits for them. */
void ranks_start(struct process *p, enum self_launcher how, int ranks, const char *const *argv,
                 const char *const *environment);
struct ended ranks_wait(struct process *p, int ranks, double limit);
