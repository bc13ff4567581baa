/* What the jobs of a chain start: `ovseg-train --only`, with a time limit. */
/* ctest: timeout=300 */
#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

TEST(stages_can_be_run_one_at_a_time) {
    struct ended e = TRAIN("out", "smoke/mpt.yaml", "--only=mine");
    check_status(&e, ERR_MISSING);
    CHECK_HAS(e.err, "mine: needs scenes, which is not done: run that first");
    ended_free(&e);
    e = TRAIN("out", "smoke/mpt.yaml", "--only=nosuch");
    check_status(&e, ERR_USAGE);
    CHECK_HAS(e.err, "--only nosuch: no such stage in this chain; there are scenes, clip");
    ended_free(&e);
    e = TRAIN("out", "smoke/mpt.yaml", "--only=scenes");
    check_status(&e, 0);
    CHECK_TEXT(e.out, ""); /* no table: the chain is not at its end */
    ended_free(&e);
    e = TRAIN("out", "smoke/mpt.yaml", "--only=scenes", "--only=clip", "--dry-run");
    check_status(&e, 0);
    CHECK_HAS(e.out, "reuse      scenes");
    CHECK_HAS(e.out, "run        clip");
    CHECK_HAS(e.out, "not needed proposals");
    CHECK_HAS(e.out, "not needed eval");
    ended_free(&e);
    char *scenes = run_of("out", "scenes"), *whole = path_join(scenes, "DONE");
    CHECK(file_exists(whole));
    free(scenes);
    free(whole);
}

TEST(a_stage_that_is_named_runs_again_though_what_it_is_for_is_done) {
    struct ended e = TRAIN("out", "smoke/clip.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *scenes = run_of("out", "scenes"), *whole = path_join(scenes, "DONE");
    CHECK_OK(dir_remove(scenes));
    e = TRAIN("out", "smoke/clip.yaml", NULL);
    check_status(&e, 0);
    CHECK(!dir_exists(scenes)); /* nothing wants it */
    ended_free(&e);
    e = TRAIN("out", "smoke/clip.yaml", "--only=scenes");
    check_status(&e, 0);
    CHECK(file_exists(whole));
    ended_free(&e);
    free(scenes);
    free(whole);
}

/* ctest, next: labels=slow */
TEST(a_run_stops_ahead_of_its_time_limit) {
    struct ended e = TRAIN("out", "smoke/clip.yaml", "optim.steps=100000", "--time-limit=0:31");
    check_status(&e, ERR_AGAIN);
    CHECK(e.seconds > 10 && e.seconds < 31);
    CHECK_HAS(e.err, "stopped by the time limit; the checkpoint of step");
    ended_free(&e);
    e = TRAIN("short", "smoke/clip.yaml", "--time-limit=0:20");
    check_status(&e, 0);
    CHECK_HAS(e.err, "too little to stop ahead of it");
    ended_free(&e);
}
