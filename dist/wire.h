/* The calls to MPI, made by the communicator's thread alone (dist/comm.c). Without MPI in the build
 * wire_open() says so. Private to dist/. */
#pragma once

#include <stddef.h>

#include "dist/launch.h"

struct wire_peers {
    int rank, size, local_rank, local_size;
};

enum exchange_kind { EX_SUM, EX_GATHER, EX_BROADCAST, EX_BARRIER, EX_LEAVE };

struct exchange {
    enum exchange_kind kind;
    void *x;          /* EX_SUM: floats; EX_BROADCAST: bytes */
    size_t n;         /* of floats, bytes, or bytes that each rank gives */
    const void *mine; /* EX_GATHER */
    void *all;        /* EX_GATHER: [size, n] */
    int status;       /* EX_LEAVE: with which this process ends */
};

/* Called again and again while an exchange goes on. */
struct wire_wait {
    void (*idle)(void *ctx);
    void *ctx;
};

int wire_open(struct wire_peers *p, const struct launch *l); /* 0, or ERR_DEVICE */
/* NULL, or what MPI says is wrong. EX_LEAVE: whether all leave with the same status. */
const char *wire_do(const struct exchange *e, struct wire_wait w);
void wire_close(void);
_Noreturn void wire_abort(int status); /* ends all ranks */
