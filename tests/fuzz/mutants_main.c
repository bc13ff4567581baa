/* Mutants of files of weights under ASan and UBSan: mutants KIND N SEED
 *
 * Exit status 0, or another and the mutant that was under way stays where the last line says. */
#include <inttypes.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "nn/torch/tensor.h"
#include "tests/fuzz/mutants.h"

enum { MEMORY_MIB = 256, HANG_SECONDS = 10 }; /* a hang, where 1 s is too slow already */

/* Of sanitizer/allocator_interface.h, which gcc does not bring. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *p);

const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1:max_allocation_size_mb=256:detect_leaks=1:"
           "quarantine_size_mb=16";
}

static char under_way[512]; /* what to say when the process dies */
static struct mutants_run run = {.cpu_max = 1, .memory_max = (size_t)MEMORY_MIB << 20};

/* Bytes that are allocated, when the mutant came, and the most since. */
static atomic_llong live, most, base;

static void on_malloc(const volatile void *p, size_t n) {
    (void)p;
    long long now = atomic_fetch_add(&live, (long long)n) + (long long)n, old = most;
    while (now > old && !atomic_compare_exchange_weak(&most, &old, now)) continue;
}

static void on_free(const volatile void *p) {
    if (p) atomic_fetch_sub(&live, (long long)__sanitizer_get_allocated_size(p));
}

static void start(void) {
    snprintf(under_way, sizeof under_way, "%s: mutant %" PRIu64 " of seed %" PRIu64 " is in %s\n",
             run.kind->name, run.at, run.seed, run.path);
    setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = HANG_SECONDS}, NULL);
    base = most = live;
}

static uint64_t peak(void) { return (uint64_t)(most - base); }

static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(2);
}

static void on_death(void) { say(under_way); }

static void on_signal(int signal) {
    say(signal == SIGPROF ? "hangs\n" : "aborts\n");
    on_death();
    _exit(1);
}

static const struct mutant_kind *find(const char *name) {
    for (size_t i = 0; i < n_mutant_kinds; i++)
        if (strcmp(mutant_kinds[i].name, name) == 0) return &mutant_kinds[i];
    return NULL;
}

int main(int argc, char **argv) {
    run.kind = argc == 4 ? find(argv[1]) : NULL;
    if (!run.kind) {
        fprintf(stderr, "mutants KIND N SEED\n");
        return 64;
    }
    run.n = strtoull(argv[2], NULL, 10);
    run.seed = strtoull(argv[3], NULL, 10);
    run.dir = TEST_BUILD_DIR "/tests/fuzz/mutants";
    run.start = start;
    run.peak = peak;
    __sanitizer_set_death_callback(on_death);
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    signal(SIGPROF, on_signal);
    signal(SIGABRT, on_signal);
    t_set_threads(1);
    int scope = t_scope_open("mutants", T_NO_GRAD);
    bool well = mutants(&run);
    t_scope_close(scope, NULL);
    return well ? 0 : 1;
}
