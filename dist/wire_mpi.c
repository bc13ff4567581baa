#include "dist/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "dist/shared.h"

#ifdef OVSEG_MPI
#include <limits.h>
#include <mpi.h>
#include <stdatomic.h>

enum {
    PIECE = 1 << 20,       /* floats that are received and added at once */
    MESSAGE = INT_MAX / 2, /* bytes of one message: MPI counts with int */
    WORD = 1,              /* the tag of what is passed on */
    LEVELS = 31,           /* of ranks: int */
};

/* One thread calls, so these can be static. */
static MPI_Comm world, leaving;
static int rank, size;
static float *piece;          /* [PIECE] what a partner sent */
static int said, heard, came; /* words: this rank's, the first of another, how many came */
static MPI_Request *saying;   /* [near()] */

static const char *text_of(int error) {
    static char text[MPI_MAX_ERROR_STRING];
    int n;
    if (MPI_Error_string(error, text, &n)) return "an error of MPI";
    return text;
}

/* MPI_Wait that neither burns a core nor is blind to time. */
static const char *finish(MPI_Request *r, int n, struct wire_wait w) {
    for (int done = 0;;) {
        int error = MPI_Testall(n, r, &done, MPI_STATUSES_IGNORE);
        if (error) return text_of(error);
        if (done) return NULL;
        w.idle(w.ctx);
    }
}

/* "Open MPI v4.1.4, package: ...": up to the comma. */
static void name_library(char *out, size_t n) {
    char name[MPI_MAX_LIBRARY_VERSION_STRING] = "MPI";
    int length;
    MPI_Get_library_version(name, &length);
    snprintf(out, n, "%.*s", (int)strcspn(name, ",\n"), name);
}

static int open_world(struct wire_peers *p) {
    int has;
    MPI_Comm here;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &has) ||
        MPI_Comm_dup(MPI_COMM_WORLD, &world) || MPI_Comm_dup(MPI_COMM_WORLD, &leaving))
        return -1;
    MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(leaving, MPI_ERRORS_RETURN);
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &size);
    *p = (struct wire_peers){.rank = rank, .size = size};
    name_library(p->by, sizeof p->by);
    if (MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here)) return -1;
    MPI_Comm_rank(here, &p->local_rank);
    MPI_Comm_size(here, &p->local_size);
    MPI_Comm_free(&here);
    return 0;
}

/* Ranks that this one passes words to, and takes them from: rank 0 has all others. */
static int near(void) { return rank ? 1 : size - 1; }

static int wire_open(struct wire_peers *p, const struct launch *l) {
    if (open_world(p)) return error_set(ERR_DEVICE, "MPI does not start, see its message above");
    if (size != l->size)
        return error_set(ERR_DEVICE,
                         "%s started %d processes, but to MPI there are %d: it is another MPI's "
                         "launcher; use the one of the MPI that this program is built with, or "
                         "`srun --mpi=pmix`",
                         l->by, l->size, size);
    piece = malloc(PIECE * sizeof *piece);
    saying = malloc((size_t)near() * sizeof(MPI_Request));
    for (int i = 0; saying && i < near(); i++) saying[i] = MPI_REQUEST_NULL;
    return piece && saying ? 0 : error_set(ERR_INTERNAL, "no memory to exchange gradients");
}

static void add(float *x, const float *y, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) x[i] += y[i];
}

/* Here and there. */
static void add_both(float *restrict x, float *restrict y, size_t n) {
#pragma omp simd
    for (size_t i = 0; i < n; i++) x[i] = y[i] = x[i] + y[i];
}

struct part {
    size_t at, n; /* floats of x */
};

/* What this rank and its partner do together. */
struct pair {
    int partner;
    float *x, *there;      /* there: the partner's x, as this process sees it; NULL: out of sight */
    struct part mine, his; /* whose sum each of them makes */
};

static void halve(struct part whole, bool upper, struct pair *p) {
    size_t half = whole.n / 2;
    struct part a = {whole.at, half}, b = {whole.at + half, whole.n - half};
    p->mine = upper ? b : a;
    p->his = upper ? a : b;
}

/* Sends a part of x to the partner and takes his other part into place, added or copied. Both are
 * cut at the same places, so that pieces meet. */
static const char *swap(const struct pair *p, struct part give, struct part take, bool adding,
                        struct wire_wait w) {
    size_t most = give.n > take.n ? give.n : take.n;
    for (size_t at = 0; at < most; at += PIECE) {
        size_t out = at < give.n ? (give.n - at < PIECE ? give.n - at : PIECE) : 0;
        size_t in = at < take.n ? (take.n - at < PIECE ? take.n - at : PIECE) : 0;
        float *to = p->x + take.at + at, *from = p->x + give.at + at;
        MPI_Request r[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
        int error = 0;
        if (in) error = MPI_Irecv(adding ? piece : to, (int)in, MPI_FLOAT, p->partner, 0, world, r);
        if (!error && out)
            error = MPI_Isend(from, (int)out, MPI_FLOAT, p->partner, 0, world, r + 1);
        if (error) return text_of(error);
        const char *wrong = finish(r, 2, w);
        if (wrong) return wrong;
        if (adding) add(to, piece, in);
    }
    return NULL;
}

/* Both have come so far, and see what the other one wrote before. MPI orders its own memory, the
 * fences ours, on any processor. */
static const char *meet(const struct pair *p, struct wire_wait w) {
    MPI_Request r[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    atomic_thread_fence(memory_order_seq_cst);
    int error = MPI_Irecv(NULL, 0, MPI_FLOAT, p->partner, 0, world, r);
    if (!error) error = MPI_Isend(NULL, 0, MPI_FLOAT, p->partner, 0, world, r + 1);
    const char *wrong = error ? text_of(error) : finish(r, 2, w);
    atomic_thread_fence(memory_order_seq_cst);
    return wrong;
}

/* The sums of both come to be in my part of x. */
static const char *reduce(const struct pair *p, struct wire_wait w) {
    if (!p->there) return swap(p, p->his, p->mine, true, w);
    const char *wrong = meet(p, w);
    if (!wrong) add(p->x + p->mine.at, p->there + p->mine.at, p->mine.n);
    return wrong;
}

/* And those of the partner in his part. */
static const char *spread(const struct pair *p, struct wire_wait w) {
    if (!p->there) return swap(p, p->mine, p->his, false, w);
    const char *wrong = meet(p, w);
    if (!wrong) memcpy(p->x + p->his.at, p->there + p->his.at, p->his.n * sizeof(float));
    return wrong ? wrong : meet(p, w);
}

/* One after the other: the partner sees my sums where he wants them in one go. */
static const char *reduce_and_spread(const struct pair *p, struct wire_wait w) {
    const char *wrong = NULL;
    if (p->there) {
        wrong = meet(p, w);
        if (!wrong) add_both(p->x + p->mine.at, p->there + p->mine.at, p->mine.n);
        return wrong ? wrong : meet(p, w);
    }
    wrong = reduce(p, w);
    return wrong ? wrong : spread(p, w);
}

/* Halves are exchanged with ever farther ranks until each has the whole sum of one part, then the
 * parts are spread the same way back: every number is sent 2 (size - 1) / size times, and added as
 * ((0 + 1) + (2 + 3)) + ... on whichever rank: a + b and b + a are the same number. */
static const char *sum_by_halves(const struct exchange *e, struct wire_wait w) {
    struct pair pair[LEVELS] = {{0}};
    struct part whole = {0, e->n};
    int levels = 0;
    const char *wrong = NULL;
    for (int bit = 1; bit < size; bit <<= 1) {
        struct pair *p = &pair[levels++];
        *p = (struct pair){.partner = rank ^ bit, .x = e->x};
        if (e->where) p->there = shared_at(e->where, p->partner, e->x);
        halve(whole, rank & bit, p);
        whole = p->mine;
    }
    for (int i = 0; !wrong && i < levels; i++)
        wrong = i < levels - 1 ? reduce(&pair[i], w) : reduce_and_spread(&pair[i], w);
    for (int i = levels - 1; !wrong && i--;) wrong = spread(&pair[i], w);
    return wrong;
}

static const char *sum(const struct exchange *e, struct wire_wait w) {
    if ((size & (size - 1)) == 0) return sum_by_halves(e, w);
    float *x = e->x;
    size_t n = e->n;
    for (size_t at = 0; at < n; at += MESSAGE / sizeof *x) {
        size_t some = n - at < MESSAGE / sizeof *x ? n - at : MESSAGE / sizeof *x;
        MPI_Request r;
        int error = MPI_Iallreduce(MPI_IN_PLACE, x + at, (int)some, MPI_FLOAT, MPI_SUM, world, &r);
        const char *wrong = error ? text_of(error) : finish(&r, 1, w);
        if (wrong) return wrong;
    }
    return NULL;
}

static const char *broadcast(char *x, size_t n, struct wire_wait w) {
    for (size_t at = 0; at < n; at += MESSAGE) {
        size_t some = n - at < MESSAGE ? n - at : MESSAGE;
        MPI_Request r;
        int error = MPI_Ibcast(x + at, (int)some, MPI_BYTE, 0, world, &r);
        const char *wrong = error ? text_of(error) : finish(&r, 1, w);
        if (wrong) return wrong;
    }
    return NULL;
}

static const char *gather(const struct exchange *e, struct wire_wait w) {
    REQUIRE(e->n <= MESSAGE, "%zu bytes to gather", e->n);
    MPI_Request r;
    int error =
        MPI_Iallgather(e->mine, (int)e->n, MPI_BYTE, e->all, (int)e->n, MPI_BYTE, world, &r);
    return error ? text_of(error) : finish(&r, 1, w);
}

/* Once there is a word, one goes each way between rank 0 and every other: then none is on its way
 * when MPI ends. */
static int pass(int word) {
    MPI_Status from;
    for (int is = 1, next; is;) {
        if (MPI_Iprobe(MPI_ANY_SOURCE, WORD, leaving, &is, &from) || !is) break;
        if (MPI_Recv(&next, 1, MPI_INT, from.MPI_SOURCE, WORD, leaving, MPI_STATUS_IGNORE)) break;
        came++;
        if (!heard) heard = next;
    }
    if (heard) word = heard;
    if (said || !word) return heard;
    said = word;
    for (int i = 0; i < near(); i++)
        MPI_Isend(&said, 1, MPI_INT, rank ? 0 : i + 1, WORD, leaving, &saying[i]);
    return heard;
}

static const char *settle(int word, struct wire_wait w) {
    while (came < near()) {
        pass(word);
        w.idle(w.ctx);
    }
    pass(word);
    return finish(saying, near(), w);
}

/* On a communicator of its own: the others may be in the middle of another exchange. */
static const char *leave(int status, struct wire_wait w) {
    int all[3] = {status, -status, said};
    MPI_Request r;
    int error = MPI_Iallreduce(MPI_IN_PLACE, all, 3, MPI_INT, MPI_MAX, leaving, &r);
    const char *wrong = error ? text_of(error) : finish(&r, 1, w);
    if (!wrong && all[0] != -all[1]) wrong = "another rank ends with another status";
    return wrong || !all[2] ? wrong : settle(all[2], w);
}

static const char *exchange(const struct exchange *e, struct wire_wait w) {
    switch (e->kind) {
    case EX_SUM: return sum(e, w);
    case EX_GATHER: return gather(e, w);
    case EX_BROADCAST: return broadcast(e->x, e->n, w);
    case EX_LEAVE: return leave(e->status, w);
    case EX_NCCL: break; /* none of MPI's */
    case EX_BARRIER: {
        MPI_Request r;
        int error = MPI_Ibarrier(world, &r);
        return error ? text_of(error) : finish(&r, 1, w);
    }
    }
    return "no such exchange";
}

static void wire_close(void) {
    free(piece);
    free(saying);
    MPI_Comm_free(&world);
    MPI_Comm_free(&leaving);
    MPI_Finalize();
}

static void wire_abort(int status) {
    fflush(NULL);
    MPI_Abort(MPI_COMM_WORLD, status);
    _exit(status);
}

const struct wire wire_mpi = {.open = wire_open,
                              .exchange = exchange,
                              .pass = pass,
                              .close = wire_close,
                              .abort = wire_abort};

#else /* no MPI */

static int wire_open(struct wire_peers *p, const struct launch *l) {
    (void)p;
    return error_set(ERR_DEVICE,
                     "%s started %d processes, but this program is built without MPI: install it "
                     "(libopenmpi-dev) and build again, or start one process",
                     l->by, l->size);
}

const struct wire wire_mpi = {.open = wire_open};

#endif
