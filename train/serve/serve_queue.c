#include "train/serve/serve_queue.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "train/serve/serve_answer.h"

int job_queue_open(struct job_queue *q, int seats) {
    pthread_condattr_t how;
    *q = (struct job_queue){.seats = seats, .wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (q->wake < 0) return error_set(ERR_INTERNAL, "an eventfd cannot be made");
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &how);
    pthread_condattr_destroy(&how);
    return 0;
}

static void job_free(struct job *j) {
    str_free(&j->picture);
    free(j->file_name);
    vocabulary_close(&j->names);
    str_free(&j->answer.body);
    free(j);
}

void job_queue_close(struct job_queue *q) {
    if (q->wake < 0) return;
    while (q->first) {
        struct job *j = q->first;
        q->first = j->next;
        job_free(j);
    }
    close(q->wake);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
}

void job_queue_wake(struct job_queue *q) {
    uint64_t one = 1;
    if (write(q->wake, &one, sizeof one) < 0) return; /* it is as full as can be: readable */
}

struct job *job_seat(struct job_queue *q) {
    struct job *j = NULL;
    pthread_mutex_lock(&q->lock);
    if (!q->ended && q->taken < q->seats) {
        q->taken++;
        j = mem_alloc(1, sizeof *j);
    }
    pthread_mutex_unlock(&q->lock);
    return j;
}

/* An answer in the place of a turn. */
static void turn_away(struct job *j) {
    j->state = JOB_DONE;
    serve_error(&j->answer, SERVE_BUSY, "the server is being stopped", "start it again");
}

void job_submit(struct job_queue *q, struct job *j) {
    pthread_mutex_lock(&q->lock);
    if (q->ended) {
        turn_away(j);
    } else {
        struct job **at = &q->first;
        while (*at) at = &(*at)->next;
        *at = j;
        j->state = JOB_WAITING;
    }
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    job_queue_wake(q);
}

int job_position(struct job_queue *q, const struct job *j) {
    int before = 0;
    pthread_mutex_lock(&q->lock);
    for (const struct job *k = q->first; k && k != j; k = k->next) before++;
    if (j->state == JOB_DONE) before = -1;
    pthread_mutex_unlock(&q->lock);
    return before;
}

static void take_out(struct job_queue *q, struct job *j) {
    for (struct job **at = &q->first; *at; at = &(*at)->next)
        if (*at == j) {
            *at = j->next;
            return;
        }
}

void job_leave(struct job_queue *q, struct job *j) {
    pthread_mutex_lock(&q->lock);
    if (j->state == JOB_RUNNING) {
        j->left = true;
    } else {
        take_out(q, j);
        job_free(j);
        q->taken--;
    }
    pthread_mutex_unlock(&q->lock);
    job_queue_wake(q);
}

int job_retry_after(struct job_queue *q) {
    enum { MOST = 600 };
    pthread_mutex_lock(&q->lock);
    double s = q->seconds * q->taken;
    pthread_mutex_unlock(&q->lock);
    return s < 1 ? 1 : s > MOST ? MOST : (int)s + 1;
}

void job_queue_end(struct job_queue *q) {
    struct job *waits = NULL;
    pthread_mutex_lock(&q->lock);
    q->ended = true;
    if (q->first && q->first->state == JOB_RUNNING) {
        waits = q->first->next;
        q->first->next = NULL;
    } else {
        waits = q->first;
        q->first = NULL;
    }
    while (waits) {
        struct job *j = waits;
        waits = j->next;
        j->next = NULL;
        turn_away(j);
    }
    pthread_mutex_unlock(&q->lock);
    job_queue_wake(q);
}

struct job *job_next(struct job_queue *q, double within) {
    struct timespec until;
    struct job *j = NULL;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)(within * 1e9);
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&q->lock);
    if (!q->first) pthread_cond_timedwait(&q->changed, &q->lock, &until);
    if (q->first) {
        j = q->first;
        j->state = JOB_RUNNING;
    }
    pthread_mutex_unlock(&q->lock);
    job_queue_wake(q);
    return j;
}

void job_done(struct job_queue *q, struct job *j, double seconds) {
    pthread_mutex_lock(&q->lock);
    take_out(q, j);
    q->seconds = q->seconds > 0 ? 0.5 * (q->seconds + seconds) : seconds;
    j->state = JOB_DONE;
    if (j->left) {
        job_free(j);
        q->taken--;
    }
    pthread_mutex_unlock(&q->lock);
    job_queue_wake(q);
}
