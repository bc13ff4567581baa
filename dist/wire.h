/* What carries exchanges between ranks: MPI, or sockets where there is none. Called by the
 * communicator's thread alone (dist/comm.c). Private to dist/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dist/launch.h"

struct wire_peers {
    int rank, size, local_rank, local_size;
    char by[64]; /* what carries: "Open MPI v4.1.4", "sockets" */
};

enum exchange_kind { EX_SUM, EX_GATHER, EX_BROADCAST, EX_BARRIER, EX_LEAVE, EX_NCCL };

struct exchange {
    enum exchange_kind kind;
    void *x;                    /* EX_SUM: floats; EX_BROADCAST: bytes; EX_NCCL: rank 0's id */
    size_t n;                   /* of floats, bytes, or bytes that each rank gives */
    const void *mine;           /* EX_GATHER */
    void *all;                  /* EX_GATHER: [size, n] */
    int status;                 /* EX_LEAVE: with which this process ends */
    const struct shared *where; /* EX_SUM: what x is a part of; NULL: of nothing that ranks share */
    bool tensors; /* the memory is that of tensors: through NCCL, where that is open */
};

/* Called again and again while an exchange goes on. */
struct wire_wait {
    void (*idle)(void *ctx);
    void *ctx;
};

struct wire {
    int (*open)(struct wire_peers *p, const struct launch *l); /* 0, or ERR_DEVICE */
    /* NULL, or what is wrong. EX_LEAVE: whether all leave with the same status. */
    const char *(*exchange)(const struct exchange *e, struct wire_wait w);
    /* Between two exchanges: NULL, or that another rank has ended. No such function: its launcher
     * ends the others. */
    const char *(*watch)(void);
    /* The same, and while an exchange waits (but EX_LEAVE): tells the others the word that this
     * rank was told (0: none), as soon as it may; what another one was told, 0: nothing. */
    int (*pass)(int word);
    void (*close)(void);
    void (*abort)(int status); /* ends all ranks, this one first */
};
extern const struct wire wire_mpi; /* without MPI in the build open() says so */
extern const struct wire wire_tcp;
