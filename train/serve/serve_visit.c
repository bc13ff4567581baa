/* What becomes of a request. */
#ifdef OVSEG_MICROHTTPD
#include "train/serve/serve_visit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "train/serve/serve_answer.h"
#include "train/serve/serve_names.h"

static const char json[] = "application/json", lines[] = "application/x-ndjson";

void serve_link_phase(struct serve_link *l, enum link_phase phase) {
    l->phase = phase;
    l->since = clock_s();
}

static enum MHD_Result reply_error(struct serve_visit *v, int status, const char *error,
                                   const char *remedy) {
    struct serve_answer a = {0};
    serve_error(&a, status, error, remedy);
    return serve_reply(v, status, json, a.body.at, a.body.n, true);
}

static const char *header(struct serve_visit *v, const char *name) {
    return MHD_lookup_connection_value(v->link->connection, MHD_HEADER_KIND, name);
}

/* ---- the head ---- */

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

static enum MHD_Result count_host(void *count, enum MHD_ValueKind kind, const char *name,
                                  const char *value) {
    (void)kind, (void)value;
    if (strcasecmp(name, "Host") == 0) ++*(int *)count;
    return MHD_YES;
}

/* Its length, as the head says it; -1: not said. What is no number, MHD refuses. */
static int64_t said_length(struct serve_visit *v) {
    const char *text = header(v, "Content-Length");
    return text ? strtoll(text, NULL, 10) : -1;
}

/* Before a byte of the body is read. */
static enum MHD_Result begin_upload(struct serve_visit *v) {
    const struct serve_limits *limits = &v->http->with.limits;
    if (said_length(v) > limits->upload) {
        char *text = mem_format("the upload is larger than %lld bytes", (long long)limits->upload);
        enum MHD_Result r = reply_error(
            v, SERVE_TOO_LARGE, text, "shrink the picture, or start the server with --max-upload");
        free(text);
        return r;
    }
    v->job = job_seat(v->http->queue);
    if (!v->job)
        return reply_error(v, SERVE_BUSY, "too many pictures are waiting", "try again later");
    if (!serve_form_open(&v->form, v->link->connection, v->job, limits))
        return reply_error(v, SERVE_WRONG_TYPE, "the request is no multipart form",
                           "send one, as curl -F picture=@FILE does");
    const char *accept = header(v, "Accept");
    v->streams = accept && strstr(accept, lines);
    serve_link_phase(v->link, LINK_UPLOAD);
    return MHD_YES;
}

static enum MHD_Result begin(struct serve_visit *v, const char *path, const char *method) {
    const char *host = header(v, "Host"), *origin = header(v, "Origin");
    bool get = is(method, "GET") || is(method, "HEAD"), post = is(method, "POST");
    int hosts = 0;
    MHD_get_connection_values(v->link->connection, MHD_HEADER_KIND, count_host, &hosts);
    if (hosts > 1) /* others may go by another one than we do (RFC 9112 3.2) */
        return reply_error(v, SERVE_BAD_REQUEST, "the request has several Host lines", "send one");
    if (!serve_host_is_ours(host, v->http->beyond, v->http->with.hosts))
        return reply_error(v, SERVE_WRONG_HOST, "this server is not known by that name",
                           "use the address that it printed, or start it with --host NAME");
    if (origin && !serve_origin_is_ours(origin, host))
        return reply_error(v, SERVE_FORBIDDEN, "a page of another origin has asked",
                           "open this server's own page");
    bool known = is(path, "/") || is(path, "/model") || is(path, "/segment");
    if (!known) return reply_error(v, SERVE_NOT_FOUND, "there is no such page", "open /");
    if (is(path, "/segment") ? !post : !get)
        return reply_error(v, SERVE_WRONG_METHOD, "not by this method",
                           "GET / and /model, POST /segment");
    if (post) return begin_upload(v);
    if (is(path, "/")) return serve_reply_page(v);
    const struct str *about = v->http->with.about;
    return serve_reply(v, SERVE_OK, json, about->at, about->n, false);
}

/* ---- the answer ---- */

static void suspend(struct serve_visit *v) {
    v->link->suspended = true;
    MHD_suspend_connection(v->link->connection);
}

bool serve_visit_ready(struct serve_visit *v) {
    int position = job_position(v->http->queue, v->job);
    return position < 0 || (v->streams && position != v->told);
}

void serve_visit_ask(struct serve_visit *v) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (v->streams)
        v->told = INT32_MAX; /* the same line once more */
    else if (!v->old)
        send(v->link->socket, go_on, sizeof go_on - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The next line of a stream; false: there is none yet. */
static bool next_line(struct serve_visit *v) {
    int position = job_position(v->http->queue, v->job);
    if (position >= 0 && position == v->told) return false;
    v->told = position;
    v->said = 0;
    if (position < 0) {
        v->saying = &v->job->answer.body;
        serve_link_phase(v->link, LINK_SEND);
    } else {
        str_free(&v->line);
        str_add(&v->line, "{\"position\":%d}\n", position);
        v->saying = &v->line;
    }
    return true;
}

static ssize_t read_stream(void *visit, uint64_t at, char *to, size_t most) {
    struct serve_visit *v = visit;
    (void)at;
    if (v->link->dead) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (!v->saying || v->said == v->saying->n) {
        if (v->told < 0 && v->saying) return MHD_CONTENT_READER_END_OF_STREAM;
        if (!next_line(v)) {
            suspend(v);
            return 0;
        }
    }
    size_t n = v->saying->n - v->said;
    if (n > most) n = most;
    memcpy(to, v->saying->at + v->said, n);
    v->said += n;
    return (ssize_t)n;
}

static enum MHD_Result stream(struct serve_visit *v) {
    enum { PIECE = 64 << 10 };
    struct MHD_Response *r =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, read_stream, v, NULL);
    if (!r) return MHD_NO;
    v->told = INT32_MAX; /* nothing yet */
    serve_head(r, lines, "");
    serve_link_phase(v->link, LINK_WAIT);
    enum MHD_Result sent = MHD_queue_response(v->link->connection, SERVE_OK, r);
    MHD_destroy_response(r);
    return sent;
}

static enum MHD_Result reply_whole(struct serve_visit *v) {
    struct serve_answer *a = &v->job->answer;
    char *body = a->body.at;
    size_t n = a->body.n;
    a->body = (struct str){0};
    return serve_reply(v, a->status, json, body, n, true);
}

static enum MHD_Result complete(struct serve_visit *v) {
    if (!v->complete) {
        v->complete = true;
        serve_form_end(&v->form);
        if (v->form.wrong.status) {
            struct str body = v->form.wrong.body;
            v->form.wrong.body = (struct str){0};
            return serve_reply(v, v->form.wrong.status, json, body.at, body.n, true);
        }
        job_submit(v->http->queue, v->job);
        if (v->streams) return stream(v);
        serve_link_phase(v->link, LINK_WAIT);
    }
    if (v->link->dead) return MHD_NO;
    if (job_position(v->http->queue, v->job) < 0) return reply_whole(v);
    suspend(v);
    return MHD_YES;
}

/* ---- for MHD ---- */

static struct serve_visit *visit_open(struct serve_http *h, struct MHD_Connection *c) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (!info || !info->socket_context) return NULL;
    struct serve_visit *v = mem_alloc(1, sizeof *v);
    v->http = h;
    v->link = info->socket_context;
    v->link->visit = v;
    return v;
}

enum MHD_Result serve_visit_handle(void *http, struct MHD_Connection *c, const char *path,
                                   const char *method, const char *version, const char *data,
                                   size_t *n, void **visit) {
    struct serve_visit *v = *visit;
    if (!v) {
        *visit = v = visit_open(http, c);
        if (!v) return MHD_NO;
        v->old = is(version, "HTTP/1.0");
        return begin(v, path, method);
    }
    if (*n) {
        bool goes_on = serve_form_put(&v->form, data, *n);
        *n = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    return v->job ? complete(v) : MHD_NO;
}

void serve_visit_end(void *http, struct MHD_Connection *c, void **visit,
                     enum MHD_RequestTerminationCode how) {
    struct serve_visit *v = *visit;
    (void)http, (void)c, (void)how;
    *visit = NULL;
    if (!v) return;
    v->link->visit = NULL;
    v->link->asked = false;
    serve_link_phase(v->link, LINK_IDLE);
    serve_form_close(&v->form);
    if (v->job) job_leave(v->http->queue, v->job);
    str_free(&v->line);
    free(v);
    error_clear();
}
#endif
