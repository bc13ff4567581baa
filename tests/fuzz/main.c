/* Damages the seeds of a target until the time is over.
 *
 *     fuzz TARGET SECONDS SEED     exit status 0, or 1 and a file with the input that failed
 *     fuzz TARGET FILE             that input again
 *
 * Input i of a seed is always the same. A child runs the inputs and a parent watches: whatever
 * becomes of the child, the parent knows the input and makes it again for the file. */
#include <fcntl.h>
#include <inttypes.h>
#include <sanitizer/lsan_interface.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/fuzz/fuzz.h"

enum {
    CPU_SECONDS_MAX = 10, /* of one input; the slowest take some 0.1 */
    LEAKS_EVERY = 5,      /* seconds: a search takes as long as hundreds of inputs */
    EXIT_LEAK = 9,
};

/* What the child tells, wherever it ends. */
struct progress {
    uint64_t at;         /* the input that runs */
    uint64_t searched;   /* the inputs before it leave no leak */
    uint64_t status[80]; /* how many ended with it */
};

const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1:max_allocation_size_mb=1024:detect_leaks=1";
}

static void make_input(const struct fuzz_target *t, const struct corpus *c, uint64_t seed,
                       uint64_t i, struct str *out) {
    struct rng r = rng_stream(seed, t->name, i);
    const struct bytes *from = &c->at[i < c->n ? i : (uint64_t)rng_below(&r, (int64_t)c->n)];
    out->n = 0;
    str_put(out, from->at, from->n);
    if (i < c->n) return; /* the seeds themselves come first */
    mutate(&r, c, out);
    if (t->seal && rng_chance(&r, 0.75)) t->seal((uint8_t *)out->at, out->n);
}

static void check_leaks(struct progress *p) {
    if (__lsan_do_recoverable_leak_check()) _exit(EXIT_LEAK);
    p->searched = p->at + 1;
}

/* Inputs first .. last, or until the time is over. */
static void run_inputs(const struct fuzz_target *t, const struct corpus *c, uint64_t seed,
                       uint64_t first, uint64_t last, double seconds, struct progress *p) {
    double now = clock_s(), end = now + seconds, search = now + LEAKS_EVERY;
    struct str input = {0};
    for (uint64_t i = first; i <= last && now < end; i++) {
        p->at = i;
        make_input(t, c, seed, i, &input);
        setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = CPU_SECONDS_MAX}, NULL);
        int status = fuzz_one(t, (const uint8_t *)input.at, input.n);
        REQUIRE(i >= c->n || !status, "seed %" PRIu64 " is refused", i);
        p->status[status]++;
        now = clock_s();
        if (now >= search) {
            check_leaks(p);
            search = clock_s() + LEAKS_EVERY;
        }
    }
    str_free(&input);
    check_leaks(p);
    _exit(0);
}

/* The child's wait status. */
static int watch(const struct fuzz_target *t, const struct corpus *c, uint64_t seed, uint64_t first,
                 uint64_t last, double seconds, struct progress *p) {
    int status = 0;
    pid_t child = fork();
    REQUIRE(child >= 0, "cannot fork");
    if (!child) run_inputs(t, c, seed, first, last, seconds, p);
    REQUIRE(waitpid(child, &status, 0) == child, "cannot wait");
    return status;
}

static bool is_leak(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LEAK; }

/* The input that leaks is among first .. last: halves, until one is left. */
static uint64_t find_leak(const struct fuzz_target *t, const struct corpus *c, uint64_t seed,
                          uint64_t first, uint64_t last, struct progress *p) {
    while (first < last) {
        uint64_t middle = first + (last - first) / 2;
        if (is_leak(watch(t, c, seed, first, middle, 1e9, p)))
            last = middle;
        else
            first = middle + 1;
    }
    return first;
}

static int fail(const struct fuzz_target *t, const struct corpus *c, uint64_t seed,
                struct progress *p, int status) {
    uint64_t at = p->at;
    struct str input = {0}, what = {0};
    if (is_leak(status)) {
        at = find_leak(t, c, seed, p->searched, at, p);
        str_add(&what, "leaks");
    } else if (WIFSIGNALED(status)) {
        int signal = WTERMSIG(status);
        str_add(&what, signal == SIGPROF ? "hangs" : "ends with signal %d", signal);
    } else {
        str_add(&what, "ends with status %d", WEXITSTATUS(status));
    }
    make_input(t, c, seed, at, &input);
    char *path =
        mem_format(TEST_BUILD_DIR "/tests/fuzz/%s-%" PRIu64 "-%" PRIu64, t->name, seed, at);
    file_write(path, input.at, input.n);
    fprintf(stderr, "%s: input %" PRIu64 " of seed %" PRIu64 " %s; it is in %s\n", t->name, at,
            seed, what.at, path);
    free(path);
    str_free(&input);
    str_free(&what);
    return 1;
}

static void summarize(const struct fuzz_target *t, const struct progress *p, double seconds,
                      uint64_t seed) {
    printf("full: %s: %" PRIu64 " inputs in %.0f s, seed %" PRIu64 "; accepted: %" PRIu64, t->name,
           p->at + 1, seconds, seed, p->status[0]);
    for (int s = 1; s < 80; s++)
        if (p->status[s]) printf(", status %d: %" PRIu64, s, p->status[s]);
    putchar('\n');
}

static struct progress *share_progress(void) {
    char *path = fuzz_path("progress");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0 && !ftruncate(fd, sizeof(struct progress)), "%s: cannot be made", path);
    void *p = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(p != MAP_FAILED, "%s: cannot be mapped", path);
    close(fd);
    free(path);
    return p;
}

static int run_file(const struct fuzz_target *t, const char *path) {
    struct bytes b;
    if (file_read(path, FUZZ_MAX, &b)) {
        fprintf(stderr, "%s\n", error_message());
        return 1;
    }
    int status = t->run(b.at, b.n);
    printf("%d %s\n", status, error_message());
    error_clear();
    fuzz_one(t, b.at, b.n);
    bytes_free(&b);
    return 0;
}

int main(int argc, char **argv) {
    const struct fuzz_target *t = argc > 1 ? fuzz_find(argv[1]) : NULL;
    if (!t || argc < 3 || argc > 4) {
        fprintf(stderr, "fuzz TARGET SECONDS SEED, or fuzz TARGET FILE\n");
        return 64;
    }
    fuzz_dir();
    struct corpus c = {0};
    int failed;
    if (argc == 3) {
        failed = run_file(t, argv[2]);
    } else {
        double seconds = strtod(argv[2], NULL), start = clock_s();
        uint64_t seed = strtoull(argv[3], NULL, 10);
        struct progress *p = share_progress();
        t->seeds(&c);
        int status = watch(t, &c, seed, 0, UINT64_MAX, seconds, p);
        failed = status ? fail(t, &c, seed, p, status) : 0;
        if (!failed) summarize(t, p, clock_s() - start, seed);
    }
    corpus_free(&c);
    fuzz_dir_remove();
    return failed;
}
