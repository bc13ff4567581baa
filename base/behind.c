#include "base/behind.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/thread.h"

struct slot {
    void *job;
    size_t bytes;
    bool done;
    int code;
    char *message; /* of a job that failed */
};

struct behind {
    struct behind_options o;
    int (*work)(void *ctx, void *job);
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t *thread;
    int threads;
    struct slot *slot;          /* ring: job i lies in slot i % jobs */
    size_t taken, begun, given; /* jobs so far: taken back, begun by a thread, given */
    size_t bytes;               /* given and not taken back */
    bool closing;
};

static void do_job(struct behind *b, struct slot *s) {
    s->code = b->work(b->ctx, s->job);
    if (s->code) s->message = mem_strdup(error_message());
    error_clear();
}

static void *work(void *arg) {
    struct behind *b = arg;
    pthread_mutex_lock(&b->lock);
    for (;;) {
        while (!b->closing && b->begun == b->given) pthread_cond_wait(&b->changed, &b->lock);
        if (b->begun == b->given) break; /* closing, and nothing is left to do */
        struct slot *s = &b->slot[b->begun++ % b->o.jobs];
        pthread_mutex_unlock(&b->lock);
        do_job(b, s);
        pthread_mutex_lock(&b->lock);
        s->done = true;
        pthread_cond_broadcast(&b->changed);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

struct behind *behind_open(struct behind_options o, int (*work_of)(void *ctx, void *job),
                           void *ctx) {
    REQUIRE(o.threads >= 0 && o.jobs, "%d threads, %zu jobs", o.threads, o.jobs);
    struct behind *b = mem_alloc(1, sizeof *b);
    *b = (struct behind){.o = o, .work = work_of, .ctx = ctx};
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    b->slot = mem_alloc(o.jobs, sizeof *b->slot);
    b->thread = mem_alloc((size_t)o.threads + 1, sizeof *b->thread);
    for (; b->threads < o.threads; b->threads++)
        if (thread_start(&b->thread[b->threads], work, b)) {
            behind_close(b);
            return NULL;
        }
    return b;
}

bool behind_any(const struct behind *b) { return b->given > b->taken; }

bool behind_room(const struct behind *b, size_t bytes) {
    if (!behind_any(b)) return true;
    return b->given - b->taken < b->o.jobs && b->bytes < b->o.bytes &&
           bytes <= b->o.bytes - b->bytes;
}

void behind_put(struct behind *b, void *job, size_t bytes) {
    REQUIRE(behind_room(b, bytes), "%zu bytes beside %zu", bytes, b->bytes);
    struct slot *s = &b->slot[b->given % b->o.jobs];
    *s = (struct slot){.job = job, .bytes = bytes};
    if (!b->o.threads) {
        do_job(b, s);
        s->done = true;
        b->begun++;
    }
    pthread_mutex_lock(&b->lock);
    b->bytes += bytes;
    b->given++;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

bool behind_done(struct behind *b) {
    if (!behind_any(b)) return false;
    pthread_mutex_lock(&b->lock);
    bool done = b->slot[b->taken % b->o.jobs].done;
    pthread_mutex_unlock(&b->lock);
    return done;
}

int behind_take(struct behind *b, void **job) {
    REQUIRE(behind_any(b), "no job was given");
    struct slot *s = &b->slot[b->taken % b->o.jobs];
    pthread_mutex_lock(&b->lock);
    while (!s->done) pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
    *job = s->job;
    b->bytes -= s->bytes;
    b->taken++;
    int code = s->code;
    if (code) error_set(code, "%s", s->message);
    free(s->message);
    *s = (struct slot){0};
    return code;
}

void behind_close(struct behind *b) {
    if (!b) return;
    pthread_mutex_lock(&b->lock);
    b->closing = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    for (int i = 0; i < b->threads; i++) pthread_join(b->thread[i], NULL);
    for (size_t i = 0; i < b->o.jobs; i++) free(b->slot[i].message);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->changed);
    free(b->slot);
    free(b->thread);
    free(b);
}
