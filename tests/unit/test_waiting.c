/* How threads of OpenMP wait (train/waiting.h). */
#include "train/waiting.h"

#include <omp.h>
#include <time.h>

#include "base/error.h"
#include "tests/test.h"

/* Seconds of processor time of two threads, of which one sleeps and the other waits for it. */
static double cost_of_waiting(void) {
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (int i = 0; i < 50; i++) {
#pragma omp parallel num_threads(2)
        if (omp_get_thread_num()) nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

TEST(a_machine_is_crowded_when_more_run_than_it_has_cores) {
    CHECK(!waiting_is_crowded("0.00 0.01 0.05 1/80 11206\n", 2, 2));
    CHECK(waiting_is_crowded("0.00 0.01 0.05 2/80 11206\n", 2, 2));
    CHECK(!waiting_is_crowded("60.1 0.01 0.05 61/800 11206\n", 4, 64));
    CHECK(waiting_is_crowded("60.1 0.01 0.05 62/800 11206\n", 4, 64));
    CHECK(!waiting_is_crowded("", 2, 2));
    CHECK(!waiting_is_crowded("what is this?", 2, 2));
}

TEST(threads_that_wait_sleep_soon_where_that_was_asked_for) {
    if (omp_get_num_procs() < 2) test_skip("one core: they sleep soon anyway");
    double before = cost_of_waiting();
    waiting_short();
    waiting_short(); /* once is enough */
    double after = cost_of_waiting();
    if (!(after < before / 4))
        test_fail(__FILE__, __LINE__, "%.4f s of waiting became %.4f s", before, after);
}

TEST(what_a_user_says_of_waiting_stays) {
    setenv("OMP_WAIT_POLICY", "active", 1);
    waiting_choose(1 << 20);
    CHECK_INT(error_status(), 0);
    if (omp_get_num_procs() < 2) return;
    double before = cost_of_waiting();
    waiting_choose(1); /* one thread waits for nobody */
    CHECK(cost_of_waiting() > before / 4);
}
