/* A plan that was made beside other programs says so. */
/* ctest: timeout=300 */
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
#define _GNU_SOURCE /* sched_setaffinity */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

enum { OTHERS = 3 };

/* This process and its children have one core from now on, and share it with others. */
static void share_a_core(pid_t other[OTHERS]) {
    cpu_set_t now, one;
    CPU_ZERO(&now);
    CPU_ZERO(&one);
    CHECK_INT(sched_getaffinity(0, sizeof now, &now), 0);
    int core = 0;
    while (!CPU_ISSET(core, &now)) core++;
    CPU_SET(core, &one);
    CHECK_INT(sched_setaffinity(0, sizeof one, &one), 0);
    for (int i = 0; i < OTHERS; i++) {
        other[i] = fork();
        if (other[i]) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (volatile int k = 0;; k++) continue;
    }
}

TEST(a_probe_that_waits_for_a_core_most_of_its_time_says_that_times_are_too_high) {
    pid_t other[OTHERS];
    if (clock_waited() != clock_waited()) test_skip("the kernel does not say how long one waits");
    share_a_core(other);
    char *config = test_source("configs/smoke/scenes.yaml"), *out = test_path("out"),
         *where = mem_format("output_dir=%s", out);
    struct ended e = OVSEG("plan", config, where);
    for (int i = 0; i < OTHERS; i++) {
        kill(other[i], SIGKILL);
        waitpid(other[i], NULL, 0);
    }
    check_status(&e, 0);
    CHECK_HAS(e.out, "! other programs are at work here: the probe waited ");
    CHECK_HAS(e.out, " % of its time for a core, and times are too high\n");
    CHECK_HAS(e.out, "; 1 thread\n");
    ended_free(&e);
    char *const owned[] = {config, out, where};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
