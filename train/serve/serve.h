/* `ovseg serve`: a page and a JSON end point that segment pictures, one at a time.
 *
 *   serve_http    requests and answers, on a thread of its own (libmicrohttpd)
 *   serve_form    what a request holds: a form, its limits
 *   serve_queue   pictures between the two threads: seats, turns, answers
 *   serve_model   the model, on the thread that libtorch was opened on
 *   serve_answer  what is said of a picture, as JSON
 *   serve_page    the page itself (serve_page.html)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* What a request may ask for. */
struct serve_limits {
    int64_t upload; /* bytes of its body */
    int64_t pixels; /* of the picture, judged by its header */
    int waiting;    /* pictures that wait while one is segmented */
    double timeout; /* s that an upload, or taking an answer, may last */
};

enum {
    SERVE_NAMES_MAX = 1000,     /* names that are typed */
    SERVE_NAME_MAX = 200,       /* bytes of one */
    SERVE_NAMES_TEXT = 64 << 10 /* bytes of all */
};

/* The statuses that answers have. */
enum {
    SERVE_OK = 200,
    SERVE_BAD_REQUEST = 400,
    SERVE_FORBIDDEN = 403,
    SERVE_NOT_FOUND = 404,
    SERVE_WRONG_METHOD = 405,
    SERVE_TOO_LARGE = 413,
    SERVE_WRONG_TYPE = 415,
    SERVE_WRONG_HOST = 421,
    SERVE_BAD_PICTURE = 422,
    SERVE_FAILED = 500,
    SERVE_BUSY = 503,
};

/* What a request is answered with; the body is one JSON object. */
struct serve_answer {
    int status;
    struct str body;
};
