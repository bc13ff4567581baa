/* What run folders say of the chain that they are of. */
#include <utime.h>

#include "tests/unit/lock_made.h"
#include "tests/unit/run_made.h"
#include "train/run/run_chain.h"

enum { BEGAN = 1000000 }; /* s, when the first file below was written */

/* Of three stages: the one of `made` that are there, none of them done. */
static struct run_chain chain_of(int made) {
    static const char *const names[] = {"clip-00000000aaaa", "mpt-00000000bbbb",
                                        "eval-00000000cccc"};
    struct run_chain c = {.at = mem_alloc(4, sizeof *c.at), .n = 3, .named = 1};
    for (int i = 0; i < 3; i++) {
        c.at[i].dir = path_join(test_dir(), names[i]);
        if (i < made) free(made_run(test_dir(), names[i], "mask-prompt", "{}"));
    }
    return c;
}

/* All in the folder of a stage is as old as that. */
static void end(const struct run_chain *c, int stage, const char *file, const char *text,
                time_t when) {
    static const char *const files[] = {
        "settings.yaml", "identity.txt", "inputs.json", "FAILED", "DONE", "lock", "."};
    const struct utimbuf then = {.actime = when, .modtime = when};
    if (file) put_in(c->at[stage].dir, file, text);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = path_join(c->at[stage].dir, files[i]);
        CHECK(utime(path, &then) == 0 || !file_exists(path));
        free(path);
    }
}

static void end_well(const struct run_chain *c, int stage, time_t when) {
    end(c, stage, "DONE", "{\"seconds\":1}", when);
}

static void check_chain(struct run_chain *c, time_t now, bool goes_on, int code) {
    run_chain_read(c);
    CHECK_INT(run_chain_goes_on(c, now), goes_on);
    CHECK_INT(run_chain_exit(c), code);
}

TEST(a_chain_goes_on_from_stage_to_stage_and_ends_with_the_last) {
    struct run_chain c = chain_of(1);
    end_well(&c, 0, BEGAN);
    check_chain(&c, BEGAN + 59, true, 75);
    CHECK(!run_chain_begun(&c));
    free(made_run(test_dir(), "mpt-00000000bbbb", "mask-prompt", "{}"));
    end_well(&c, 1, BEGAN + 100);
    check_chain(&c, BEGAN + 159, true, 75);
    CHECK(run_chain_begun(&c));
    free(made_run(test_dir(), "eval-00000000cccc", "evaluate", "{}"));
    end_well(&c, 2, BEGAN + 200);
    check_chain(&c, BEGAN + 200, false, 0);
    run_chain_close(&c);
}

TEST(a_chain_of_which_nothing_begins_for_a_minute_does_not_go_on) {
    struct run_chain c = chain_of(1);
    end_well(&c, 0, BEGAN);
    check_chain(&c, BEGAN + 60, false, 75);
    run_chain_close(&c);
    c = chain_of(0);
    CHECK_OK(dir_remove(c.at[0].dir));
    check_chain(&c, BEGAN, false, 75);
    CHECK(!run_chain_begun(&c));
    run_chain_close(&c);
}

TEST(a_stage_that_fails_ends_a_chain_with_its_code) {
    struct run_chain c = chain_of(2);
    end_well(&c, 0, BEGAN);
    end(&c, 1, "FAILED", "{\"code\":65,\"message\":\"x.h5: is damaged\"}", BEGAN + 5);
    check_chain(&c, BEGAN + 6, false, 65);
    struct str text = {0};
    run_chain_screen(&c, &text);
    CHECK_HAS(text.at, "clip-00000000aaaa  mask-prompt  done in 1.0 s");
    CHECK_HAS(text.at, "exit 65: x.h5: is damaged\n");
    CHECK_HAS(text.at, "eval-00000000cccc  not begun\n");
    str_free(&text);
    run_chain_close(&c);
}

/* Who runs the chain again comes to it once the stages before are done. */
TEST(a_stage_that_failed_before_an_earlier_one_ended_is_waited_for) {
    struct run_chain c = chain_of(2);
    end(&c, 1, "FAILED", "{\"code\":65,\"message\":\"x.h5: is damaged\"}", BEGAN);
    end_well(&c, 0, BEGAN + 50);
    check_chain(&c, BEGAN + 60, true, 65);
    check_chain(&c, BEGAN + 110, false, 65);
    run_chain_close(&c);
}

TEST(a_stage_at_work_keeps_a_chain_going_whatever_became_of_the_others) {
    struct run_chain c = chain_of(2);
    end(&c, 0, "FAILED", "{\"code\":65,\"message\":\"x.h5: is damaged\"}", BEGAN);
    char *lock = path_join(c.at[1].dir, "lock");
    struct lock_holder h = lock_elsewhere();
    lock_put(lock, &h);                      /* now, by the clock */
    check_chain(&c, BEGAN + 1000, true, 75); /* that failure is an old one */
    run_chain_close(&c);
    free(lock);
}
