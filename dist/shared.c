/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE /* memfd_create(), fallocate() */
#include "dist/shared.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

/* Where a rank's memory is found. Zeros where it has none. */
struct place {
    char kernel[40];               /* which one, since when it runs */
    uint64_t processes;            /* the numbering of processes that pid is of */
    uint64_t device, inode, bytes; /* the memory itself */
    int64_t pid, fd;
};

static bool read_kernel(char *out, size_t n) {
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, n - 1);
    if (fd >= 0) close(fd);
    return got > 0;
}

/* A file that is to be longer than a limit of files would end the process by a signal. */
static bool may_be(size_t bytes) {
    struct rlimit most;
    return !getrlimit(RLIMIT_FSIZE, &most) && bytes <= most.rlim_cur;
}

static float *map(int fd, size_t bytes) {
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* This rank's memory; NULL: there is none to be had. *fd: open for the others, or -1. Pages are
 * taken at once: where memory is promised to the byte, one that is missing later is a SIGBUS. */
static float *make(size_t bytes, struct place *p, int *fd) {
    struct stat numbering, memory;
    float *at = NULL;
    *p = (struct place){.pid = getpid(), .bytes = bytes};
    *fd = -1;
    if (!read_kernel(p->kernel, sizeof p->kernel) || stat("/proc/self/ns/pid", &numbering) ||
        !may_be(bytes))
        return NULL;
    *fd = memfd_create("ovseg sums", MFD_CLOEXEC);
    if (*fd >= 0 && !fallocate(*fd, 0, 0, (off_t)bytes) && !fstat(*fd, &memory))
        at = map(*fd, bytes);
    if (!at) return NULL;
    p->processes = numbering.st_ino;
    p->device = memory.st_dev;
    p->inode = memory.st_ino;
    p->fd = *fd;
    return at;
}

static bool is_near(const struct place *a, const struct place *b) {
    return a->inode && b->inode && strcmp(a->kernel, b->kernel) == 0 &&
           a->processes == b->processes;
}

static bool is_it(const struct stat *is, const struct place *p) {
    return is->st_dev == p->device && is->st_ino == p->inode && is->st_size == (off_t)p->bytes;
}

/* Another rank's, which has its number in it: machines that were copied while they ran have equal
 * ones of all else. NULL: it is not what that rank spoke of, or may not be opened. */
static float *find(const struct place *p, float mark) {
    char path[64];
    struct stat is;
    float *at = NULL;
    snprintf(path, sizeof path, "/proc/%lld/fd/%lld", (long long)p->pid, (long long)p->fd);
    if (stat(path, &is) || !is_it(&is, p)) return NULL; /* nothing else is opened */
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return NULL;
    if (!fstat(fd, &is) && is_it(&is, p)) at = map(fd, p->bytes);
    close(fd);
    if (!at || *at == mark) return at;
    munmap(at, p->bytes);
    return NULL;
}

static float mark_of(int rank) { return (float)(rank + 1); }

/* The near ones that this rank exchanges halves with. Whether one of them is not found. */
static bool find_partners(struct shared *s, const struct place *all, bool *sees) {
    bool lacks = false;
    for (int bit = 1; bit < s->ranks; bit <<= 1) {
        int r = s->rank ^ bit;
        if (!is_near(&all[s->rank], &all[r])) continue;
        s->at[r] = find(&all[r], mark_of(r));
        *sees |= s->at[r] != NULL;
        lacks |= s->at[r] == NULL || all[r].bytes != all[s->rank].bytes;
    }
    return lacks;
}

struct shared *shared_open(struct comm *c, size_t n, bool wanted) {
    int ranks = comm_size(c);
    if (!n || ranks == 1 || (ranks & (ranks - 1)) != 0) return NULL;
    struct shared *s = mem_alloc(1, sizeof *s);
    *s = (struct shared){.n = n, .rank = comm_rank(c), .ranks = ranks};
    s->at = mem_alloc((size_t)s->ranks, sizeof *s->at);
    struct place mine = {0}, *all = mem_alloc((size_t)s->ranks, sizeof *all);
    int fd = -1;
    float *own = NULL;
    bool near = comm_local_size(c) > 1, sees = false;
    if (near && wanted) own = s->at[s->rank] = make(n * sizeof(float), &mine, &fd);
    if (own) *own = mark_of(s->rank);
    comm_gather(c, &mine, sizeof mine, all);
    double lacking = find_partners(s, all, &sees) || (near && !own);
    comm_max(c, &lacking, 1); /* behind it nobody looks for this one's any more */
    if (own) *own = 0;
    if (fd >= 0) close(fd);
    free(all);
    if (sees && lacking <= 0) return s;
    if (lacking > 0 && wanted && s->rank == 0)
        log_info("ranks of one machine do not see each other's memory, and send gradients");
    shared_close(s);
    return NULL;
}

/* ---- the memory of the tensor ---- */

struct mapping {
    void *at;
    size_t bytes;
};

static void let_go(void *ctx) {
    struct mapping *m = ctx;
    munmap(m->at, m->bytes);
    free(m);
}

tensor *shared_tensor(struct shared *s) {
    struct mapping *m = mem_alloc(1, sizeof *m);
    *m = (struct mapping){s->at[s->rank], s->n * sizeof(float)};
    tensor *t = t_over(m->at, SHAPE((int64_t)s->n), T_F32, let_go, m);
    if (!t) free(m);
    s->given = t != NULL;
    return t;
}

void shared_close(struct shared *s) {
    if (!s) return;
    for (int r = 0; r < s->ranks; r++)
        if (s->at[r] && !(r == s->rank && s->given)) munmap(s->at[r], s->n * sizeof(float));
    free(s->at);
    free(s);
}

float *shared_at(const struct shared *s, int rank, const float *x) {
    return s->at[rank] ? s->at[rank] + (x - s->at[s->rank]) : NULL;
}
