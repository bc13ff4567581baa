/* What a test has started ends with it: its own children, theirs, those in sessions of their own,
 * and those whose parent is gone. */
#include "tests/offspring.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/e2e/self.h"
#include "tests/test.h"

/* Kinds of offspring; four of the five live in the shell's hands, or were. */
static const char shell[] = "sleep 1000 & setsid sleep 1000 & (sleep 1000 &); echo ready; wait";
enum { STARTED = 5, AND_ITSELF };

static void wait_for(const struct process *p, const char *text) {
    for (double until = clock_s() + 60;;) {
        char *said = text_of(p->out);
        bool is = strstr(said, text);
        free(said);
        if (is) return;
        CHECK(clock_s() < until && !process_ended(p));
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static void check_alive(size_t n, double within) {
    double until = clock_s() + within;
    while (offspring_alive() != n && clock_s() < until)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    CHECK_INT(offspring_alive(), n);
}

/* In a program of its own: starts all kinds, says so. */
static void start_all(void) {
    struct process p;
    process_start(&p, (const char *const[]){"/bin/bash", "-c", shell, NULL}, NULL);
    wait_for(&p, "ready");
    if (!test_fork()) {
        pause();
        _exit(0);
    }
    check_alive(STARTED, 60); /* one that is just being started has no mark yet */
    puts("all are there");
    fflush(stdout);
}

/* This program once more, to run one test, which finds LEAVE in its environment. */
static void start_again(struct process *p, const char *test) {
    char self[4096] = {0};
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    process_start(p, (const char *const[]){self, test, NULL},
                  (const char *const[]){"LEAVE=1", NO_LEAKS, NULL});
}

TEST(nothing_lives_on_of_a_test_that_fails) {
    if (getenv("LEAVE")) {
        start_all();
        test_fail(__FILE__, __LINE__, "on purpose");
    }
    struct process p;
    start_again(&p, "nothing_lives_on_of_a_test_that_fails");
    struct ended e = process_wait(&p, 100);
    check_status(&e, 1);
    CHECK_HAS(e.err, "on purpose");
    CHECK_HAS(e.err, "5 processes were left running and are ended");
    check_alive(0, 0);
    ended_free(&e);
}

TEST(nor_of_one_that_passes_and_forgot_what_it_had_started) {
    if (getenv("LEAVE")) {
        start_all();
        return;
    }
    struct process p;
    start_again(&p, "nor_of_one_that_passes_and_forgot_what_it_had_started");
    struct ended e = process_wait(&p, 100);
    check_status(&e, 0);
    check_alive(0, 0);
    ended_free(&e);
}

TEST(nor_of_one_that_is_killed) {
    if (getenv("LEAVE")) {
        start_all();
        pause();
    }
    struct process p;
    start_again(&p, "nor_of_one_that_is_killed");
    wait_for(&p, "all are there");
    CHECK_INT(offspring_alive(), AND_ITSELF);
    kill(p.pid, SIGKILL);
    struct ended e = process_wait(&p, 100);
    check_status(&e, 128 + SIGKILL);
    check_alive(0, 10); /* its guard has to see it first */
    ended_free(&e);
}

TEST(a_check_that_fails_in_a_child_ends_the_child_alone) {
    int status;
    pid_t pid = test_fork();
    if (!pid) test_fail(__FILE__, __LINE__, "what this child has found");
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 1);
}
