/* A stand-in for libnccl.so.2, for tests alone: collectives among processes of one machine, over
 * POSIX shared memory, on memory of the host. Written from NCCL's documentation; what the program
 * calls, and no more.
 *
 * Like NCCL it does not block when it is told so, adds in the order of a ring, which begins
 * elsewhere for each piece, and waits forever for a rank that is gone. Unlike NCCL it checks that
 * all ranks make the same calls, and reports a mismatch as an asynchronous error.
 *
 * FAKE_NCCL=RANK:WHAT:NUMBER makes the NUMBERth collective of that rank
 *   fail   return ncclSystemError
 *   error  begin, and then have an asynchronous ncclRemoteError
 *   hang   never begin
 *   die    kill the process
 * and FAKE_NCCL=RANK:init:0 lets ncclCommInitRankConfig fail. FAKE_NCCL_VERSION=N is what
 * ncclGetVersion says. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "dist/nccl.h"

enum { RANKS = 16, PIECE = 1 << 18, MAGIC_OF_CONFIG = (int)0xcafebeef };

struct call {
    int kind, type, op, root;
    size_t n;
};
enum kind { ALL_REDUCE = 1, ALL_GATHER, BROADCAST };

struct shared {
    atomic_int joined, failed; /* failed: enum nccl_result of the first who says so */
    char text[256];
    atomic_long tick[RANKS]; /* barriers that a rank has come to */
    struct call call[RANKS];
    char data[RANKS][PIECE];
};

struct nccl_comm {
    struct shared *s;
    int rank, size;
    long ticks, calls;
    bool blocking, works;
    pthread_t worker;
    atomic_int state; /* enum nccl_result */
    struct call call;
    const void *from;
    void *to;
    char name[128];
};

static char last_error[256];
static atomic_bool aborts;

/* ---- faults ---- */

static bool fault(const struct nccl_comm *c, const char *what) {
    const char *spec = getenv("FAKE_NCCL");
    char is[16] = "";
    int rank = -1;
    long number = -1;
    return spec && sscanf(spec, "%d:%15[a-z]:%ld", &rank, is, &number) == 3 && rank == c->rank &&
           number == c->calls && strcmp(is, what) == 0;
}

static void report(struct shared *s, int error, const char *text) {
    int none = 0;
    if (atomic_load(&s->failed)) return;
    snprintf(s->text, sizeof s->text, "%s", text);
    atomic_compare_exchange_strong(&s->failed, &none, error);
}

/* ---- the ranks together ---- */

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL); }

static bool meet_all(struct nccl_comm *c) {
    struct shared *s = c->s;
    atomic_store(&s->tick[c->rank], ++c->ticks);
    for (int r = 0; r < c->size; r++)
        while (atomic_load(&s->tick[r]) < c->ticks) {
            if (atomic_load(&s->failed) || atomic_load(&aborts)) return false;
            nap();
        }
    return !atomic_load(&s->failed);
}

static bool same_calls(struct nccl_comm *c) {
    static const char *const names[] = {"nothing", "AllReduce", "AllGather", "Broadcast"};
    struct shared *s = c->s;
    s->call[c->rank] = c->call;
    if (!meet_all(c)) return false;
    for (int r = 0; r < c->size; r++) {
        const struct call *a = &s->call[0], *b = &s->call[r];
        char text[256];
        if (a->kind == b->kind && a->type == b->type && a->op == b->op && a->root == b->root &&
            a->n == b->n)
            continue;
        snprintf(text, sizeof text,
                 "calls differ: rank 0 %s of %zu, type %d; rank %d %s of %zu, type %d",
                 names[a->kind], a->n, a->type, r, names[b->kind], b->n, b->type);
        report(s, NCCL_INVALID_USAGE, text);
        return false;
    }
    return meet_all(c); /* who is late may still read the calls */
}

/* ((k + 1) + (k + 2)) + ... + k: where NCCL's ring begins depends on the piece. */
static void add_ring(const struct nccl_comm *c, size_t piece, size_t n, float *to) {
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (int k = 1; k <= c->size; k++) {
            size_t r = (piece + (size_t)k) % (size_t)c->size;
            float x;
            memcpy(&x, c->s->data[r] + i * sizeof x, sizeof x);
            sum = k == 1 ? x : sum + x;
        }
        to[i] = sum;
    }
}

/* Bytes [at, at + n) of what each rank gives. */
static bool do_piece(struct nccl_comm *c, size_t at, size_t n) {
    const struct call *call = &c->call;
    bool gives = call->kind != BROADCAST || call->root == c->rank;
    if (gives) memcpy(c->s->data[c->rank], (const char *)c->from + at, n);
    if (!meet_all(c)) return false;
    char *to = (char *)c->to + at;
    if (call->kind == ALL_REDUCE)
        add_ring(c, at / PIECE, n / sizeof(float), (float *)(void *)to);
    else if (call->kind == BROADCAST)
        memcpy(to, c->s->data[call->root], n);
    for (int r = 0; call->kind == ALL_GATHER && r < c->size; r++)
        memcpy((char *)c->to + (size_t)r * call->n + at, c->s->data[r], n);
    return meet_all(c);
}

static void *work(void *arg) {
    struct nccl_comm *c = arg;
    size_t bytes = c->call.n * (c->call.type == NCCL_FLOAT32 ? sizeof(float) : 1);
    while (fault(c, "hang") && !atomic_load(&aborts)) nap();
    if (fault(c, "error")) report(c->s, NCCL_REMOTE_ERROR, "a cable was pulled, the test says");
    bool good = same_calls(c);
    for (size_t at = 0; good && at < bytes; at += PIECE)
        good = do_piece(c, at, bytes - at < PIECE ? bytes - at : PIECE);
    int failed = atomic_load(&c->s->failed);
    atomic_store(&c->state, good ? NCCL_SUCCESS : failed ? failed : NCCL_REMOTE_ERROR);
    return NULL;
}

static void *join(void *arg) {
    struct nccl_comm *c = arg;
    atomic_fetch_add(&c->s->joined, 1);
    bool good = meet_all(c);
    if (good && c->rank == 0) shm_unlink(c->name);
    atomic_store(&c->state, good ? NCCL_SUCCESS : NCCL_REMOTE_ERROR);
    return NULL;
}

static void stop_worker(struct nccl_comm *c) {
    if (c->works) pthread_join(c->worker, NULL);
    c->works = false;
}

static int start(struct nccl_comm *c, void *(*what)(void *)) {
    stop_worker(c);
    atomic_store(&c->state, NCCL_IN_PROGRESS);
    if (pthread_create(&c->worker, NULL, what, c)) return NCCL_SYSTEM_ERROR;
    c->works = true;
    if (!c->blocking) return NCCL_IN_PROGRESS;
    stop_worker(c);
    return atomic_load(&c->state);
}

/* ---- NCCL's functions ---- */

int ncclGetVersion(int *version);
int ncclGetUniqueId(struct nccl_id *id);
int ncclCommInitRankConfig(struct nccl_comm **out, int size, struct nccl_id id, int rank,
                           struct nccl_config *config);
int ncclAllReduce(const void *from, void *to, size_t n, int type, int op, struct nccl_comm *c,
                  void *stream);
int ncclAllGather(const void *from, void *to, size_t n, int type, struct nccl_comm *c,
                  void *stream);
int ncclBroadcast(const void *from, void *to, size_t n, int type, int root, struct nccl_comm *c,
                  void *stream);
int ncclCommGetAsyncError(struct nccl_comm *c, int *error);
int ncclCommFinalize(struct nccl_comm *c);
int ncclCommDestroy(struct nccl_comm *c);
int ncclCommAbort(struct nccl_comm *c);
const char *ncclGetErrorString(int error);
const char *ncclGetLastError(struct nccl_comm *c);

int ncclGetVersion(int *version) {
    const char *text = getenv("FAKE_NCCL_VERSION");
    *version = text ? (int)strtol(text, NULL, 10) : 22809;
    return NCCL_SUCCESS;
}

int ncclGetUniqueId(struct nccl_id *id) {
    static int count;
    memset(id, 0, sizeof *id);
    snprintf(id->bytes, sizeof id->bytes, "/fake-nccl-%ld-%d", (long)getpid(), count++);
    int fd = shm_open(id->bytes, O_RDWR | O_CREAT | O_EXCL, 0600);
    bool good = fd >= 0 && !ftruncate(fd, sizeof(struct shared));
    if (fd >= 0) close(fd);
    return good ? NCCL_SUCCESS : NCCL_SYSTEM_ERROR;
}

static struct shared *map(const char *name) {
    int fd = shm_open(name, O_RDWR, 0);
    if (fd < 0) return NULL;
    void *s = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return s == MAP_FAILED ? NULL : s;
}

int ncclCommInitRankConfig(struct nccl_comm **out, int size, struct nccl_id id, int rank,
                           struct nccl_config *config) {
    *out = NULL;
    if (size < 1 || size > RANKS || rank < 0 || rank >= size) return NCCL_INVALID_ARGUMENT;
    if (config->size < sizeof *config || config->magic != (unsigned)MAGIC_OF_CONFIG)
        return NCCL_INVALID_ARGUMENT;
    struct nccl_comm *c = calloc(1, sizeof *c);
    if (!c) return NCCL_SYSTEM_ERROR;
    *c = (struct nccl_comm){.rank = rank, .size = size, .blocking = config->blocking};
    snprintf(c->name, sizeof c->name, "%.127s", id.bytes);
    c->s = map(c->name);
    if (!c->s || fault(c, "init")) {
        snprintf(last_error, sizeof last_error, "no shared memory %s", c->name);
        shm_unlink(c->name); /* there will be no communicator */
        free(c);
        return NCCL_SYSTEM_ERROR;
    }
    *out = c;
    return start(c, join);
}

static int begin(struct nccl_comm *c, struct call call, const void *from, void *to) {
    c->calls++;
    if (atomic_load(&c->state)) {
        snprintf(last_error, sizeof last_error, "the call before is not settled");
        return NCCL_INVALID_USAGE;
    }
    if (fault(c, "die")) kill(getpid(), SIGKILL);
    if (fault(c, "fail")) {
        snprintf(last_error, sizeof last_error, "it was told to fail");
        return NCCL_SYSTEM_ERROR;
    }
    c->call = call;
    c->from = from;
    c->to = to;
    return start(c, work);
}

int ncclAllReduce(const void *from, void *to, size_t n, int type, int op, struct nccl_comm *c,
                  void *stream) {
    if (stream || type != NCCL_FLOAT32 || op != NCCL_SUM) return NCCL_INVALID_ARGUMENT;
    return begin(c, (struct call){ALL_REDUCE, type, op, 0, n}, from, to);
}

int ncclAllGather(const void *from, void *to, size_t n, int type, struct nccl_comm *c,
                  void *stream) {
    if (stream || type != NCCL_UINT8) return NCCL_INVALID_ARGUMENT;
    return begin(c, (struct call){ALL_GATHER, type, 0, 0, n}, from, to);
}

int ncclBroadcast(const void *from, void *to, size_t n, int type, int root, struct nccl_comm *c,
                  void *stream) {
    if (stream || type != NCCL_UINT8) return NCCL_INVALID_ARGUMENT;
    return begin(c, (struct call){BROADCAST, type, 0, root, n}, from, to);
}

int ncclCommGetAsyncError(struct nccl_comm *c, int *error) {
    *error = atomic_load(&c->state);
    return NCCL_SUCCESS;
}

int ncclCommFinalize(struct nccl_comm *c) { return start(c, join); }

int ncclCommDestroy(struct nccl_comm *c) {
    stop_worker(c);
    munmap(c->s, sizeof *c->s);
    free(c);
    return NCCL_SUCCESS;
}

/* Others that wait for this rank then have an error. */
int ncclCommAbort(struct nccl_comm *c) {
    char text[64];
    snprintf(text, sizeof text, "rank %d has aborted", c->rank);
    report(c->s, NCCL_REMOTE_ERROR, text);
    atomic_store(&aborts, true);
    fprintf(stderr, "fake NCCL: rank %d aborts\n", c->rank);
    return NCCL_SUCCESS;
}

const char *ncclGetErrorString(int error) {
    static const char *const names[] = {"no error",
                                        "unhandled cuda error",
                                        "unhandled system error",
                                        "internal error",
                                        "invalid argument",
                                        "invalid usage",
                                        "remote process exited or there was a network error",
                                        "NCCL operation in progress"};
    return error >= 0 && error < 8 ? names[error] : "unknown result code";
}

const char *ncclGetLastError(struct nccl_comm *c) {
    return c && atomic_load(&c->s->failed) ? c->s->text : last_error;
}
