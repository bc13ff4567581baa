#include "train/serve/serve_http.h"

#include "base/error.h"

#ifdef OVSEG_MICROHTTPD
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "train/serve/serve_names.h"
#include "train/serve/serve_visit.h"
#include "train/signals.h"

enum {
    CONNECTIONS = 100,
    BACKLOG = 100,
    HEAD_MEMORY = 32 << 10, /* of a connection: its head, and pieces of bodies */
    TICK = 250,             /* ms */
    LAST_ANSWERS = 5        /* s, after the end was asked for */
};
static const double HEAD_TIME = 10; /* s: to say what is wanted, and between two requests */

int serve_http_known(void) { return 0; }

/* ---- the socket ---- */

static int find_address(const char *address, int port, struct addrinfo **out) {
    char service[8];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(address, service, &hints, out))
        return error_set(ERR_USAGE, "--listen %s: is no numeric address, such as 127.0.0.1 or ::1",
                         address);
    return 0;
}

static int listen_on(struct serve_http *h) {
    struct addrinfo *a;
    const char *address = h->with.address;
    int one = 1, status = find_address(address, h->with.port, &a);
    if (status) return status;
    int s = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s >= 0) setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (s < 0 || bind(s, a->ai_addr, a->ai_addrlen) || listen(s, BACKLOG)) {
        bool used = errno == EADDRINUSE;
        status = error_set(ERR_IO, "%s port %d: cannot listen there: %s; %s", address, h->with.port,
                           strerror(errno),
                           used ? "--port 0 takes one that is free" : "name another by --port");
        if (s >= 0) close(s);
    } else {
        h->listens = s;
    }
    freeaddrinfo(a);
    return status;
}

static int name_url(struct serve_http *h) {
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    char host[64], port[16];
    if (getsockname(h->listens, (struct sockaddr *)&at, &n) ||
        getnameinfo((struct sockaddr *)&at, n, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return error_set(ERR_IO, "%s: the socket has no address", h->with.address);
    bool six = strchr(host, ':');
    h->beyond = !serve_address_is_loopback(host);
    h->url = mem_format("http://%s%s%s:%s/", six ? "[" : "", host, six ? "]" : "", port);
    return 0;
}

/* ---- connections ---- */

static void note_connection(void *http, struct MHD_Connection *c, void **context,
                            enum MHD_ConnectionNotificationCode what) {
    struct serve_http *h = http;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        struct serve_link *l = mem_alloc(1, sizeof *l);
        l->connection = c;
        l->socket = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        serve_link_phase(l, LINK_IDLE);
        l->next = h->links;
        h->links = l;
        *context = l;
        return;
    }
    struct serve_link **at = &h->links;
    while (*at && *at != *context) at = &(*at)->next;
    if (*at) *at = (*at)->next;
    free(*context);
    *context = NULL;
}

static void resume(struct serve_link *l) {
    if (!l->suspended) return;
    l->suspended = false;
    MHD_resume_connection(l->connection);
}

/* MHD sees the end of the stream, and closes it. */
static void end_link(struct serve_link *l) {
    if (l->dead) return;
    l->dead = true;
    shutdown(l->socket, SHUT_RDWR);
    resume(l);
}

/* No more will come, and all that came is read. MHD misses the end of a stream that comes together
 * with the last bytes, until something else happens to the connection. */
static bool has_ended(const struct serve_link *l) {
    char byte;
    return recv(l->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool is_refused(const struct serve_link *l) {
    struct pollfd p = {l->socket, 0, 0};
    return poll(&p, 1, 0) > 0; /* nothing but errors was asked for */
}

/* Whether nobody waits for the answer any more. Whoever has said all and listens on (`nc -N`) looks
 * like one who went away until something is sent, which the latter's machine refuses. */
static bool waits_for_nothing(struct serve_link *l) {
    if (!l->suspended) return false; /* MHD does not look at one that is */
    if (!l->asked && has_ended(l)) {
        l->asked = true;
        serve_visit_ask(l->visit);
    }
    return is_refused(l);
}

static void look_after(struct serve_http *h, double now) {
    for (struct serve_link *l = h->links, *next; l; l = next) {
        double waited = now - l->since;
        next = l->next;
        bool late = false;
        switch (l->phase) {
        case LINK_IDLE: late = waited > HEAD_TIME || has_ended(l); break;
        case LINK_UPLOAD: late = waited > h->with.limits.timeout || has_ended(l); break;
        case LINK_WAIT: late = waits_for_nothing(l); break;
        case LINK_SEND: late = waited > h->with.limits.timeout; break;
        }
        if (late)
            end_link(l);
        else if (l->suspended && l->visit && serve_visit_ready(l->visit))
            resume(l);
    }
}

/* ---- the thread ---- */

static void wait(struct serve_http *h) {
    int of_mhd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    struct pollfd fd[] = {{of_mhd, POLLIN, 0}, {h->queue->wake, POLLIN, 0}};
    MHD_UNSIGNED_LONG_LONG ms;
    int most = TICK;
    if (MHD_get_timeout(h->daemon, &ms) == MHD_YES && ms < TICK) most = (int)ms;
    uint64_t count;
    if (poll(fd, 2, most) > 0 && (fd[1].revents & POLLIN))
        while (read(h->queue->wake, &count, sizeof count) > 0) continue;
}

static bool anything_to_say(const struct serve_http *h) {
    for (const struct serve_link *l = h->links; l; l = l->next)
        if (l->visit) return true;
    return false;
}

/* No more; what waits is turned away, and the picture at work gets its answer. */
static void close_door(struct serve_http *h) {
    if (h->listens < 0) return;
    job_queue_end(h->queue);
    int s = MHD_quiesce_daemon(h->daemon);
    if (s >= 0) close(s);
    h->listens = -1;
}

static void *work(void *http) {
    struct serve_http *h = http;
    double ends = INFINITY;
    for (;;) {
        double now = clock_s();
        if (h->stopping || signals_noted()) close_door(h);
        if (h->stopping && isinf(ends)) ends = now + LAST_ANSWERS;
        if (now > ends || (h->stopping && !anything_to_say(h))) break;
        wait(h);
        look_after(h, clock_s());
        MHD_run(h->daemon);
    }
    for (struct serve_link *l = h->links; l; l = l->next) end_link(l);
    MHD_run(h->daemon);
    MHD_stop_daemon(h->daemon); /* which ends all visits */
    return NULL;
}

__attribute__((format(printf, 2, 0))) static void tell(void *self, const char *format, va_list ap) {
    char text[512];
    (void)self;
    vsnprintf(text, sizeof text, format, ap);
    text[strcspn(text, "\n")] = '\0';
    log_debug("libmicrohttpd: %s", text);
}

/* Paths are compared as they come: nothing of ours has a % in it, and %00 would end a string. */
static size_t leave_escaped(void *self, struct MHD_Connection *c, char *text) {
    (void)self, (void)c;
    return strlen(text);
}

static int start_daemon(struct serve_http *h) {
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        serve_visit_handle, h, MHD_OPTION_EXTERNAL_LOGGER, tell, NULL, MHD_OPTION_LISTEN_SOCKET,
        h->listens, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MEMORY, MHD_OPTION_NOTIFY_COMPLETED,
        serve_visit_end, h, MHD_OPTION_NOTIFY_CONNECTION, note_connection, h,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (h->daemon) return 0;
    return error_set(ERR_INTERNAL, "libmicrohttpd %s does not start", MHD_get_version());
}

int serve_http_start(struct serve_http *h, struct job_queue *q,
                     const struct serve_http_options *o) {
    *h = (struct serve_http){.with = *o, .queue = q, .listens = -1};
    int status = listen_on(h);
    if (!status) status = name_url(h);
    if (!status) status = start_daemon(h);
    if (!status) status = thread_start(&h->thread, work, h);
    h->running = !status;
    return status;
}

void serve_http_stop(struct serve_http *h) {
    h->stopping = true;
    if (h->running) {
        job_queue_wake(h->queue);
        pthread_join(h->thread, NULL);
    } else if (h->daemon) {
        MHD_stop_daemon(h->daemon);
    } else if (h->listens >= 0) {
        close(h->listens);
    }
    free(h->url);
    *h = (struct serve_http){.listens = -1};
}

#else

int serve_http_known(void) {
    return error_set(ERR_DEVICE,
                     "ovseg serve: this build has no libmicrohttpd; install libmicrohttpd-dev, "
                     "configure and build again");
}

int serve_http_start(struct serve_http *h, struct job_queue *q,
                     const struct serve_http_options *o) {
    *h = (struct serve_http){.with = *o, .queue = q, .listens = -1};
    return serve_http_known();
}

void serve_http_stop(struct serve_http *h) { *h = (struct serve_http){.listens = -1}; }
#endif
