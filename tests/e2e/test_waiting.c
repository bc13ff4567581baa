/* How the threads of OpenMP wait (train/waiting.c), as OpenMP itself says. */
#include "tests/e2e/process.h"
#include "tests/test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED_SKIPS test_skip("the sanitizers want to be first themselves")
#else
#define SANITIZED_SKIPS
#endif

static struct ended version_with(const char *setting) {
    static const char program[] = TEST_BUILD_DIR "/bin/ovseg";
    struct process p;
    process_start(&p, (const char *const[]){program, "--version", NULL},
                  (const char *const[]){"OMP_DISPLAY_ENV=verbose", setting, NULL});
    return process_wait(&p, 60);
}

TEST(threads_that_wait_sleep_soon) {
    SANITIZED_SKIPS;
    struct ended e = version_with(NULL);
    check_status(&e, 0);
    CHECK_HAS(e.err, "GOMP_SPINCOUNT = '1000'");
    CHECK_HAS(e.out, "libtorch "); /* what was asked for is done, once */
    CHECK(!strstr(strstr(e.out, "libtorch ") + 1, "libtorch "));
    ended_free(&e);
}

TEST(what_a_user_says_of_waiting_stays) {
    struct ended e = version_with("GOMP_SPINCOUNT=7");
    check_status(&e, 0);
    CHECK_HAS(e.err, "GOMP_SPINCOUNT = '7'");
    ended_free(&e);
    e = version_with("OMP_WAIT_POLICY=active");
    check_status(&e, 0);
    CHECK_HAS(e.err, "OMP_WAIT_POLICY = 'ACTIVE'");
    ended_free(&e);
}
