/* A multipart form as it comes in: fields `picture` (a file), `names`, `min_score` and `maps`. What
 * is wrong is noted when it is seen, and no more is kept from then on. */
#pragma once

#include "train/serve/serve_queue.h"

struct MHD_Connection;
struct MHD_PostProcessor;

struct serve_form {
    const struct serve_limits *limits;
    struct job *job; /* that it is for */
    struct MHD_PostProcessor *parts;
    struct str names, min_score, maps;
    int64_t bytes; /* of the body, so far */
    bool pictured;
    struct serve_answer wrong; /* status 0: nothing is */
};

/* False: it is no multipart form. */
bool serve_form_open(struct serve_form *f, struct MHD_Connection *c, struct job *j,
                     const struct serve_limits *limits);
void serve_form_close(struct serve_form *f);

/* The next bytes of the body. False: there are so many too many that the connection is to end. */
bool serve_form_put(struct serve_form *f, const char *bytes, size_t n);

/* All are there: the job is complete, or f->wrong says why not. The picture is judged by its header
 * alone. */
void serve_form_end(struct serve_form *f);
