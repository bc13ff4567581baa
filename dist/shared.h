/* Floats that the ranks of one machine see of each other: what is summed there need not be sent.
 *
 * Memory of Linux that has no name (memfd), so that nothing is left of it when processes are
 * killed. Ranks find each other's through /proc: those of one kernel that number their processes
 * alike, which two containers do not. Each sees those that it exchanges halves with
 * (dist/wire_mpi.c). Where one of a machine is not seen that should be, all ranks send, as they do
 * between machines. */
#pragma once

#include <stddef.h>

#include "dist/comm.h"

struct shared {
    size_t n;   /* floats of each rank */
    int rank;   /* this one */
    int ranks;  /* of all machines */
    float **at; /* [ranks] where their floats lie for this process; NULL: out of sight */
    bool given; /* this one's are those of a tensor */
};

/* n zeros for each rank. All ranks call it, with the same n; one that does not want it, or has none
 * of the memory, is enough for none to have it. NULL: this rank sees no other, or sums would not be
 * faster: on numbers of ranks that are no power of two MPI makes them as it likes. */
struct shared *shared_open(struct comm *c, size_t n, bool wanted);

/* This rank's floats, as [n]; to be asked for once. They go with the last tensor that has a part of
 * them, whether or not shared_close() was called. */
tensor *shared_tensor(struct shared *s);

/* When no sum is at work. NULL is fine. */
void shared_close(struct shared *s);

/* The floats of `rank` that have the place of x, of this one's; NULL: out of sight. */
float *shared_at(const struct shared *s, int rank, const float *x);
