#include "dist/comm.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dist/hang.h"
#include "dist/wire_nccl.h"

enum {
    LEAVE_S = 60,       /* how long who is done waits for the others, and who has failed for rank 0
                         * where that hears of it: it may be in a long step */
    LEAVE_FAILED_S = 5, /* otherwise: for others that have failed as well */
    FAILED_S = 1,       /* and rank 0 for an exchange with one that takes such leave */
    LEAVES = 1 << 8,    /* the word of that: and its status */
    WATCH_MS = 100      /* between two looks at the others, while there is nothing to do */
};

struct request {
    struct exchange e;
    void *mark;   /* of a GPU's work, which must be done before */
    double limit; /* how long it may take, seconds; 0: as long as it takes */
    bool begun;   /* by comm_sum_start(): the thread frees it */
    bool done;
    struct request *next;
};

struct comm {
    struct wire_peers peers;
    const struct launch *launch;
    const struct wire *wire;
    bool nccl; /* is open: the memory of tensors goes through it */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    struct request *first, **last; /* to be done, in order */
    size_t begun;                  /* sums that go on */
    int opened;                    /* -1: not yet; else the status of wire_open() */
    char *failure;                 /* its message */
    double timeout;
    char *report;
    struct comm_word word;
    void (*let_go)(void *ctx, int status);
    void *let_go_ctx;
    double listened; /* clock_s(); the thread's, as are: */
    bool heard;
    int failed; /* the status of a rank that takes leave, and */
    double failed_at;
};

/* ---- the thread ---- */

static const char *name_of(enum exchange_kind k) {
    static const char *const names[] = {"a sum of gradients", "numbers of all ranks",
                                        "what rank 0 sends",  "all ranks",
                                        "the others' end",    "the start of NCCL"};
    return names[k];
}

/* An exchange at work. */
struct work {
    struct comm *c;
    const struct request *r;
    long number;
    double since;
    unsigned polls;
};

/* NCCL first: who waits for this rank in it need not wait any longer. */
_Noreturn static void end_all(const struct comm *c, int status) {
    wire_nccl_abort();
    c->wire->abort(status);
    _exit(status);
}

/* The caller waits for this exchange, and now for ever. Gradients that are summed beside its
 * computing hold nothing up that it could be at. The error that is pending says why, if any. */
_Noreturn static void end_at(const struct work *w, int status) {
    struct comm *c = w->c;
    pthread_mutex_lock(&c->lock);
    void (*let_go)(void *, int) = w->r->e.kind == EX_LEAVE ? NULL : c->let_go;
    void *ctx = c->let_go_ctx;
    pthread_mutex_unlock(&c->lock);
    if (let_go) let_go(ctx, status);
    end_all(c, status);
}

_Noreturn static void give_up(const struct work *w) {
    const struct exchange *e = &w->r->e;
    if (e->kind == EX_LEAVE && e->status) end_all(w->c, e->status);
    if (e->kind == EX_LEAVE) {
        log_error("rank %d of %d is done; others have not come to their end after %.0f s",
                  w->c->peers.rank, w->c->peers.size, clock_s() - w->since);
        end_all(w->c, ERR_INTERNAL);
    }
    pthread_mutex_lock(&w->c->lock);
    char *dir = w->c->report ? mem_strdup(w->c->report) : NULL;
    pthread_mutex_unlock(&w->c->lock);
    end_at(w, hang_report(&(struct hang){.dir = dir,
                                         .rank = w->c->peers.rank,
                                         .size = w->c->peers.size,
                                         .what = name_of(e->kind),
                                         .number = w->number,
                                         .seconds = clock_s() - w->since}));
}

static int say(const struct comm *c, int status, const char *wrong) {
    error_set(status, "rank %d of %d: %s", c->peers.rank, c->peers.size, wrong);
    log_error("%s", error_message());
    return status;
}

/* Sockets tell that another rank is gone: while this one computes (w is NULL), and where NCCL waits
 * for it. */
static void watch(const struct comm *c, const struct work *w) {
    const char *wrong = c->wire->watch ? c->wire->watch() : NULL;
    if (!wrong) return;
    int status = say(c, ERR_INTERNAL, wrong);
    if (w) end_at(w, status);
    end_all(c, status);
}

static struct comm_word word_of(struct comm *c) {
    pthread_mutex_lock(&c->lock);
    struct comm_word w = c->word;
    pthread_mutex_unlock(&c->lock);
    return w;
}

static void listen(struct comm *c) {
    double now = clock_s();
    if (now - c->listened < 1e-3 * WATCH_MS) return;
    c->listened = now;
    struct comm_word w = word_of(c);
    int word = w.told ? c->wire->pass(w.told()) : 0;
    if (!word || c->heard) return;
    c->heard = true;
    if (word < LEAVES) {
        w.heard(word);
        return;
    }
    c->failed = word - LEAVES;
    c->failed_at = now;
    if (w.failed) w.failed(c->failed);
}

/* Whether this exchange waits for a rank that has failed. One in which all agreed to fail is over
 * in a moment, here too. */
static bool is_in_vain(const struct work *w) {
    const struct comm *c = w->c;
    if (!c->failed || c->peers.rank) return false;
    double since = c->failed_at > w->since ? c->failed_at : w->since;
    return clock_s() - since > FAILED_S;
}

/* Between two looks at an exchange: at first none, soon a fifth of a millisecond, for the cores are
 * wanted for other work. */
static void idle(void *ctx) {
    struct work *w = ctx;
    if (w->polls++ < 50) return;
    nanosleep(&(struct timespec){.tv_nsec = w->polls < 200 ? 20000 : 200000}, NULL);
    if (w->r->e.tensors || w->r->e.kind == EX_NCCL) watch(w->c, w);
    if (w->r->e.kind != EX_LEAVE) {
        listen(w->c);
        if (is_in_vain(w)) end_at(w, w->c->failed);
    }
    if (w->r->limit > 0 && clock_s() - w->since > w->r->limit) give_up(w);
}

static const char *do_exchange(const struct comm *c, const struct request *r, struct wire_wait w) {
    const struct exchange *e = &r->e;
    if (e->kind == EX_NCCL) return wire_nccl_open(&c->peers, e->x, w);
    if (e->tensors) return wire_nccl_exchange(e, r->mark, w);
    const char *wrong = c->wire->exchange(e, w);
    if (!wrong && e->kind == EX_LEAVE && !e->status) wrong = wire_nccl_close(w);
    return wrong;
}

static void serve(struct comm *c, const struct request *r, long number) {
    struct work w = {.c = c, .r = r, .number = number, .since = clock_s()};
    if (r->e.kind == EX_LEAVE && r->e.status && word_of(c).told)
        c->wire->pass(LEAVES + r->e.status);
    const char *wrong = do_exchange(c, r, (struct wire_wait){idle, &w});
    if (!wrong) return;
    if (r->e.kind == EX_LEAVE && r->e.status) end_all(c, r->e.status);
    char *where = mem_format("%s, %s (exchange %ld)", wrong, name_of(r->e.kind), number);
    int status = say(c, r->e.kind == EX_NCCL ? ERR_DEVICE : ERR_INTERNAL, where);
    free(where);
    end_at(&w, status);
}

static void wait_for_request(struct comm *c) {
    struct timespec until;
    if (!c->wire->watch && !c->word.told) {
        pthread_cond_wait(&c->asked, &c->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WATCH_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (pthread_cond_timedwait(&c->asked, &c->lock, &until) != ETIMEDOUT) return;
    pthread_mutex_unlock(&c->lock);
    watch(c, NULL);
    listen(c);
    pthread_mutex_lock(&c->lock);
}

static struct request *next_request(struct comm *c) {
    while (!c->first) wait_for_request(c);
    struct request *r = c->first;
    c->first = r->next;
    if (!c->first) c->last = &c->first;
    return r;
}

static void *run(void *arg) {
    struct comm *c = arg;
    int status = c->wire->open(&c->peers, c->launch);
    pthread_mutex_lock(&c->lock);
    c->opened = status;
    if (status) c->failure = mem_strdup(error_message());
    error_clear();
    pthread_cond_broadcast(&c->answered);
    bool over = status;
    for (long number = 1; !over; number++) {
        struct request *r = next_request(c);
        pthread_mutex_unlock(&c->lock);
        serve(c, r, number);
        over = r->e.kind == EX_LEAVE;
        if (over) c->wire->close();
        pthread_mutex_lock(&c->lock);
        r->done = true;
        if (r->begun) {
            c->begun--;
            free(r);
        }
        pthread_cond_broadcast(&c->answered);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- the caller ---- */

static void destroy(struct comm *c) {
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->asked);
    pthread_cond_destroy(&c->answered);
    free(c->failure);
    free(c->report);
    free(c);
}

int comm_open(struct comm **c_out, const struct launch *l) {
    *c_out = NULL;
    if (l->size <= 1) return 0;
    struct comm *c = mem_alloc(1, sizeof *c);
    *c = (struct comm){.launch = l, .opened = -1};
    c->wire = l->meet == MEET_MPI ? &wire_mpi : &wire_tcp;
    c->last = &c->first;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->asked, &monotonic);
    pthread_cond_init(&c->answered, NULL);
    pthread_condattr_destroy(&monotonic);
    int status = thread_start(&c->thread, run, c);
    if (status) {
        destroy(c);
        return status;
    }
    pthread_mutex_lock(&c->lock);
    while (c->opened < 0) pthread_cond_wait(&c->answered, &c->lock);
    pthread_mutex_unlock(&c->lock);
    if (c->opened) {
        pthread_join(c->thread, NULL);
        status = error_set(c->opened, "%s", c->failure);
        destroy(c);
        return status;
    }
    *c_out = c;
    return 0;
}

int comm_rank(const struct comm *c) { return c ? c->peers.rank : 0; }
int comm_size(const struct comm *c) { return c ? c->peers.size : 1; }
int comm_local_rank(const struct comm *c) { return c ? c->peers.local_rank : 0; }
int comm_local_size(const struct comm *c) { return c ? c->peers.local_size : 1; }
const char *comm_carrier(const struct comm *c) { return c ? c->peers.by : ""; }

void comm_timeout(struct comm *c, double seconds) {
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->timeout = seconds;
    pthread_mutex_unlock(&c->lock);
}

void comm_report_to(struct comm *c, const char *dir) {
    if (!c) return;
    if (dir && comm_rank(c) == 0) hang_clear(dir);
    pthread_mutex_lock(&c->lock);
    free(c->report);
    c->report = dir ? mem_strdup(dir) : NULL;
    pthread_mutex_unlock(&c->lock);
}

void comm_listen(struct comm *c, struct comm_word w) {
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->word = w;
    pthread_cond_signal(&c->asked); /* it may wait for a request, as long as it takes */
    pthread_mutex_unlock(&c->lock);
}

void comm_at_end(struct comm *c, void (*let_go)(void *ctx, int status), void *ctx) {
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->let_go = let_go;
    c->let_go_ctx = ctx;
    pthread_mutex_unlock(&c->lock);
}

static void ask(struct comm *c, struct request *r) {
    pthread_mutex_lock(&c->lock);
    if (r->e.kind != EX_LEAVE) r->limit = c->timeout;
    if (r->begun) c->begun++;
    *c->last = r;
    c->last = &r->next;
    pthread_cond_signal(&c->asked);
    pthread_mutex_unlock(&c->lock);
}

static void answer(struct comm *c, struct request *r) {
    ask(c, r);
    pthread_mutex_lock(&c->lock);
    while (!r->done) pthread_cond_wait(&c->answered, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static void exchange(struct comm *c, struct exchange e) {
    struct request r = {.e = e};
    answer(c, &r);
}

void comm_close(struct comm *c, int status) {
    if (!c) return;
    bool heard = c->word.failed && c->peers.rank; /* the word is of this thread, comm_listen() */
    struct request r = {.e = {.kind = EX_LEAVE, .status = status},
                        .limit = status && !heard ? LEAVE_FAILED_S : LEAVE_S};
    answer(c, &r);
    pthread_join(c->thread, NULL);
    destroy(c);
}

void comm_barrier(struct comm *c) {
    if (c) exchange(c, (struct exchange){.kind = EX_BARRIER});
}

void comm_broadcast(struct comm *c, void *x, size_t bytes) {
    if (c && bytes) exchange(c, (struct exchange){.kind = EX_BROADCAST, .x = x, .n = bytes});
}

void comm_gather(struct comm *c, const void *mine, size_t bytes, void *all) {
    if (!c)
        memcpy(all, mine, bytes);
    else
        exchange(c, (struct exchange){.kind = EX_GATHER, .mine = mine, .n = bytes, .all = all});
}

void comm_sum_floats(struct comm *c, float *x, size_t n) {
    if (c && n) exchange(c, (struct exchange){.kind = EX_SUM, .x = x, .n = n});
}

/* ---- tensors ---- */

/* So that none goes on without another. Who knows what is wrong says so. */
static int agree_on_nccl(struct comm *c, const char *wrong) {
    double bad = wrong != NULL;
    comm_max(c, &bad, 1);
    if (wrong) return error_set(ERR_DEVICE, "no usable NCCL, because %s", wrong);
    return bad > 0 ? error_set(ERR_DEVICE, "%s", "") : 0;
}

int comm_nccl_open(struct comm *c, bool host) {
    struct nccl_id id = {0};
    if (!c || c->nccl) return 0;
    int status = agree_on_nccl(c, wire_nccl_prepare(host));
    if (!status) status = agree_on_nccl(c, comm_rank(c) ? NULL : wire_nccl_id(&id));
    if (status) return status;
    comm_broadcast(c, &id, sizeof id);
    exchange(c, (struct exchange){.kind = EX_NCCL, .x = &id});
    c->nccl = true;
    return 0;
}

bool comm_has_nccl(const struct comm *c) { return c && c->nccl; }

/* `begun`: nobody waits for the answer now. */
static void exchange_tensor(struct comm *c, struct exchange e, bool begun) {
    if (error_status()) return;
    struct request here = {0}, *r = begun ? mem_alloc(1, sizeof *r) : &here;
    e.tensors = c->nccl;
    *r = (struct request){.e = e, .begun = begun};
    const char *wrong = c->nccl ? wire_nccl_mark(&r->mark) : NULL;
    if (wrong) {
        error_set(ERR_INTERNAL, "%s: the NVIDIA driver says: %s", name_of(e.kind), wrong);
        if (begun) free(r);
        return;
    }
    (begun ? ask : answer)(c, r);
}

void comm_broadcast_tensor(struct comm *c, tensor *x) {
    static const size_t sizes[] = {4, 8, 2, 2, 8, 4, 1, 1}; /* enum t_dtype */
    void *at = c ? t_data(x) : NULL;
    size_t n = at ? (size_t)t_numel(x) * sizes[t_dtype(x)] : 0;
    if (n) exchange_tensor(c, (struct exchange){.kind = EX_BROADCAST, .x = at, .n = n}, false);
}

void comm_gather_tensor(struct comm *c, tensor *mine, tensor *all) {
    if (!c) {
        t_copy_(all, t_reshape(mine, t_shape(all)));
        return;
    }
    void *from = t_data(mine), *to = t_data(all);
    size_t n = from ? (size_t)t_numel(mine) * sizeof(float) : 0;
    REQUIRE(error_status() || t_numel(all) == t_numel(mine) * comm_size(c),
            "no room for the tensors of all ranks");
    struct exchange e = {.kind = EX_GATHER, .mine = from, .n = n, .all = to};
    if (n) exchange_tensor(c, e, false);
}

static void sum_tensor(struct comm *c, tensor *x, const struct shared *where, bool begun) {
    float *at = c ? t_data(x) : NULL;
    struct exchange e = {.kind = EX_SUM, .x = at, .n = at ? (size_t)t_numel(x) : 0, .where = where};
    if (e.n) exchange_tensor(c, e, begun);
}

void comm_sum_tensor(struct comm *c, tensor *x) { sum_tensor(c, x, NULL, false); }
void comm_sum_tensor_start(struct comm *c, tensor *x, const struct shared *where) {
    sum_tensor(c, x, where, true);
}

void comm_sums_wait(struct comm *c) {
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    while (c->begun) pthread_cond_wait(&c->answered, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

bool comm_is_summing(struct comm *c) {
    if (!c) return false;
    pthread_mutex_lock(&c->lock);
    bool is = c->begun;
    pthread_mutex_unlock(&c->lock);
    return is;
}
