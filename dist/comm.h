/* The processes that work together, as one of them sees them: it is one rank of so many.
 *
 * NULL is a communicator of one, and every function takes it: sums are what was given, nobody is
 * waited for. So a program has no second path for one process.
 *
 * All ranks call the same functions in the same order. A thread of the communicator's own makes all
 * calls to MPI and NCCL (none other does) and is the watchdog: when an exchange is not over in
 * time, it says which rank is silent, writes the stacks of this one, and ends all of them with 70.
 * So does an error of MPI or NCCL. What returns here has therefore succeeded; only a pending error
 * of the caller's thread is never exchanged: who fails leaves by comm_close(), which ends the
 * others.
 *
 * What goes where: numbers and bytes of the host through MPI, or through sockets when the launcher
 * knows of none (dist/launch.h); the memory of tensors the same way, until comm_nccl_open().
 *
 * One thread of the program calls these functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dist/launch.h"
#include "nn/torch/tensor.h"

struct comm;
struct shared;

/* Meets the others. *c_out stays NULL for one process, at no cost. ERR_DEVICE: this build has no
 * MPI, or MPI has another number of processes than the launcher; or a rank did not come. */
int comm_open(struct comm **c_out, const struct launch *l);

/* Takes leave with the status that this process ends with. When all others do the same in time, and
 * with the same status, MPI is ended in order; otherwise all are ended with `status`. In time is
 * within a minute; with a status that is not 0 within five seconds, unless it is another rank's
 * than 0's and others listen: they are told of it, and may end what they are at. */
void comm_close(struct comm *c, int status);

/* What this rank holds for all of them and lets go when the communicator ends them in the middle of
 * an exchange: `let_go` is then called, by its thread, while the caller's waits in that exchange
 * and does nothing else. NULL: nothing. The error that is pending then says why, unless another
 * rank did. So ends rank 0 a second after it heard that another one has failed, when it waits for
 * that one: with the same status. */
void comm_at_end(struct comm *c, void (*let_go)(void *ctx, int status), void *ctx);

int comm_rank(const struct comm *c);            /* 0 .. size - 1 */
int comm_size(const struct comm *c);            /* 1 for NULL */
int comm_local_rank(const struct comm *c);      /* of those on this machine */
int comm_local_size(const struct comm *c);      /* ranks on this machine, this one among them */
const char *comm_carrier(const struct comm *c); /* "Open MPI v4.1.4", "sockets"; "" for NULL */

/* How long an exchange may take from now on, seconds; 0: as long as it takes. */
void comm_timeout(struct comm *c, double seconds);
/* Where reports of a rank that hangs go, a folder; NULL: nowhere. Copied. Those that an earlier
 * life left there are removed: whose file is missing is named as silent. */
void comm_report_to(struct comm *c, const char *dir);

void comm_barrier(struct comm *c);
void comm_broadcast(struct comm *c, void *x, size_t bytes); /* rank 0's, to all */
/* `bytes` of each rank, in their order; all: [size, bytes]. */
void comm_gather(struct comm *c, const void *mine, size_t bytes, void *all);

/* Sums over all ranks, with the same bits on each. Doubles and integers are added in the order of
 * ranks. Floats go by a tree, ((0 + 1) + (2 + 3)) + ..., when the number of ranks is a power of
 * two, and as MPI likes otherwise. */
void comm_sum(struct comm *c, double *x, size_t n);
void comm_sum_counts(struct comm *c, int64_t *x, size_t n);
void comm_max(struct comm *c, double *x, size_t n);
void comm_sum_floats(struct comm *c, float *x, size_t n);

/* A word that one rank is told, and all must hear, whatever each of them does: a signal. */
struct comm_word {
    int (*told)(void);          /* what this process was told; 0: nothing */
    void (*heard)(int word);    /* what another one was */
    void (*failed)(int status); /* another one takes leave with it; NULL: as if nothing */
};
/* All ranks call it, once. From then on the communicator's thread asks and tells, ten times a
 * second, while this rank computes and while it waits. The first word, or failure, is the only one:
 * it is that which ends them. */
void comm_listen(struct comm *c, struct comm_word w);

/* ---- tensors ---- */

/* Tensors go through NCCL from now on, on a stream of its own: those of the GPU that this thread
 * works on; with `host` those of the CPU, which a stand-in for NCCL takes, in tests. ERR_DEVICE, on
 * all ranks: "no usable NCCL, because ...". */
int comm_nccl_open(struct comm *c, bool host);
bool comm_has_nccl(const struct comm *c);

/* Nothing is exchanged while an error is pending. Tensors are dense; those that are gathered or
 * summed float32. */
void comm_broadcast_tensor(struct comm *c, tensor *x);              /* rank 0's, to all */
void comm_gather_tensor(struct comm *c, tensor *mine, tensor *all); /* all: [size, ...] */
/* The bits are equal on all ranks. Through NCCL they are added in its order, which on two
 * ranks is that of comm_sum_floats(). */
void comm_sum_tensor(struct comm *c, tensor *x);
/* The same, begun: `x` must not be touched until comm_sums_wait(), which waits for all of them.
 * `where`: the memory that x is a part of, at the same place on each rank (dist/shared.h): what
 * ranks see is not sent. The bits are those of one that is; NULL: x lies anywhere. */
void comm_sum_tensor_start(struct comm *c, tensor *x, const struct shared *where);
void comm_sums_wait(struct comm *c);
/* Whether one is not over, whose memory must stay: of a step that failed before it waited. */
bool comm_is_summing(struct comm *c);
