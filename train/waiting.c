#include "train/waiting.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"

enum { LOOKS = 3, LOOK_MS = 10 };

bool waiting_is_crowded(const char *loadavg, int threads, long cores) {
    long running;
    if (sscanf(loadavg, "%*f %*f %*f %ld/", &running) != 1) return false;
    return running - 1 + threads > cores;
}

/* Several times: what runs for a moment is nobody to make room for. */
static bool is_crowded(int threads) {
    bool crowded = true;
    for (int i = 0; i < LOOKS && crowded; i++) {
        struct bytes text = {0};
        if (i) nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
        crowded = !file_read_stream("/proc/loadavg", 4096, &text) &&
                  waiting_is_crowded((const char *)text.at, threads, sysconf(_SC_NPROCESSORS_ONLN));
        bytes_free(&text);
    }
    error_clear(); /* a system without that file is as if nobody else ran */
    return crowded;
}

static atomic_int waits;

/* Threads that only exist: as many as there are cores, beside those that work. */
static void *guests(void *unused) {
    (void)unused;
#pragma omp parallel num_threads(omp_get_num_procs() + 1)
    atomic_fetch_add(&waits, 1);
    pause(); /* for ever: no signal comes to it */
    return NULL;
}

void waiting_short(void) {
    static bool done;
    pthread_t thread;
    if (done || thread_start(&thread, guests, NULL)) return;
    pthread_detach(thread);
    while (!atomic_load(&waits)) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    done = true;
}

void waiting_choose(int threads) {
    if (threads < 2 || getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    if (error_status() || !is_crowded(threads)) return;
    log_debug("others run on this machine: threads that wait for each other sleep soon");
    waiting_short();
}
