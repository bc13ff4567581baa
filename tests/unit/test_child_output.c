/* Other programs, within a limit of time. */
#include <unistd.h>

#include "base/clock.h"
#include "tests/test.h"
#include "train/child_output.h"

TEST(what_a_program_prints_comes_back_with_its_exit_status) {
    char echo[] = "echo", word[] = "two words", off[] = "false";
    char *const argv[] = {echo, word, NULL}, *const fails[] = {off, NULL};
    struct str out = {0};
    CHECK_INT(child_output(argv, 10, &out), 0);
    CHECK_TEXT(out.at, "two words\n");
    CHECK_INT(child_output(fails, 10, &out), 1);
    str_free(&out);
}

TEST(one_that_hangs_is_ended_and_one_that_is_not_there_is_no_error) {
    char sleeper[] = "sleep", long_[] = "100", none[] = "no-such-program";
    char *const argv[] = {sleeper, long_, NULL}, *const missing[] = {none, NULL};
    struct str out = {0};
    double start = clock_s();
    CHECK_INT(child_output(argv, 0.2, &out), -1);
    CHECK(clock_s() - start < 20); /* far below 100, whatever else the machine does */
    CHECK_INT(child_output(missing, 1, &out), -1);
    CHECK(!program_path("no-such-program"));
    str_free(&out);
}

static bool answers(void *ctx, struct str *out) {
    str_add(out, "%s", (char *)ctx);
    return true;
}

static bool hangs(void *ctx, struct str *out) {
    (void)ctx;
    (void)out;
    for (;;) pause();
    return true;
}

TEST(a_call_that_may_hang_is_given_up) {
    char text[] = "here";
    struct str out = {0};
    CHECK(child_call(answers, text, 10, &out));
    CHECK_TEXT(out.at, "here");
    CHECK(!child_call(hangs, NULL, 0.2, &out));
    str_free(&out);
}
