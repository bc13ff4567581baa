/* Pictures on their way: the thread of the requests seats them, puts them in the queue and takes
 * the answers; the thread of the model takes one at a time. A seat is held from the first byte of
 * an upload to the last of its answer, so that memory is bounded whatever clients do.
 */
#pragma once

#include <pthread.h>

#include "data/vocabulary.h"
#include "train/serve/serve.h"

enum job_state { JOB_SEATED, JOB_WAITING, JOB_RUNNING, JOB_DONE };

struct job {
    struct job *next; /* of the queue, in the order of their turns */
    enum job_state state;
    bool left; /* whoever asked is gone */

    struct str picture; /* the file */
    char *file_name;
    struct vocabulary names; /* none: those of the model */
    double least;            /* --min-score */
    bool maps;               /* scores of pixels are wanted, too */

    struct serve_answer answer; /* JOB_DONE */
};

struct job_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job *first;
    int seats, taken;
    int wake;       /* readable (eventfd) when an answer is there, or places in the queue changed */
    double seconds; /* that a picture took of late */
    bool ended;
};

int job_queue_open(struct job_queue *q, int seats); /* ERR_INTERNAL */
void job_queue_close(struct job_queue *q);          /* once both threads are done with it */

/* ---- for the thread of the requests ---- */

struct job *job_seat(struct job_queue *q); /* NULL: all are taken, or the queue has ended */
void job_submit(struct job_queue *q, struct job *j);
/* How many are before it: 0 when it is being segmented; -1: its answer is there. */
int job_position(struct job_queue *q, const struct job *j);
/* The end of it for whoever asked, at any time: what waits is not segmented. */
void job_leave(struct job_queue *q, struct job *j);
int job_retry_after(struct job_queue *q); /* s until a seat may be free */
void job_queue_wake(struct job_queue *q);
/* No more: what waits is answered with SERVE_BUSY. From any thread. */
void job_queue_end(struct job_queue *q);

/* ---- for the thread of the model ---- */

/* The next one, within about that many seconds, or NULL. */
struct job *job_next(struct job_queue *q, double within);
void job_done(struct job_queue *q, struct job *j, double seconds); /* its answer is complete */
