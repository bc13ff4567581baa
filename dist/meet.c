#include "dist/meet.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

enum { MAGIC = 0x6f76736d, GUESTS = 64, GUEST_S = 10, CONNECT_S = 5, HOST = 64 };

/* What a guest says, and the answer. Of one build on one kind of machine, as MPI has it. */
struct hello {
    uint32_t magic, size, rank, spare;
    char token[17], host[HOST]; /* texts */
    char pad[7];
};
struct welcome {
    uint32_t magic, local_rank, local_size, spare;
};

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); }

static void prepare_socket(int fd) {
    const int on = 1, idle = 20, every = 10, tries = 3, lost_ms = 50000;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &lost_ms, sizeof lost_ms);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void own_host(char out[HOST]) {
    memset(out, 0, HOST);
    gethostname(out, HOST - 1);
}

static bool is_loopback(const char *address) {
    return !strcmp(address, "localhost") || !strcmp(address, "127.0.0.1") ||
           !strcmp(address, "::1");
}

/* ---- rank 0 ---- */

struct host {
    const struct launch *l;
    int fd; /* listens */
    char token[17];
    char *file; /* MEET_FILE: where all this stands; owned */
    struct guest {
        int fd;
        double since;
        size_t got;
        struct hello hello;
    } guest[GUESTS];
    int guests;
    char (*name)[HOST]; /* [size] the ranks' machines */
};

static int listen_at(struct host *h, const char *address, int port) {
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_family = AF_INET,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *found = NULL;
    const int on = 1;
    int e = getaddrinfo(address, service, &hints, &found), why = 0;
    if (e) return error_set(ERR_DEVICE, "%s: %s", address ? address : "*", gai_strerror(e));
    h->fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (h->fd >= 0) setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (h->fd < 0 || bind(h->fd, found->ai_addr, found->ai_addrlen) || listen(h->fd, 1024))
        why = errno;
    freeaddrinfo(found);
    if (!why) return 0;
    return error_set(ERR_DEVICE, "rank 0 cannot listen on port %d: %s; choose another MASTER_PORT",
                     port, strerror(why));
}

static int own_port(const struct host *h) {
    struct sockaddr_in at;
    socklen_t n = sizeof at;
    return getsockname(h->fd, (struct sockaddr *)&at, &n) ? 0 : ntohs(at.sin_port);
}

/* "ovseg-meet 1 PORT TOKEN HOST ADDRESS...": of all networks, which not all guests may be in. */
static int write_file(struct host *h) {
    struct str text = {0};
    struct ifaddrs *all = NULL;
    struct file_out f;
    char host[HOST];
    own_host(host);
    str_add(&text, "ovseg-meet 1 %d %s %s", own_port(h), h->token, *host ? host : "-");
    if (getifaddrs(&all)) all = NULL;
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        char address[INET_ADDRSTRLEN];
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
        if (!getnameinfo(i->ifa_addr, sizeof(struct sockaddr_in), address, sizeof address, NULL, 0,
                         NI_NUMERICHOST) &&
            !is_loopback(address))
            str_add(&text, " %s", address);
    }
    if (all) freeifaddrs(all);
    str_add(&text, "\n");
    h->file = mem_strdup(h->l->file);
    int status = file_out_open(&f, h->file);
    if (!status && fchmod(f.fd, 0600)) log_debug("%s: others may read it", h->file);
    if (!status) status = file_out_put(&f, text.at, text.n);
    if (!status) status = file_out_commit(&f);
    file_out_close(&f);
    str_free(&text);
    return status ? error_context("ranks meet by a file of the working folder") : 0;
}

static int open_house(struct host *h) {
    const struct launch *l = h->l;
    uint64_t token = hash_string(l->name);
    if (l->meet == MEET_FILE && getrandom(&token, sizeof token, 0) != sizeof token)
        return error_set(ERR_INTERNAL, "no random number: %s", strerror(errno));
    hash_hex(token, h->token);
    int status = l->meet == MEET_ADDRESS
                     ? listen_at(h, is_loopback(l->address) ? "127.0.0.1" : NULL, l->port)
                     : listen_at(h, NULL, 0);
    return status || l->meet == MEET_ADDRESS ? status : write_file(h);
}

static void let_in(struct host *h) {
    while (h->guests < GUESTS) {
        int fd = accept(h->fd, NULL, NULL);
        if (fd < 0) return;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        prepare_socket(fd);
        h->guest[h->guests++] = (struct guest){.fd = fd, .since = clock_s()};
    }
}

/* Its rank, or -1: none of ours. */
static int rank_of(const struct host *h, const struct guest *g, const int *fd) {
    const struct hello *x = &g->hello;
    if (x->magic != MAGIC || memcmp(x->token, h->token, sizeof h->token) != 0) return -1;
    if (x->size != (uint32_t)h->l->size || x->rank < 1 || x->rank >= x->size) return -1;
    return fd[x->rank] < 0 ? (int)x->rank : -1;
}

/* What guests say; how many of them became ranks. */
static int hear(struct host *h, int *fd) {
    int came = 0;
    for (int i = h->guests - 1; i >= 0; i--) {
        struct guest *g = &h->guest[i];
        ssize_t n = recv(g->fd, (char *)&g->hello + g->got, sizeof g->hello - g->got, 0);
        if (n > 0) g->got += (size_t)n;
        bool whole = g->got == sizeof g->hello;
        bool gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
        if (!whole && !gone && clock_s() - g->since < GUEST_S) continue;
        int rank = whole ? rank_of(h, g, fd) : -1;
        if (rank > 0) {
            fd[rank] = g->fd;
            memcpy(h->name[rank], g->hello.host, HOST - 1);
            came++;
        } else {
            log_warn("ranks meet: a connection that is not of this job is closed");
            close(g->fd);
        }
        *g = h->guest[--h->guests];
    }
    return came;
}

static void say_who_is_missing(const struct host *h, const int *fd) {
    struct str who = {0};
    int n = 0;
    for (int r = 1; r < h->l->size; r++)
        if (fd[r] < 0 && n++ < 8) str_add(&who, "%s%d", n > 1 ? ", " : "", r);
    error_set(ERR_DEVICE,
              "%s started %d processes, and after %.0f s %d of them are missing: rank %s%s",
              h->l->by, h->l->size, h->l->patience, n, who.at, n > 8 ? ", ..." : "");
    str_free(&who);
}

/* Who is on which machine, in the order of ranks. */
static void place(const struct host *h, int rank, struct wire_peers *p) {
    *p = (struct wire_peers){.rank = rank, .size = h->l->size, .by = "sockets"};
    for (int r = 0; r < h->l->size; r++) {
        if (strcmp(h->name[r], h->name[rank]) != 0) continue;
        p->local_rank += r < rank;
        p->local_size++;
    }
}

static int receive(struct host *h, struct wire_peers *p, int *fd) {
    int missing = h->l->size - 1;
    double until = clock_s() + h->l->patience;
    int status = open_house(h);
    while (!status && missing && clock_s() < until) {
        let_in(h);
        missing -= hear(h, fd);
        if (missing) nap();
    }
    if (status) return status;
    if (missing) {
        say_who_is_missing(h, fd);
        return error_status();
    }
    for (int r = 1; r < h->l->size; r++) {
        place(h, r, p);
        struct welcome w = {MAGIC, (uint32_t)p->local_rank, (uint32_t)p->local_size, 0};
        if (send(fd[r], &w, sizeof w, MSG_NOSIGNAL) != sizeof w) /* fits into an empty buffer */
            return error_set(ERR_DEVICE, "rank %d is gone: %s", r, strerror(errno));
    }
    place(h, 0, p);
    return 0;
}

static int be_host(const struct launch *l, struct wire_peers *p, int *fd) {
    struct host *h = mem_alloc(1, sizeof *h);
    *h = (struct host){.l = l, .fd = -1};
    h->name = mem_alloc((size_t)l->size, sizeof *h->name);
    own_host(h->name[0]);
    int status = receive(h, p, fd);
    if (h->fd >= 0) close(h->fd);
    for (int i = 0; i < h->guests; i++) close(h->guest[i].fd);
    if (h->file) unlink(h->file);
    free(h->file);
    free(h->name);
    free(h);
    return status;
}

/* ---- the others ---- */

static int connect_to(const char *address, const char *port) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    const struct timeval limit = {.tv_sec = CONNECT_S};
    int fd = -1;
    if (getaddrinfo(address, port, &hints, &found)) return -1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        if (fd < 0) continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (!connect(fd, a->ai_addr, a->ai_addrlen)) continue;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* The next word of a text, which it cuts; "" at its end. */
static char *word(char **at) {
    char *start = *at + strspn(*at, " \n");
    *at = start + strcspn(start, " \n");
    if (**at) *(*at)++ = '\0';
    return start;
}

/* Where rank 0 is, by the file; connected, or -1. */
static int connect_by_file(const struct launch *l, char token[17]) {
    struct bytes text = {0};
    char host[HOST];
    int fd = -1;
    if (!file_exists(l->file) || file_read(l->file, 65536, &text)) {
        error_clear();
        return -1;
    }
    own_host(host);
    char *at = (char *)text.at;
    bool known = !strcmp(word(&at), "ovseg-meet") && !strcmp(word(&at), "1");
    char *port = word(&at);
    snprintf(token, 17, "%s", word(&at));
    if (known && strcmp(word(&at), host) == 0) fd = connect_to("127.0.0.1", port);
    for (char *a; known && fd < 0 && *(a = word(&at));) fd = connect_to(a, port);
    bytes_free(&text);
    return fd;
}

static int find_host(const struct launch *l, char token[17]) {
    char port[16];
    if (l->meet == MEET_FILE) return connect_by_file(l, token);
    snprintf(port, sizeof port, "%d", l->port);
    hash_hex(hash_string(l->name), token);
    return connect_to(l->address, port);
}

/* Says who it is and waits for all others to be there: 1; 0: turned away, once more; -1: too late
 */
static int introduce(int fd, const struct launch *l, const char *token, double until,
                     struct welcome *w) {
    struct hello x = {.magic = MAGIC, .size = (uint32_t)l->size, .rank = (uint32_t)l->rank};
    size_t got = 0;
    snprintf(x.token, sizeof x.token, "%s", token);
    own_host(x.host);
    prepare_socket(fd);
    if (send(fd, &x, sizeof x, MSG_NOSIGNAL) != sizeof x) return 0;
    while (got < sizeof *w) {
        ssize_t n = recv(fd, (char *)w + got, sizeof *w - got, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return 0;
        if (n > 0) got += (size_t)n;
        if (got < sizeof *w && clock_s() > until) return -1;
        if (got < sizeof *w) nap();
    }
    return w->magic == MAGIC;
}

static int be_guest(const struct launch *l, struct wire_peers *p, int *fd) {
    double until = clock_s() + l->patience;
    struct welcome w;
    for (int in = 0; in <= 0;) {
        char token[17] = "";
        *fd = find_host(l, token);
        in = *fd < 0 ? 0 : introduce(*fd, l, token, until, &w);
        if (in > 0) break;
        if (*fd >= 0) close(*fd);
        *fd = -1;
        if (clock_s() > until && l->meet == MEET_FILE)
            return error_set(
                ERR_DEVICE,
                "rank 0 is not found after %.0f s: no use of %s in the working folder, "
                "which must be the same for all ranks; or set MASTER_ADDR and "
                "MASTER_PORT",
                l->patience, l->file);
        if (clock_s() > until)
            return error_set(ERR_DEVICE, "rank 0 is not found after %.0f s at %s, port %d",
                             l->patience, l->address, l->port);
        for (int i = 0; i < 5; i++) nap();
    }
    *p = (struct wire_peers){l->rank, l->size, (int)w.local_rank, (int)w.local_size, "sockets"};
    return 0;
}

int meet(const struct launch *l, struct wire_peers *p, int *fd) {
    for (int r = 0; r < l->size; r++) fd[r] = -1;
    int status = l->rank ? be_guest(l, p, fd) : be_host(l, p, fd);
    for (int r = 0; status && r < l->size; r++) {
        if (fd[r] >= 0) close(fd[r]);
        fd[r] = -1;
    }
    return status;
}
