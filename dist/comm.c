#include "dist/comm.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dist/hang.h"
#include "dist/wire.h"

enum {
    LEAVE_S = 60,      /* how long who is done waits for the others */
    LEAVE_FAILED_S = 5 /* and who has failed, for others that have as well */
};

struct request {
    struct exchange e;
    double limit; /* how long it may take, seconds; 0: as long as it takes */
    bool begun;   /* by comm_sum_start(): the thread frees it */
    bool done;
    struct request *next;
};

struct comm {
    struct wire_peers peers;
    const struct launch *launch;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    struct request *first, **last; /* to be done, in order */
    size_t begun;                  /* sums that go on */
    int opened;                    /* -1: not yet; else the status of wire_open() */
    char *failure;                 /* its message */
    double timeout;
    char *report;
};

/* ---- the thread ---- */

static const char *name_of(enum exchange_kind k) {
    static const char *const names[] = {"a sum of gradients", "numbers of all ranks",
                                        "what rank 0 sends", "all ranks", "the others' end"};
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

_Noreturn static void give_up(const struct work *w) {
    const struct exchange *e = &w->r->e;
    if (e->kind == EX_LEAVE) wire_abort(e->status ? e->status : ERR_INTERNAL);
    pthread_mutex_lock(&w->c->lock);
    char *dir = w->c->report ? mem_strdup(w->c->report) : NULL;
    pthread_mutex_unlock(&w->c->lock);
    hang_report(&(struct hang){.dir = dir,
                               .rank = w->c->peers.rank,
                               .size = w->c->peers.size,
                               .what = name_of(e->kind),
                               .number = w->number,
                               .seconds = clock_s() - w->since});
    wire_abort(ERR_INTERNAL);
}

/* Between two looks at MPI: at first none, soon a fifth of a millisecond, for the cores are wanted
 * for other work. */
static void idle(void *ctx) {
    struct work *w = ctx;
    if (w->polls++ < 50) return;
    nanosleep(&(struct timespec){.tv_nsec = w->polls < 200 ? 20000 : 200000}, NULL);
    if (w->r->limit > 0 && clock_s() - w->since > w->r->limit) give_up(w);
}

static void serve(struct comm *c, const struct request *r, long number) {
    struct work w = {.c = c, .r = r, .number = number, .since = clock_s()};
    const char *wrong = wire_do(&r->e, (struct wire_wait){idle, &w});
    if (!wrong) return;
    if (r->e.kind == EX_LEAVE && r->e.status) wire_abort(r->e.status);
    log_error("rank %d of %d: %s", c->peers.rank, c->peers.size, wrong);
    wire_abort(ERR_INTERNAL);
}

static struct request *next_request(struct comm *c) {
    while (!c->first) pthread_cond_wait(&c->asked, &c->lock);
    struct request *r = c->first;
    c->first = r->next;
    if (!c->first) c->last = &c->first;
    return r;
}

static void *run(void *arg) {
    struct comm *c = arg;
    int status = wire_open(&c->peers, c->launch);
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
        if (over) wire_close();
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
    c->last = &c->first;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->asked, NULL);
    pthread_cond_init(&c->answered, NULL);
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
int comm_local_size(const struct comm *c) { return c ? c->peers.local_size : 1; }

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
    struct request r = {.e = {.kind = EX_LEAVE, .status = status},
                        .limit = status ? LEAVE_FAILED_S : LEAVE_S};
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

/* Rows of all ranks, owned; numbers are then folded in the order of ranks: the same bits
 * everywhere. NULL: there is nothing to do. */
static void *rows_of_all(struct comm *c, const void *mine, size_t n, size_t size) {
    if (!c || !n) return NULL;
    void *all = mem_alloc(n * (size_t)comm_size(c), size);
    comm_gather(c, mine, n * size, all);
    return all;
}

void comm_sum(struct comm *c, double *x, size_t n) {
    double *all = rows_of_all(c, x, n, sizeof *x);
    for (size_t i = 0; all && i < n; i++) {
        x[i] = all[i];
        for (size_t r = 1; r < (size_t)comm_size(c); r++) x[i] += all[r * n + i];
    }
    free(all);
}

void comm_sum_counts(struct comm *c, int64_t *x, size_t n) {
    int64_t *all = rows_of_all(c, x, n, sizeof *x);
    for (size_t i = 0; all && i < n; i++) {
        x[i] = all[i];
        for (size_t r = 1; r < (size_t)comm_size(c); r++) x[i] += all[r * n + i];
    }
    free(all);
}

void comm_max(struct comm *c, double *x, size_t n) {
    double *all = rows_of_all(c, x, n, sizeof *x);
    for (size_t i = 0; all && i < n; i++)
        for (size_t r = 0; r < (size_t)comm_size(c); r++)
            if (all[r * n + i] > x[i]) x[i] = all[r * n + i];
    free(all);
}

void comm_sum_floats(struct comm *c, float *x, size_t n) {
    if (c && n) exchange(c, (struct exchange){.kind = EX_SUM, .x = x, .n = n});
}

void comm_sum_start(struct comm *c, float *x, size_t n) {
    if (!c || !n) return;
    struct request *r = mem_alloc(1, sizeof *r);
    *r = (struct request){.e = {.kind = EX_SUM, .x = x, .n = n}, .begun = true};
    ask(c, r);
}

void comm_sums_wait(struct comm *c) {
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    while (c->begun) pthread_cond_wait(&c->answered, &c->lock);
    pthread_mutex_unlock(&c->lock);
}
