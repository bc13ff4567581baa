/* Requests and answers, on a thread of its own: libmicrohttpd, polled from outside, so that the
 * thread also ends what takes too long.
 *
 *   GET /         the page
 *   GET /model    what is served: model, names, limits
 *   POST /segment a multipart form -> a result (serve_answer.h); with "Accept:
 *                 application/x-ndjson" lines {"position": N} while it waits, then the result
 *
 * Nothing is opened by a path. A request of another host name, or of a page of another origin, is
 * refused; answers allow nothing but the page's own style and script.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "train/serve/serve_queue.h"

struct serve_http_options {
    const char *address;         /* numeric */
    int port;                    /* 0: any that is free */
    const struct strings *hosts; /* names that are ours, besides localhost */
    const struct str *about;     /* GET /model */
    struct serve_limits limits;
};

struct serve_http {
    struct serve_http_options with;
    struct job_queue *queue;
    char *url;   /* of the page */
    bool beyond; /* it listens beyond the loopback */
    struct MHD_Daemon *daemon;
    struct serve_link *links; /* open connections */
    int listens;              /* the socket; -1: no more */
    atomic_bool stopping;
    bool running;
    pthread_t thread;
};

/* ERR_DEVICE: this build has no libmicrohttpd. */
int serve_http_known(void);
/* ERR_USAGE: no such address; ERR_IO: it cannot be listened on. Stop it in any case. */
int serve_http_start(struct serve_http *h, struct job_queue *q, const struct serve_http_options *o);
/* Takes no more requests; answers that are on their way have some seconds. */
void serve_http_stop(struct serve_http *h);
