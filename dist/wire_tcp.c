/* Exchanges over sockets, where there is no MPI: a star around rank 0, for what is small. The large
 * things of GPU jobs go through NCCL. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "dist/meet.h"
#include "dist/wire.h"

enum {
    MAGIC = 0x6f767367,
    ABORTED = 64,    /* beside enum exchange_kind: a rank ends, and all with it */
    WORD,            /* what is passed on */
    PIECE = 1 << 16, /* floats that are added at once */
    EARLY = 1 << 12, /* a message of so many bytes is read before its exchange begins here */
    DRAIN_MS = 500
};

/* Before each message. */
struct frame {
    uint32_t magic, kind;
    uint64_t number, n; /* of the exchange; its size */
    int64_t status;     /* EX_LEAVE, ABORTED; WORD: it */
};

struct peer {
    int fd, rank;
    struct frame head, next; /* of the message that comes, and of the one behind it */
    size_t got, next_got;    /* bytes of them */
    bool has, has_next, in_body;
    char early[EARLY]; /* the message, */
    size_t came;       /* so much of it */
    bool left;         /* has sent EX_LEAVE */
    int64_t left_with;
    bool told; /* the word */
};

/* One thread calls, so these can be static. */
static int rank, size;
static struct peer *peer;   /* rank 0: [size - 1] the others; else [1] rank 0 */
static int peers, end_with; /* end_with: the status of who aborted */
static uint64_t number;
static int said, heard;     /* words: this rank's, the first of another */
static bool between = true; /* messages: one of another kind may be sent */
static float *rows;         /* [size, PIECE] rank 0's */
static char text[256];

static int wire_open(struct wire_peers *p, const struct launch *l) {
    int *fd = mem_alloc((size_t)l->size, sizeof *fd);
    int status = meet(l, p, fd);
    if (!status) {
        rank = p->rank;
        size = p->size;
        peers = rank ? 1 : size - 1;
        peer = mem_alloc((size_t)peers, sizeof *peer);
        for (int i = 0; i < peers; i++)
            peer[i] = (struct peer){.fd = fd[rank ? 0 : i + 1], .rank = rank ? 0 : i + 1};
        rows = rank ? NULL : mem_try((size_t)size * PIECE, sizeof *rows);
        if (!rank && !rows) status = error_status();
    }
    free(fd);
    return status;
}

/* ---- messages ---- */

static const char *is_gone(const struct peer *p) {
    snprintf(text, sizeof text, "rank %d is gone", p->rank);
    return text;
}

static bool later(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

static const char *fill(struct peer *p, void *to, size_t n, size_t *got) {
    while (*got < n) {
        ssize_t k = recv(p->fd, (char *)to + *got, n - *got, 0);
        if (k < 0 && later()) return NULL;
        if (k <= 0 && p->left && rank) return NULL; /* rank 0 has let all go */
        if (k <= 0) return is_gone(p);
        *got += (size_t)k;
    }
    return NULL;
}

/* What a message says by itself; *exchange: it waits for one. A rank that takes leave may be waited
 * for, and who aborts ends all of us. */
static const char *hear(struct peer *p, const struct frame *f, bool *exchange) {
    *exchange = false;
    if (f->magic != MAGIC) {
        snprintf(text, sizeof text, "rank %d sends what is no message", p->rank);
        return text;
    }
    switch (f->kind) {
    case ABORTED:
        end_with = (int)f->status;
        snprintf(text, sizeof text, "rank %d ends with status %d", p->rank, end_with);
        return text;
    case WORD:
        if (!heard) heard = (int)f->status;
        return NULL;
    case EX_LEAVE:
        p->left = true;
        p->left_with = f->status;
        return NULL;
    default: *exchange = true; return NULL;
    }
}

/* The message that waits for its exchange is here as a whole: what stands behind it can be read. Of
 * sums nothing is sent before they have begun on both sides. */
static bool is_whole(struct peer *p, const char **wrong) {
    size_t n = p->head.n;
    if (p->head.kind == EX_SUM || n > EARLY) return false;
    *wrong = fill(p, p->early, n, &p->came);
    return !*wrong && p->came == n;
}

/* What has come. Who waits for an exchange may still say something, or be gone. */
static const char *look(struct peer *p) {
    const char *wrong = NULL;
    while (!p->in_body && !p->has_next) {
        bool behind = p->has, exchange;
        struct frame *f = behind ? &p->next : &p->head;
        size_t *got = behind ? &p->next_got : &p->got;
        if (behind && !is_whole(p, &wrong)) return wrong;
        wrong = fill(p, f, sizeof *f, got);
        if (wrong || *got < sizeof *f) return wrong;
        *got = 0;
        wrong = hear(p, f, &exchange);
        if (wrong) return wrong;
        *(behind ? &p->has_next : &p->has) = exchange;
    }
    return NULL;
}

/* A message is taken: the one behind it is next. */
static void next(struct peer *p) {
    p->in_body = false;
    p->came = 0;
    p->head = p->next;
    p->has = p->has_next;
    p->got = p->next_got;
    p->has_next = false;
    p->next_got = 0;
}

static const char *watch(void) {
    const char *wrong = NULL;
    for (int i = 0; i < peers && !wrong; i++) wrong = look(&peer[i]);
    return wrong;
}

static const char *wait(struct wire_wait w) {
    const char *wrong = watch();
    if (!wrong) w.idle(w.ctx);
    return wrong;
}

static const char *put(struct peer *p, const void *from, size_t n, struct wire_wait w) {
    for (size_t at = 0; at < n;) {
        ssize_t k = send(p->fd, (const char *)from + at, n - at, MSG_NOSIGNAL);
        if (k >= 0) {
            at += (size_t)k;
            continue;
        }
        if (!later()) {
            const char *wrong = look(p); /* why it closed, when it said so */
            return wrong ? wrong : is_gone(p);
        }
        const char *wrong = wait(w);
        if (wrong) return wrong;
    }
    return NULL;
}

static const char *put_head(struct peer *p, enum exchange_kind kind, uint64_t n, int64_t status,
                            struct wire_wait w) {
    struct frame f = {MAGIC, (uint32_t)kind, number, n, status};
    return put(p, &f, sizeof f, w);
}

static const char *take(struct peer *p, void *to, size_t n, struct wire_wait w) {
    size_t at = to ? p->came : 0;
    if (at) memcpy(to, p->early, at);
    while (at < n) {
        ssize_t k = recv(p->fd, (char *)to + at, n - at, 0);
        if (k > 0) {
            at += (size_t)k;
            continue;
        }
        if (k == 0 || !later()) return is_gone(p);
        const char *wrong = wait(w);
        if (wrong) return wrong;
    }
    return NULL;
}

/* Until the message of this exchange begins; its body is the caller's then. */
static const char *expect(struct peer *p, enum exchange_kind kind, uint64_t n, struct wire_wait w) {
    while (!p->has) {
        const char *wrong = wait(w);
        if (wrong) return wrong;
    }
    const struct frame *f = &p->head;
    if (f->kind == (uint32_t)kind && f->number == number && f->n == n) {
        p->has = false;
        p->in_body = n > 0;
        return NULL;
    }
    snprintf(text, sizeof text,
             "ranks are not at the same exchange: rank %d at number %llu, kind %u, size %llu; rank "
             "%d at number %llu, kind %d, size %llu",
             p->rank, (unsigned long long)f->number, f->kind, (unsigned long long)f->n, rank,
             (unsigned long long)number, (int)kind, (unsigned long long)n);
    return text;
}

static const char *take_whole(struct peer *p, enum exchange_kind kind, void *to, size_t n,
                              struct wire_wait w) {
    between = true; /* all that this rank has to send now is sent */
    const char *wrong = expect(p, kind, n, w);
    between = false;
    if (!wrong) wrong = take(p, to, n, w);
    if (!wrong) next(p);
    return wrong;
}

static const char *put_whole(struct peer *p, enum exchange_kind kind, const void *from, size_t n,
                             struct wire_wait w) {
    const char *wrong = put_head(p, kind, n, 0, w);
    return wrong ? wrong : put(p, from, n, w);
}

/* ---- exchanges ---- */

/* Of no bytes it is a barrier. */
static const char *gather(const struct exchange *e, struct wire_wait w) {
    size_t n = e->n;
    char *all = e->all;
    const char *wrong = NULL;
    if (rank) {
        wrong = put_whole(peer, e->kind, e->mine, n, w);
        return wrong ? wrong : take_whole(peer, e->kind, all, n * (size_t)size, w);
    }
    if (n) memcpy(all, e->mine, n);
    for (int r = 1; r < size && !wrong; r++)
        wrong = take_whole(&peer[r - 1], e->kind, n ? all + n * (size_t)r : NULL, n, w);
    for (int r = 1; r < size && !wrong; r++)
        wrong = put_whole(&peer[r - 1], e->kind, all, n * (size_t)size, w);
    return wrong;
}

static const char *broadcast(const struct exchange *e, struct wire_wait w) {
    const char *wrong = NULL;
    if (rank) return take_whole(peer, e->kind, e->x, e->n, w);
    for (int r = 1; r < size && !wrong; r++)
        wrong = put_whole(&peer[r - 1], e->kind, e->x, e->n, w);
    return wrong;
}

/* ((0 + 1) + (2 + 3)) + ..., as over MPI. rows: [size, n] of PIECE. */
static void add_rows(size_t n) {
    for (int far = 1; far < size; far *= 2)
        for (int r = 0; r + far < size; r += 2 * far) {
            float *x = rows + (size_t)r * PIECE;
            const float *y = rows + (size_t)(r + far) * PIECE;
#pragma omp simd
            for (size_t i = 0; i < n; i++) x[i] += y[i];
        }
}

static const char *sum_piece(float *x, size_t n, struct wire_wait w) {
    size_t bytes = n * sizeof *x;
    const char *wrong = NULL;
    if (rank) {
        wrong = put(peer, x, bytes, w);
        return wrong ? wrong : take(peer, x, bytes, w);
    }
    memcpy(rows, x, bytes);
    for (int r = 1; r < size && !wrong; r++)
        wrong = take(&peer[r - 1], rows + (size_t)r * PIECE, bytes, w);
    if (wrong) return wrong;
    add_rows(n);
    memcpy(x, rows, bytes);
    for (int r = 1; r < size && !wrong; r++) wrong = put(&peer[r - 1], x, bytes, w);
    return wrong;
}

static const char *sum(const struct exchange *e, struct wire_wait w) {
    const char *wrong = rank ? put_head(peer, e->kind, e->n, 0, w) : NULL;
    for (int i = 0; i < peers && !rank && !wrong; i++) {
        wrong = expect(&peer[i], e->kind, e->n, w);
        if (!wrong) wrong = put_head(&peer[i], e->kind, e->n, 0, w);
    }
    if (rank && !wrong) wrong = expect(peer, e->kind, e->n, w);
    for (size_t at = 0; at < e->n && !wrong; at += PIECE)
        wrong = sum_piece((float *)e->x + at, e->n - at < PIECE ? e->n - at : PIECE, w);
    for (int i = 0; i < peers; i++) peer[i].in_body = false;
    return wrong;
}

static const char *wait_to_leave(struct peer *p, struct wire_wait w) {
    while (!p->left) {
        const char *wrong = wait(w);
        if (wrong) return wrong;
    }
    return NULL;
}

/* Who leaves sends nothing behind it. Rank 0 answers with 1: all have the same status. */
static const char *leave(int status, struct wire_wait w) {
    static const char other[] = "another rank ends with another status";
    const char *wrong = NULL;
    if (rank) {
        wrong = put_head(peer, EX_LEAVE, 0, status, w);
        if (!wrong) wrong = wait_to_leave(peer, w);
        return wrong ? wrong : peer->left_with ? NULL : other;
    }
    bool same = true;
    for (int i = 0; i < peers && !wrong; i++) {
        wrong = wait_to_leave(&peer[i], w);
        same = same && peer[i].left_with == status;
    }
    for (int i = 0; i < peers && !wrong; i++) wrong = put_head(&peer[i], EX_LEAVE, 0, same, w);
    return wrong ? wrong : same ? NULL : other;
}

static void nap(void *ctx) {
    (void)ctx;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Later, when there is no room; what cannot be sent at all watch() finds out. */
static void tell(struct peer *p) {
    struct frame f = {.magic = MAGIC, .kind = WORD, .number = number, .status = said};
    ssize_t n = send(p->fd, &f, sizeof f, MSG_NOSIGNAL | MSG_DONTWAIT);
    p->told = n >= 0 || !later();
    if (n > 0) put(p, (const char *)&f + n, sizeof f - (size_t)n, (struct wire_wait){nap, NULL});
}

/* By rank 0, to all. */
static int pass(int word) {
    if (!said && !(rank && heard)) said = heard ? heard : word;
    for (int i = 0; said && between && i < peers; i++)
        if (!peer[i].told && !peer[i].left) tell(&peer[i]);
    return heard;
}

static const char *do_exchange(const struct exchange *e, struct wire_wait w) {
    number++;
    switch (e->kind) {
    case EX_SUM: return sum(e, w);
    case EX_GATHER: return gather(e, w);
    case EX_BROADCAST: return broadcast(e, w);
    case EX_BARRIER: return gather(&(struct exchange){.kind = EX_BARRIER}, w);
    case EX_LEAVE: return leave(e->status, w);
    case EX_NCCL: break; /* not ours */
    }
    return "no such exchange";
}

static const char *exchange(const struct exchange *e, struct wire_wait w) {
    between = false;
    const char *wrong = do_exchange(e, w);
    between = e->kind != EX_LEAVE;
    return wrong;
}

static void wire_close(void) {
    for (int i = 0; i < peers; i++) close(peer[i].fd);
    free(peer);
    free(rows);
    peer = NULL;
    rows = NULL;
    peers = 0;
}

/* A socket that is closed with unread data drops what was sent last: read until the other side has
 * heard it. */
static void drain(void) {
    static char junk[65536];
    for (int ms = 0; ms < DRAIN_MS; ms += 10) {
        bool open = false;
        for (int i = 0; i < peers; i++) {
            ssize_t n = recv(peer[i].fd, junk, sizeof junk, MSG_DONTWAIT);
            open = open || n > 0 || (n < 0 && later());
        }
        if (!open) return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

static void wire_abort(int status) {
    if (end_with) status = end_with;
    struct frame f = {.magic = MAGIC, .kind = ABORTED, .number = number, .status = status};
    for (int i = 0; i < peers; i++) {
        if (send(peer[i].fd, &f, sizeof f, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) continue;
        shutdown(peer[i].fd, SHUT_WR);
    }
    drain();
    fflush(NULL);
    _exit(status);
}

const struct wire wire_tcp = {.open = wire_open,
                              .exchange = exchange,
                              .watch = watch,
                              .pass = pass,
                              .close = wire_close,
                              .abort = wire_abort};
