#include "data/loader.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

struct slot {
    void *at;
    bool ready;
    int code;
    char *message; /* of a failed fill */
};

struct loader {
    struct loader_source source;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t *thread;
    int64_t threads;
    struct slot *slot; /* ring: step s lies in slot s % slots */
    int64_t slots;
    int64_t planned, next, end; /* steps: to be planned, to be handed out, one past the last */
    bool closing;
    double waited;
};

static void *work(void *arg) {
    struct loader *l = arg;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        /* One slot stays with the caller, who reads it until it asks for the next. */
        while (!l->closing && l->planned < l->end && l->planned >= l->next + l->slots - 1)
            pthread_cond_wait(&l->changed, &l->lock);
        if (l->closing || l->planned >= l->end) break;
        int64_t step = l->planned++;
        struct slot *s = &l->slot[step % l->slots];
        if (l->source.plan) l->source.plan(l->source.ctx, step, s->at);
        pthread_mutex_unlock(&l->lock);
        int code = l->source.fill(l->source.ctx, step, s->at);
        pthread_mutex_lock(&l->lock);
        s->code = code;
        if (code) s->message = mem_strdup(error_message());
        error_clear();
        s->ready = true;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

struct loader *loader_open(struct loader_options o, struct loader_source source, int64_t first,
                           int64_t end) {
    REQUIRE(o.threads >= 1 && o.ahead >= 1, "a loader of %lld threads, %lld ahead",
            (long long)o.threads, (long long)o.ahead);
    struct loader *l = mem_alloc(1, sizeof *l);
    *l = (struct loader){.source = source, .planned = first, .next = first, .end = end};
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    l->slots = o.ahead + 2; /* ahead, the one being asked for, the one in the caller's hands */
    l->slot = mem_alloc((size_t)l->slots, sizeof *l->slot);
    l->thread = mem_alloc((size_t)o.threads, sizeof *l->thread);
    for (int64_t i = 0; i < l->slots; i++) {
        l->slot[i].at = mem_try(1, source.slot_bytes);
        if (!l->slot[i].at) goto done;
    }
    for (; l->threads < o.threads; l->threads++) {
        int e = pthread_create(&l->thread[l->threads], NULL, work, l);
        if (!e) continue;
        error_set(ERR_INTERNAL, "cannot start a loader thread: %s", strerror(e));
        goto done;
    }
    return l;
done:
    loader_close(l);
    return NULL;
}

int loader_next(struct loader *l, void **slot) {
    double from = clock_s();
    pthread_mutex_lock(&l->lock);
    REQUIRE(l->next < l->end, "no batch after step %lld", (long long)l->end - 1);
    struct slot *s = &l->slot[l->next % l->slots];
    while (!s->ready) pthread_cond_wait(&l->changed, &l->lock);
    s->ready = false;
    l->next++;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    l->waited += clock_s() - from;
    *slot = s->at;
    if (!s->code) return 0;
    int code = error_set(s->code, "%s", s->message);
    free(s->message);
    s->message = NULL;
    s->code = 0;
    return code;
}

double loader_waited_s(const struct loader *l) { return l->waited; }

void loader_close(struct loader *l) {
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->closing = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    for (int64_t i = 0; i < l->threads; i++) pthread_join(l->thread[i], NULL);
    for (int64_t i = 0; l->slot && i < l->slots; i++) {
        free(l->slot[i].at);
        free(l->slot[i].message);
    }
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    free(l->slot);
    free(l->thread);
    free(l);
}
