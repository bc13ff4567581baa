/* One of several ranks ends with an error: all end with its status and soon, its message is told
 * once, and rank 0 lets go of the run, in order where it can: nothing is left for the next start to
 * break. */
/* ctest: timeout=600 labels=slow processors=2 */
#include <signal.h>

#include "base/file.h"
#include "tests/e2e/self.h"
#include "tests/e2e/small.h"
#include "tests/test.h"

/* FAILED says so, nobody holds the run, nothing is half written. */
static void check_let_go(const char *name, int status) {
    char *failed = file_of("out", name, "FAILED"), *text = text_of(failed), *dir = test_path("out");
    char *code = mem_format("{\"code\":%d,\"message\":\"", status);
    CHECK_HAS(text, code);
    CHECK(!strstr(text, "\"message\":\"\""));
    check_nothing_passing(dir);
    char *const owned[] = {failed, text, dir, code};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void check_runs(int ranks, const char *config) {
    struct ended e = TRAIN_RANKS(ranks, "out", config, NULL);
    check_status(&e, 0);
    CHECK(!strstr(e.err, "taken over from"));
    ended_free(&e);
}

/* The N-th reading of a file fails in one rank, then the same command goes on. */
static void check_fails(int ranks, const char *rank, const char *config, const char *name,
                        const char *fault, const char *under, bool in_order) {
    struct ended e = small_run(ranks, rank, config, fault, under);
    check_status(&e, ERR_MISSING);
    CHECK_INT(count_text(e.err, "Input/output error"), 1);
    if (in_order) CHECK(!strstr(e.err, "MPI_ABORT"));
    ended_free(&e);
    check_let_go(name, ERR_MISSING);
    check_runs(ranks, config);
}

static const char few_scenes[] =
    "stage: scenes\nscenes: {size: 32}\n"
    "count: {easy: 64, clip: 64, seen: 1, val: 12, test: 1}\n";
static const char training[] =
    "SMOKE/clip.yaml\ninputs: {scenes: scenes.yaml}\ndata: {damaged: stop}\n";

/* In the middle of an epoch: what is in memory by then can be had, all else not. */
static void check_training(const char *rank) {
    char *scenes = small_config("scenes.yaml", few_scenes);
    char *config = small_config("clip.yaml", training);
    check_runs(1, scenes);
    check_fails(2, rank, config, "clip", "pread:60+:EIO", "/clip.h5", false);
    free(scenes);
    free(config);
}

TEST(a_rank_that_cannot_read_its_batch_ends_all_and_rank_0_lets_go_of_the_run) {
    check_training("1");
}
TEST(rank_0_that_cannot_read_its_batch_ends_all_and_lets_go_of_the_run) { check_training("0"); }

/* Long before their shares end: what each does by itself ends in order. */
TEST(a_rank_that_cannot_go_on_evaluating_stops_the_others_behind_their_picture) {
    char *config = small_evaluation();
    check_fails(3, "1", config, "eval", "pread:60+:EIO", "/test.h5", true);
    free(config);
}

/* So many that none of the others is through its share, and waits, before the word comes: who waits
 * for rank 0 hears nothing, and is ended after five seconds. */
TEST(rank_0_that_cannot_go_on_mining_stops_the_others_behind_their_picture) {
    char *scenes = small_config("scenes.yaml",
                                "stage: scenes\nscenes: {size: 32}\n"
                                "count: {easy: 0, clip: 48000, seen: 1, val: 1, test: 1}\n");
    char *config =
        small_config("mine.yaml",
                     "stage: mine\ninputs: {scenes: scenes.yaml}\ndata: {damaged: stop}\n"
                     "mine: {ground_truth: true, images: 48000, shard_images: 10}\n");
    check_runs(1, scenes);
    check_fails(3, "0", config, "mine", "pread:300+:EIO", "/clip.h5", true);
    free(scenes);
    free(config);
}

/* Of the rank itself and of the one that waits for it, mpirun ends the second: the lock is that of
 * a process that is gone, and nobody waits for it. */
TEST(after_a_rank_was_killed_the_same_command_goes_on_at_once) {
    char *scenes = small_config("scenes.yaml", few_scenes);
    char *config = small_config("clip.yaml", training);
    check_runs(1, scenes);
    struct ended e = small_run(2, "1", config, "pread:60:KILL", "/clip.h5");
    CHECK(e.status != 0);
    ended_free(&e);
    e = TRAIN_RANKS(2, "out", config, NULL);
    check_status(&e, 0);
    CHECK(!strstr(e.err, "whether it lives"));
    ended_free(&e);
    free(scenes);
    free(config);
}

/* Without MPI: the program on a CPU with a stand-in for NCCL (tests/stand_in.c). */
TEST(without_mpi_rank_0_lets_go_of_the_run_when_another_is_killed) {
    enum { RANKS = 3 };
    char *scenes = small_config("scenes.yaml", few_scenes), *dir = test_path("out");
    char *config = small_config("clip.yaml", training), *output = mem_format("output_dir=%s", dir);
    check_runs(1, scenes);
    struct process p[RANKS];
    ranks_start(p, BY_ADDRESS, RANKS,
                (const char *const[]){TEST_STAND_IN, config, "threads=1", "batch.global=15",
                                      "optim.steps=100000", output, NULL},
                (const char *const[]){"LD_LIBRARY_PATH=" TEST_FAKE_NCCL, NULL});
    free(wait_for_run("out", "clip", "metrics.jsonl", 400));
    CHECK_INT(kill(p[2].pid, SIGKILL), 0);
    struct ended all = ranks_wait(p, RANKS, 60);
    CHECK_INT(all.status, 128 + SIGKILL);
    CHECK_HAS(all.err, "rank 2 is gone");
    ended_free(&all);
    check_let_go("clip", ERR_INTERNAL);
    char *failed = file_of("out", "clip", "FAILED"), *reason = text_of(failed);
    CHECK_HAS(reason, "rank 2 is gone");
    char *const owned[] = {scenes, dir, config, output, failed, reason};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
