/* One request, from its head to the last byte of its answer. Inside serve_http*.c and
 * serve_visit.c, with libmicrohttpd alone. */
#pragma once

#include <microhttpd.h>

#include "train/serve/serve_form.h"
#include "train/serve/serve_http.h"

/* Where a connection stands, each with a time of its own. */
enum link_phase { LINK_IDLE, LINK_UPLOAD, LINK_WAIT, LINK_SEND };

struct serve_link {
    struct serve_link *next;
    struct MHD_Connection *connection;
    int socket;
    enum link_phase phase;
    double since; /* clock_s() */
    bool suspended, dead;
    bool asked; /* whether anybody is there, of the request at hand */
    struct serve_visit *visit;
};

struct serve_visit {
    struct serve_http *http;
    struct serve_link *link;
    struct job *job; /* of POST /segment; NULL: none */
    struct serve_form form;
    bool complete, streams;
    bool old;        /* HTTP/1.0 */
    int told;        /* the position in the queue that was said last */
    struct str line; /* of a stream: what is said next, */
    const struct str *saying;
    size_t said; /* and how much of it was */
};

void serve_link_phase(struct serve_link *l, enum link_phase phase);

/* For MHD_start_daemon. */
enum MHD_Result serve_visit_handle(void *http, struct MHD_Connection *c, const char *path,
                                   const char *method, const char *version, const char *data,
                                   size_t *n, void **visit);
void serve_visit_end(void *http, struct MHD_Connection *c, void **visit,
                     enum MHD_RequestTerminationCode how);

/* Whether a suspended one has something to say now. */
bool serve_visit_ready(struct serve_visit *v);

/* Says something to the client of a suspended one, that it expects and that changes nothing: it
 * fails to arrive when nobody is there. Nothing of the kind exists in HTTP/1.0. */
void serve_visit_ask(struct serve_visit *v);

/* A reply whose body is copied, or, `owned`, taken over; its head is complete. */
enum MHD_Result serve_reply(struct serve_visit *v, int status, const char *type, const char *body,
                            size_t n, bool owned);
enum MHD_Result serve_reply_page(struct serve_visit *v);
void serve_head(struct MHD_Response *r, const char *type, const char *nonce);
