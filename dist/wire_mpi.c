#include "dist/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#ifdef OVSEG_MPI
#include <limits.h>
#include <mpi.h>

enum {
    PIECE = 1 << 20,       /* floats that are received and added at once */
    MESSAGE = INT_MAX / 2, /* bytes of one message: MPI counts with int */
    WORD = 1,              /* the tag of what is passed on */
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

/* Sends a part of x to the partner and takes his other part into place, added or copied. Both are
 * cut at the same places, so that pieces meet. */
static const char *swap(int partner, const float *give, size_t n_give, float *take, size_t n_take,
                        int adding, struct wire_wait w) {
    size_t most = n_give > n_take ? n_give : n_take;
    for (size_t at = 0; at < most; at += PIECE) {
        size_t out = at < n_give ? (n_give - at < PIECE ? n_give - at : PIECE) : 0;
        size_t in = at < n_take ? (n_take - at < PIECE ? n_take - at : PIECE) : 0;
        MPI_Request r[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
        int error = 0;
        if (in)
            error = MPI_Irecv(adding ? piece : take + at, (int)in, MPI_FLOAT, partner, 0, world, r);
        if (!error && out)
            error = MPI_Isend(give + at, (int)out, MPI_FLOAT, partner, 0, world, r + 1);
        if (error) return text_of(error);
        const char *wrong = finish(r, 2, w);
        if (wrong) return wrong;
        if (adding) add(take + at, piece, in);
    }
    return NULL;
}

/* Halves are exchanged with ever farther ranks until each has the whole sum of one part, then the
 * parts are spread the same way back: every number is sent 2 (size - 1) / size times, and added as
 * ((0 + 1) + (2 + 3)) + ... on whichever rank: a + b and b + a are the same number. */
static const char *sum_by_halves(float *x, size_t n, struct wire_wait w) {
    size_t first[32] = {0}, count[32] = {n};
    int level = 0;
    const char *wrong = NULL;
    for (int bit = 1; !wrong && bit < size; bit <<= 1, level++) {
        size_t a = first[level], half = count[level] / 2, rest = count[level] - half;
        if (rank & bit) {
            first[level + 1] = a + half, count[level + 1] = rest;
            wrong = swap(rank ^ bit, x + a, half, x + a + half, rest, 1, w);
        } else {
            first[level + 1] = a, count[level + 1] = half;
            wrong = swap(rank ^ bit, x + a + half, rest, x + a, half, 1, w);
        }
    }
    for (int bit = size >> 1; !wrong && bit; bit >>= 1, level--) {
        size_t a = first[level - 1], half = count[level - 1] / 2, rest = count[level - 1] - half;
        if (rank & bit)
            wrong = swap(rank ^ bit, x + a + half, rest, x + a, half, 0, w);
        else
            wrong = swap(rank ^ bit, x + a, half, x + a + half, rest, 0, w);
    }
    return wrong;
}

static const char *sum(float *x, size_t n, struct wire_wait w) {
    if ((size & (size - 1)) == 0) return sum_by_halves(x, n, w);
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
    case EX_SUM: return sum(e->x, e->n, w);
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
