/* One of several ranks is asked to stop, whatever each is at: all stop, and what is whole is kept.
 */
/* ctest: timeout=600 labels=slow processors=2 */
#include <signal.h>

#include "base/file.h"
#include "tests/e2e/self.h"
#include "tests/e2e/small.h"
#include "tests/test.h"

/* MINED: more than a rank mines before it hears of another (0.1 s, a hundred shards, was met). */
enum { RANKS = 3, MINED = 24000, SHARD = 10 };

/* In order: one rank tells, and nobody was ended in the middle of something. */
static void check_stopped(const struct ended *e, int status, const char *says, const char *out) {
    char *dir = test_path(out);
    check_status(e, status);
    CHECK_HAS(e->err, says);
    CHECK_INT(count_text(e->err, "stopped by"), 1);
    check_nothing_passing(dir);
    free(dir);
}

/* Rank 0 did not come to the end of its share, of so many, which it would say after a second. */
static void check_heard(const struct ended *e, const char *stage, long share) {
    char *said = mem_format("%s: ", stage);
    long n = 0;
    for (const char *at = e->err; (at = strstr(at, said)); at++) {
        char *end;
        long x = strtol(at + strlen(said), &end, 10);
        if (strncmp(end, " pictures in ", 13) == 0) n = x;
    }
    if (n >= share) test_fail(__FILE__, __LINE__, "%ld pictures:\n%s", n, e->err);
    free(said);
}

static void check_runs(int ranks, const char *config) {
    struct ended e = TRAIN_RANKS(ranks, "out", config, NULL);
    check_status(&e, 0);
    ended_free(&e);
}

TEST(a_rank_that_mines_and_is_told_to_stop_stops_the_others) {
    char *made = small_config("scenes.yaml",
                              "stage: scenes\nscenes: {size: 32}\n"
                              "count: {easy: 0, clip: 24000, seen: 1, val: 1, test: 1}\n");
    char *config = small_config("mine.yaml",
                                "stage: mine\ninputs: {scenes: scenes.yaml}\n"
                                "mine: {ground_truth: true, images: 24000, shard_images: 10}\n");
    struct ended drawn = TRAIN("out", made, "threads=2");
    check_status(&drawn, 0);
    ended_free(&drawn);
    static const struct {
        int ranks, status;
        const char *rank, *fault, *says;
    } lives[] = {
        {2, 143, "1", "pread:40:TERM", "stopped by SIGTERM; whole shards are kept"},
        {RANKS, 75, "0", "pread:40:USR1", "stopped by SIGUSR1; whole shards are kept"},
        {RANKS, 130, "2", "pread:40:INT", "stopped by SIGINT; whole shards are kept"},
    };
    size_t before = 0;
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        struct ended e =
            small_run(lives[i].ranks, lives[i].rank, config, lives[i].fault, "/clip.h5");
        check_stopped(&e, lives[i].status, lives[i].says, "out");
        char *pairs = file_of("out", "mine", "pairs");
        struct strings names;
        CHECK_OK(dir_list(pairs, &names));
        size_t share = (MINED / SHARD - before) / (size_t)lives[i].ranks; /* nobody's is whole */
        if (names.n < before || names.n >= before + share)
            test_fail(__FILE__, __LINE__, "%zu shards, %zu before", names.n, before);
        before = names.n;
        strings_free(&names);
        ended_free(&e);
        free(pairs);
    }
    check_runs(2, config);
    free(made);
    free(config);
}

/* What ranks kept of each picture is what one process keeps, to the byte. */
static void check_same_alone(const char *config) {
    char *run = run_of("out", "eval"), *path = path_join(run, "analysis.h5");
    struct bytes ranks, alone;
    CHECK_OK(file_read(path, 1 << 26, &ranks));
    CHECK_OK(dir_remove(run));
    check_runs(1, config);
    CHECK_OK(file_read(path, 1 << 26, &alone));
    CHECK_INT(ranks.n, alone.n);
    CHECK(memcmp(ranks.at, alone.at, alone.n) == 0);
    bytes_free(&ranks);
    bytes_free(&alone);
    free(path);
    free(run);
}

TEST(a_rank_that_evaluates_and_is_told_to_stop_stops_the_others_between_two_pictures) {
    char *config = small_evaluation();
    struct ended e = small_run(2, "1", config, "pread:10:TERM", "/test.h5");
    check_stopped(&e, 143, "stopped by SIGTERM; the same command evaluates again", "out");
    check_heard(&e, "eval", SMALL_PICTURES / 2);
    ended_free(&e);
    e = small_run(RANKS, "2", config, "pread:10:USR1", "/test.h5");
    check_stopped(&e, 75, "stopped by SIGUSR1; the same command evaluates again", "out");
    check_heard(&e, "eval", SMALL_PICTURES / RANKS);
    ended_free(&e);
    check_runs(RANKS, config);
    check_same_alone(config);
    free(config);
}

/* The process that is that rank. */
static pid_t pid_of(const struct process *p, int rank) {
    pid_t found[8];
    char *wanted = mem_format("OMPI_COMM_WORLD_RANK=%d", rank);
    size_t n = processes_below(p, "ovseg-train", found, 8);
    pid_t pid = 0;
    for (size_t i = 0; i < n && !pid; i++) {
        char *path = mem_format("/proc/%ld/environ", (long)found[i]);
        struct bytes text;
        CHECK_OK(file_read_stream(path, 1 << 20, &text));
        for (size_t at = 0; at < text.n; at += strlen((char *)text.at + at) + 1)
            if (strcmp((char *)text.at + at, wanted) == 0) pid = found[i];
        bytes_free(&text);
        free(path);
    }
    free(wanted);
    CHECK(pid);
    return pid;
}

TEST(a_rank_that_only_waits_and_is_told_to_stop_stops_the_one_that_works_for_all) {
    char *config = small_config(
        "scenes.yaml", "stage: scenes\ncount: {easy: 0, clip: 200000, seen: 1, val: 1, test: 1}\n");
    struct process p;
    train_start_ranks(&p, 2, "out", config, (const char *const[]){NULL}, NULL);
    free(wait_for_run("out", "scenes", "progress.json", 0));
    CHECK_INT(kill(pid_of(&p, 1), SIGTERM), 0);
    struct ended e = process_wait(&p, 300);
    check_stopped(&e, 143, "stopped by SIGTERM; the same command draws the scenes anew", "out");
    ended_free(&e);
    free(config);
}

/* Without MPI: the program on a CPU with a stand-in for NCCL (tests/stand_in.c). */
TEST(without_mpi_a_rank_that_evaluates_stops_the_others_too) {
    char *config = small_evaluation(), *dir = test_path("out");
    char *output = mem_format("output_dir=%s", dir);
    struct process p[RANKS];
    ranks_start(p, BY_ADDRESS, RANKS,
                (const char *const[]){TEST_STAND_IN, config, "threads=1", output, NULL},
                (const char *const[]){"LD_LIBRARY_PATH=" TEST_FAKE_NCCL, NULL});
    free(wait_for_run("out", "eval", "progress.json", 0));
    CHECK_INT(kill(p[2].pid, SIGTERM), 0);
    struct ended first = process_wait(&p[0], 60), second = process_wait(&p[1], 60);
    struct ended third = process_wait(&p[2], 60);
    CHECK(second.status == 143 && third.status == 143);
    check_heard(&first, "eval", SMALL_PICTURES / RANKS);
    struct str said = {0};
    str_add(&said, "%s%s%s", first.err, second.err, third.err);
    struct ended all = {.status = first.status, .err = said.at};
    check_stopped(&all, 143, "stopped by SIGTERM; the same command evaluates again", "out");
    ended_free(&first);
    ended_free(&second);
    ended_free(&third);
    str_free(&said);
    char *const owned[] = {config, dir, output};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
