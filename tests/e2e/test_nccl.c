/* Training whose tensors go through NCCL, without MPI: the program on a CPU, with a stand-in for
 * NCCL that takes the CPU's memory (tests/stand_in.c, tests/fake_nccl.c). */
/* ctest: timeout=900 labels=slow processors=2 */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/e2e/self.h"
#include "tests/test.h"

enum { RANKS = 4, ARGUMENTS = 24 };

static const char library[] = "LD_LIBRARY_PATH=" TEST_FAKE_NCCL;

/* As train_start_ranks(), for ranks that no MPI knows. */
static void start(struct process p[RANKS], enum self_launcher how, int ranks, const char *out,
                  const char *config, const char *const *arguments, const char *variable) {
    char *relative = mem_format("configs/%s", config), *file = test_source(relative);
    char *dir = test_path(out), *output = mem_format("output_dir=%s", dir);
    const char *argv[ARGUMENTS] = {TEST_STAND_IN, file, "threads=1", output};
    for (size_t n = 4; *arguments; arguments++) {
        CHECK(n + 1 < ARGUMENTS);
        argv[n++] = *arguments;
    }
    ranks_start(p, how, ranks, argv, (const char *const[]){library, variable, NULL});
    free(relative);
    free(file);
    free(dir);
    free(output);
}

static void train(enum self_launcher how, int ranks, const char *out, const char *config,
                  const char *const *arguments) {
    struct process p[RANKS];
    start(p, how, ranks, out, config, arguments, NULL);
    struct ended e = ranks_wait(p, ranks, 600);
    check_status(&e, 0);
    ended_free(&e);
}

static void check_same_runs(const char *a, const char *b, const char *name) {
    char *x = run_of(a, name), *y = run_of(b, name);
    check_same_checkpoint(x, y);
    free(x);
    free(y);
}

TEST(two_ranks_train_through_nccl_to_the_bits_of_two_under_mpi) {
    struct ended e = TRAIN_RANKS(2, "mpi", "smoke/clip.yaml", NULL);
    check_status(&e, 0);
    train(BY_ADDRESS, 2, "nccl", "smoke/clip.yaml", (const char *const[]){NULL});
    check_same_runs("mpi", "nccl", "clip");
    ended_free(&e);
}

TEST(virtual_shards_give_the_bits_of_one_process_through_nccl_on_two_and_four_ranks) {
    struct ended e = TRAIN("one", "smoke/mpt.yaml", "virtual_shards=4");
    check_status(&e, 0);
    const char *const shards[] = {"virtual_shards=4", NULL};
    train(BY_FILE, 2, "two", "smoke/mpt.yaml", shards);
    train(BY_ADDRESS, 4, "four", "smoke/mpt.yaml", shards);
    static const char *const stages[] = {"clip", "proposals", "finetune", "mpt"};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        check_same_runs("one", "two", stages[i]);
        check_same_runs("one", "four", stages[i]);
    }
    ended_free(&e);
}

/* Until it has made steps. */
static void wait_for_steps(const char *out) {
    free(wait_for_run(out, "clip", "metrics.jsonl", 400));
}

static const char *const long_run[] = {"optim.steps=4000",      "dist.timeout=3",
                                       "dist.timeout_first=20", "checkpoint.every=10",
                                       "validate.every=100000", NULL};

TEST(when_a_rank_dies_the_others_end_and_the_same_command_goes_on) {
    struct process p[RANKS];
    const char *const command[] = {"optim.steps=400", "checkpoint.every=10", NULL};
    start(p, BY_ADDRESS, 2, "out", "smoke/clip.yaml", command, NULL);
    wait_for_steps("out");
    CHECK_INT(kill(p[1].pid, SIGKILL), 0);
    double killed = clock_s();
    struct ended e = process_wait(&p[0], 60), dead = process_wait(&p[1], 60);
    CHECK_INT(e.status, 70);
    CHECK_HAS(e.err, "rank 1 is gone");
    CHECK(clock_s() - killed < 15);
    ended_free(&e);
    ended_free(&dead);
    train(BY_ADDRESS, 2, "out", "smoke/clip.yaml", command);
}

TEST(a_rank_that_hangs_is_named_and_all_others_end_with_70) {
    struct process p[RANKS];
    start(p, BY_ADDRESS, 2, "out", "smoke/clip.yaml", long_run, NULL);
    wait_for_steps("out");
    CHECK_INT(kill(p[1].pid, SIGSTOP), 0);
    double stopped = clock_s();
    struct ended e = process_wait(&p[0], 60);
    CHECK_INT(e.status, 70);
    CHECK_HAS(e.err, "silent: rank 1");
    CHECK(clock_s() - stopped < 3 + 5 + 5 + 5); /* timeout, report, abort, others on the cores */
    char *stacks = file_of("out", "clip", "hang/rank-0.txt"), *text = text_of(stacks);
    CHECK_HAS(text, "rank 0 of 2 waits for ");
    CHECK_INT(kill(p[1].pid, SIGCONT), 0);
    struct ended other = process_wait(&p[1], 60);
    CHECK_INT(other.status, 70); /* it finds the others gone */
    ended_free(&e);
    ended_free(&other);
    free(stacks);
    free(text);
}

TEST(an_error_of_nccl_ends_all_with_70_and_its_words) {
    struct process p[RANKS];
    start(p, BY_ADDRESS, 2, "out", "smoke/clip.yaml", long_run, "FAKE_NCCL=1:error:100");
    struct ended e = ranks_wait(p, 2, 120);
    check_status(&e, 70);
    CHECK_HAS(e.err, "a cable was pulled");
    ended_free(&e);
}

TEST(a_signal_stops_all_ranks_and_the_same_command_gives_the_bits_of_one_that_never_stopped) {
    struct process p[RANKS];
    start(p, BY_ADDRESS, 2, "out", "smoke/clip.yaml",
          (const char *const[]){"optim.steps=200", NULL}, NULL);
    wait_for_steps("out");
    CHECK_INT(kill(p[1].pid, SIGUSR1), 0);
    struct ended e = ranks_wait(p, 2, 60);
    check_status(&e, 75);
    ended_free(&e);
    train(BY_ADDRESS, 2, "out", "smoke/clip.yaml", (const char *const[]){"optim.steps=200", NULL});
    train(BY_ADDRESS, 2, "whole", "smoke/clip.yaml",
          (const char *const[]){"optim.steps=200", NULL});
    check_same_runs("whole", "out", "clip");
}

TEST(without_a_usable_nccl_all_end_with_69_and_touch_nothing) {
    struct process p[RANKS];
    start(p, BY_ADDRESS, 2, "out", "smoke/clip.yaml", (const char *const[]){NULL},
          "FAKE_NCCL_VERSION=21003");
    struct ended e = ranks_wait(p, 2, 60);
    check_status(&e, 69);
    CHECK_HAS(e.err, "no usable NCCL, because libnccl.so.2 is NCCL 2.10.3");
    char *dir = test_path("out");
    CHECK(!dir_exists(dir));
    free(dir);
    ended_free(&e);
}

TEST(processes_of_torchrun_without_gpus_end_with_69_and_touch_nothing) {
    struct process p[RANKS];
    char *config = test_source("configs/smoke/clip.yaml"), *dir = test_path("out"),
         *output = mem_format("output_dir=%s", dir);
    ranks_start(p, BY_ADDRESS, 2, (const char *const[]){TEST_PROGRAM, config, output, NULL}, NULL);
    struct ended e = ranks_wait(p, 2, 60);
    check_status(&e, 69);
    CHECK_HAS(e.err, "mpirun -np 2");
    CHECK(!dir_exists(dir));
    ended_free(&e);
    free(config);
    free(dir);
    free(output);
}
