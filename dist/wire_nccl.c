#include "dist/wire_nccl.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "dist/gpu.h"

enum { ABORT_S = 3 };

/* One communicator a process. */
static const struct nccl *nccl;
static struct nccl_comm *comm;
static struct gpu *gpu; /* NULL: tensors are in the host's memory */
static char text[1024];

static const char *said(const char *call, int error) {
    const char *more = nccl->get_last_error(comm);
    snprintf(text, sizeof text, "NCCL: %s: %s%s%s", call, nccl->get_error_string(error),
             more && *more ? ": " : "", utf8_short(more ? more : "", 600).at);
    return text;
}

/* A call has returned: until NCCL has taken it up, which it does in threads of its own. */
static const char *settle(const char *call, int error, struct wire_wait w) {
    while (error == NCCL_IN_PROGRESS) {
        int asked = nccl->get_async_error(comm, &error);
        if (asked) return said("ncclCommGetAsyncError", asked);
        if (error == NCCL_IN_PROGRESS) w.idle(w.ctx);
    }
    return error ? said(call, error) : NULL;
}

/* Until the GPU has done it. Errors of the network, and of ranks that are gone, come by the side.
 */
static const char *finish(const char *call, struct wire_wait w) {
    for (bool done = false;;) {
        int error, asked = nccl->get_async_error(comm, &error);
        if (asked) return said("ncclCommGetAsyncError", asked);
        if (error && error != NCCL_IN_PROGRESS) return said(call, error);
        const char *wrong = gpu_idle(gpu, &done);
        if (wrong || (done && !error)) return wrong;
        w.idle(w.ctx);
    }
}

const char *wire_nccl_prepare(bool host) {
    const char *wrong = nccl_load(&nccl);
    return wrong || host ? wrong : gpu_open(&gpu);
}

const char *wire_nccl_id(struct nccl_id *id) {
    int error = nccl->get_unique_id(id);
    return error ? said("ncclGetUniqueId", error) : NULL;
}

const char *wire_nccl_open(const struct wire_peers *p, const struct nccl_id *id,
                           struct wire_wait w) {
    struct nccl_config config = NCCL_CONFIG;
    const char *wrong = gpu_use(gpu);
    if (wrong) return wrong;
    return settle("ncclCommInitRankConfig", nccl->init(&comm, p->size, *id, p->rank, &config), w);
}

const char *wire_nccl_mark(void **mark) { return gpu_mark(gpu, mark); }

const char *wire_nccl_exchange(const struct exchange *e, void *mark, struct wire_wait w) {
    void *stream = gpu_stream(gpu);
    const char *call = "ncclAllReduce", *wrong = gpu_wait(gpu, mark);
    int error = 0;
    if (wrong) return wrong;
    switch (e->kind) {
    case EX_SUM:
        error = nccl->all_reduce(e->x, e->x, e->n, NCCL_FLOAT32, NCCL_SUM, comm, stream);
        break;
    case EX_GATHER:
        call = "ncclAllGather";
        error = nccl->all_gather(e->mine, e->all, e->n, NCCL_UINT8, comm, stream);
        break;
    case EX_BROADCAST:
        call = "ncclBroadcast";
        error = nccl->broadcast(e->x, e->x, e->n, NCCL_UINT8, 0, comm, stream);
        break;
    default: return "no exchange of NCCL's";
    }
    wrong = settle(call, error, w);
    return wrong ? wrong : finish(call, w);
}

static void forget(void) {
    comm = NULL;
    gpu_close(gpu);
    gpu = NULL;
}

const char *wire_nccl_close(struct wire_wait w) {
    if (!comm) return NULL;
    const char *wrong = settle("ncclCommFinalize", nccl->finalize(comm), w);
    if (!wrong) {
        int error = nccl->destroy(comm);
        if (error) wrong = said("ncclCommDestroy", error);
    }
    forget();
    return wrong;
}

static atomic_bool aborted;

static void *abort_it(void *unused) {
    (void)unused;
    if (!gpu_use(gpu)) nccl->abort(comm);
    atomic_store(&aborted, true);
    return NULL;
}

/* In a thread: it is there for the case that something hangs, and may do so as well. */
void wire_nccl_abort(void) {
    pthread_t thread;
    if (!comm || thread_start(&thread, abort_it, NULL)) return;
    pthread_detach(thread);
    for (int i = 0; i < ABORT_S * 100 && !atomic_load(&aborted); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}
