/* What ranks exchange. Each test starts itself once more, as so many processes of mpirun. */
/* ctest: timeout=120 processors=2 */
#include "dist/comm.h"

#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/torch.h"
#include "tests/unit/as_ranks.h"

/* Small integers: their sums are exact, in whatever order. */
static float value(int rank, size_t i) { return (float)((rank + 1) * (int)(i % 97) % 31); }

static void check_sum(struct comm *c, size_t n) {
    float *x = mem_alloc(n, sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = value(comm_rank(c), i);
    comm_sum_floats(c, x, n);
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (int r = 0; r < comm_size(c); r++) sum += value(r, i);
        if (x[i] != sum)
            test_fail(__FILE__, __LINE__, "%zu of %zu floats: %g, not %g", i, n, x[i], sum);
    }
    free(x);
}

static void exchange_everything(struct comm *c) {
    int rank = comm_rank(c), size = comm_size(c);
    static const size_t lengths[] = {1, 2, 3, 5, 64, 1000, (1 << 20) + 3, 3 << 20};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) check_sum(c, lengths[i]);

    double reals[2] = {rank + 0.5, -rank}, least = -rank;
    comm_sum(c, reals, 2);
    CHECK_NEAR(reals[0], 0.5 * size * size, 0);
    CHECK_NEAR(reals[1], -0.5 * size * (size - 1), 0);
    comm_max(c, &least, 1);
    CHECK_NEAR(least, 0, 0);
    int64_t count = 1;
    comm_sum_counts(c, &count, 1);
    CHECK_INT(count, size);

    char text[8] = "nobody";
    if (rank == 0) memcpy(text, "rank 0", 7);
    comm_broadcast(c, text, sizeof text);
    CHECK_TEXT(text, "rank 0");
    int mine[3] = {rank, 10 * rank, 7}, all[3 * 16];
    comm_gather(c, mine, sizeof mine, all);
    for (int r = 0; r < size; r++) CHECK(all[3 * r] == r && all[3 * r + 1] == 10 * r);
    comm_barrier(c);
}

static void check_exchanges(const char *test, int ranks) {
    struct comm *c = NULL;
    if (!as_ranks(test, ranks, &c)) return;
    exchange_everything(c);
    comm_close(c, 0);
}

TEST(two_ranks_exchange_sums_maxima_rows_and_bytes) {
    check_exchanges("two_ranks_exchange_sums_maxima_rows_and_bytes", 2);
}
TEST(three_ranks_do_the_same) { check_exchanges("three_ranks_do_the_same", 3); }
TEST(four_ranks_do_the_same) { check_exchanges("four_ranks_do_the_same", 4); }
TEST(eight_ranks_do_the_same) { check_exchanges("eight_ranks_do_the_same", 8); }

/* Sockets in the place of MPI. */
static void check_without_mpi(enum self_launcher how, const char *test, int ranks) {
    struct comm *c = NULL;
    if (!as_ranks_of(how, test, ranks, &c)) return;
    exchange_everything(c);
    comm_close(c, 0);
}

TEST(two_ranks_do_the_same_without_mpi) {
    check_without_mpi(BY_ADDRESS, "two_ranks_do_the_same_without_mpi", 2);
}
TEST(five_ranks_that_meet_by_a_file_do_the_same_without_mpi) {
    check_without_mpi(BY_FILE, "five_ranks_that_meet_by_a_file_do_the_same_without_mpi", 5);
    if (!getenv("SLURM_JOB_ID")) return;
    char *file = mem_format(".ovseg-meet-%s.%s.0", getenv("SLURM_JOB_ID"), getenv("SLURM_STEP_ID"));
    CHECK(!file_exists(file)); /* they have met */
    free(file);
}

/* ---- a word ---- */

static atomic_int told, heard, failed;
static int told_word(void) { return told; }
static void hear_word(int word) { heard = word; }
static void hear_failure(int status) { failed = status; }

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); }

/* `ranks` ranks; bit r of `who`: rank r is told. The last one is at work, the others wait for it;
 * then all of them are. */
static void check_word(enum self_launcher how, const char *test, int ranks, int who) {
    struct comm *c = NULL;
    if (!as_ranks_of(how, test, ranks, &c)) return;
    int rank = comm_rank(c), last = comm_size(c) - 1;
    comm_listen(c, (struct comm_word){told_word, hear_word, hear_failure});
    comm_barrier(c);
    if (who >> rank & 1) told = 40 + rank;
    double now = clock_s(), works = now + (told ? 0.5 : 20), until = now + 20;
    while (rank == last && !heard && clock_s() < works) nap();
    if (rank == last && !told && !heard) test_fail(__FILE__, __LINE__, "at work it heard nothing");
    comm_barrier(c);
    while (!told && !heard && clock_s() < until) nap();
    bool right = heard >= 40 && heard <= 40 + last && who >> (heard - 40) & 1;
    if (!told && !right) test_fail(__FILE__, __LINE__, "rank %d heard %d", rank, heard);
    exchange_everything(c);
    comm_close(c, 75); /* all with the same status: in order */
}

TEST(what_rank_1_is_told_rank_0_hears_while_it_waits) {
    check_word(BY_MPIRUN, "what_rank_1_is_told_rank_0_hears_while_it_waits", 2, 2);
}
TEST(what_rank_0_is_told_the_others_hear_while_they_wait_and_while_they_work) {
    check_word(BY_MPIRUN, "what_rank_0_is_told_the_others_hear_while_they_wait_and_while_they_work",
               3, 1);
}
TEST(what_a_rank_is_told_that_only_waits_one_at_work_hears) {
    check_word(BY_MPIRUN, "what_a_rank_is_told_that_only_waits_one_at_work_hears", 3, 2);
}
TEST(when_all_ranks_are_told_something_all_hear_and_end_in_order) {
    check_word(BY_MPIRUN, "when_all_ranks_are_told_something_all_hear_and_end_in_order", 4, 15);
}
TEST(rank_0_passes_on_what_another_was_told_without_mpi) {
    check_word(BY_ADDRESS, "rank_0_passes_on_what_another_was_told_without_mpi", 3, 2);
}
TEST(the_others_hear_what_rank_0_was_told_without_mpi) {
    check_word(BY_FILE, "the_others_hear_what_rank_0_was_told_without_mpi", 4, 1);
}
TEST(what_the_last_rank_is_told_those_that_wait_hear_without_mpi) {
    check_word(BY_ADDRESS, "what_the_last_rank_is_told_those_that_wait_hear_without_mpi", 3, 4);
}
TEST(a_rank_that_waits_for_rank_0_reaches_it_at_work_without_mpi) {
    struct comm *c = NULL;
    if (!as_ranks_of(BY_ADDRESS, "a_rank_that_waits_for_rank_0_reaches_it_at_work_without_mpi", 3,
                     &c))
        return;
    comm_listen(c, (struct comm_word){told_word, hear_word, hear_failure});
    comm_barrier(c);
    int row[2] = {comm_rank(c), 7}, all[6];
    double until = clock_s() + 20;
    if (comm_rank(c) == 1) told = 41;
    while (comm_rank(c) == 0 && !heard && clock_s() < until) nap();
    if (comm_rank(c) == 0) CHECK_INT(heard, 41);
    comm_gather(c, row, sizeof row, all); /* what two had sent before */
    for (int r = 0; r < 3; r++) CHECK(all[2 * r] == r && all[2 * r + 1] == 7);
    exchange_everything(c);
    comm_close(c, 0);
}
TEST(when_all_are_told_something_all_hear_without_mpi) {
    check_word(BY_ADDRESS, "when_all_are_told_something_all_hear_without_mpi", 5, 31);
}

/* ---- a rank that fails ---- */

/* The last one, while the others are at work. */
static void check_failure(enum self_launcher how, const char *test, int ranks) {
    struct comm *c = NULL;
    if (!as_ranks_of(how, test, ranks, &c)) return;
    double until = clock_s() + 4; /* they hear of it within a fraction of that */
    comm_listen(c, (struct comm_word){told_word, hear_word, hear_failure});
    comm_barrier(c);
    while (comm_rank(c) < comm_size(c) - 1 && !failed && clock_s() < until) nap();
    if (comm_rank(c) < comm_size(c) - 1) CHECK_INT(failed, 65);
    comm_close(c, 65); /* in order, or this is not reached */
}

TEST(ranks_at_work_hear_that_another_failed_and_end_in_order_with_it) {
    check_failure(BY_MPIRUN, "ranks_at_work_hear_that_another_failed_and_end_in_order_with_it", 3);
}
TEST(they_hear_it_without_mpi) { check_failure(BY_FILE, "they_hear_it_without_mpi", 3); }

static void write_status(void *ctx, int status) {
    char *text = mem_format("%d", status);
    CHECK_OK(file_write(ctx, text, strlen(text)));
    free(text);
}

/* Rank 0 waits for one that ends by itself, when it has been at work for so long. */
static void check_let_go(enum self_launcher how, const char *test, double seconds) {
    struct launch l;
    struct comm *c = NULL;
    CHECK_OK(launch_read(&l, true));
    if (l.size == 1) {
        char *file = test_path("let-go"), *variable = mem_format("LET_GO=%s", file);
        struct ended e = self_ranks(how, 2, test, (const char *const[]){variable, NULL});
        char *said = text_of(file);
        CHECK_INT(e.status, 65);
        CHECK_TEXT(said, "65");
        ended_free(&e);
        char *const owned[] = {file, variable, said};
        for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
        return;
    }
    CHECK_OK(comm_open(&c, &l));
    comm_listen(c, (struct comm_word){told_word, hear_word, hear_failure});
    if (comm_rank(c) == 0) comm_at_end(c, write_status, getenv("LET_GO"));
    comm_barrier(c);
    if (comm_rank(c)) comm_close(c, 65);
    for (double until = clock_s() + seconds; clock_s() < until;) nap();
    comm_barrier(c); /* for ever */
}

TEST(rank_0_lets_go_and_ends_all_when_it_waits_for_one_that_failed) {
    check_let_go(BY_MPIRUN, "rank_0_lets_go_and_ends_all_when_it_waits_for_one_that_failed", 0);
}
TEST(and_does_without_mpi) { check_let_go(BY_ADDRESS, "and_does_without_mpi", 0); }
TEST(who_has_failed_waits_until_rank_0_is_through_its_step) {
    check_let_go(BY_MPIRUN, "who_has_failed_waits_until_rank_0_is_through_its_step", 8);
}

/* Sums whose numbers fill sockets, while words come. */
static void check_word_among_sums(enum self_launcher how, const char *test) {
    struct comm *c = NULL;
    if (!as_ranks_of(how, test, 3, &c)) return;
    comm_listen(c, (struct comm_word){told_word, hear_word, hear_failure});
    if (comm_rank(c)) told = 40;
    double until = clock_s() + 1;
    for (double now = 0; now < until;) {
        check_sum(c, 3 << 20);
        now = clock_s();
        comm_broadcast(c, &now, sizeof now);
        comm_broadcast(c, &until, sizeof until);
    }
    exchange_everything(c);
    comm_close(c, 0);
}
TEST(a_word_does_not_come_between_the_numbers_of_a_sum) {
    check_word_among_sums(BY_MPIRUN, "a_word_does_not_come_between_the_numbers_of_a_sum");
}
TEST(nor_between_those_that_go_without_mpi) {
    check_word_among_sums(BY_ADDRESS, "nor_between_those_that_go_without_mpi");
}

TEST(one_process_needs_no_communicator) { exchange_everything(NULL); }

/* ((0 + 1) + (2 + 3)) of numbers whose sum depends on the order. */
static void check_tree(enum self_launcher how, const char *test) {
    struct comm *c = NULL;
    if (!as_ranks_of(how, test, 4, &c)) return;
    static const float of[] = {1e8F, 3, -1e8F, 0.5F};
    float x[5], tree = (of[0] + of[1]) + (of[2] + of[3]);
    for (int i = 0; i < 5; i++) x[i] = of[comm_rank(c)];
    comm_sum_floats(c, x, 5);
    for (int i = 0; i < 5; i++) CHECK(x[i] == tree);
    CHECK(tree != ((of[0] + of[1]) + of[2]) + of[3]);
    comm_close(c, 0);
}
TEST(floats_are_added_as_a_tree_of_ranks) {
    check_tree(BY_MPIRUN, "floats_are_added_as_a_tree_of_ranks");
}
TEST(and_so_without_mpi) { check_tree(BY_ADDRESS, "and_so_without_mpi"); }

TEST(reports_of_an_earlier_life_are_removed) {
    struct comm *c = NULL;
    if (!as_ranks("reports_of_an_earlier_life_are_removed", 2, &c)) return;
    if (comm_rank(c) == 0) {
        char *dir = test_path("run"), *hang = path_join(dir, "hang"),
             *old = path_join(hang, "rank-1.txt");
        CHECK_OK(dir_make(hang));
        CHECK_OK(file_write(old, "x", 1));
        comm_report_to(c, dir);
        CHECK(!file_exists(old));
        free(dir);
        free(hang);
        free(old);
    }
    comm_close(c, 0);
}

TEST(sums_go_on_while_other_exchanges_wait_for_their_turn) {
    struct comm *c = NULL;
    if (!as_ranks("sums_go_on_while_other_exchanges_wait_for_their_turn", 2, &c)) return;
    enum { SUMS = 40, N = 10000 };
    float *x = mem_alloc(SUMS * N, sizeof *x);
    for (size_t i = 0; i < SUMS * N; i++) x[i] = value(comm_rank(c), i);
    tensor *all = t_from_data(x, SHAPE(SUMS, N), T_F32);
    for (int64_t k = 0; k < SUMS; k++) comm_sum_tensor_start(c, t_select(all, 0, k), NULL);
    double one = 1;
    comm_sum(c, &one, 1); /* behind them in the queue */
    CHECK_NEAR(one, 2, 0);
    comm_sums_wait(c);
    CHECK_OK(t_copy_out(all, x, SUMS * N * sizeof *x));
    for (size_t i = 0; i < SUMS * N; i++) CHECK(x[i] == value(0, i) + value(1, i));
    free(x);
    comm_close(c, 0);
}

TEST(a_launcher_with_another_number_of_processes_is_refused) {
    struct launch l;
    struct comm *c;
    if (!*TEST_MPIRUN) test_skip("there is no MPI");
    CHECK_OK(launch_read(&l, false));
    if (l.size == 1) { /* nobody starts five */
        struct process p;
        char self[4096] = {0};
        CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
        process_start(
            &p,
            (const char *const[]){self, "a_launcher_with_another_number_of_processes_is_refused",
                                  NULL},
            (const char *const[]){"OMPI_COMM_WORLD_SIZE=5", "ASAN_OPTIONS=detect_leaks=0", NULL});
        struct ended e = process_wait(&p, 100);
        check_status(&e, 0);
        ended_free(&e);
        return;
    }
    CHECK_ERROR(comm_open(&c, &l), ERR_DEVICE, "to MPI there are 1");
    CHECK(!c);
}

TEST(launchers_are_told_apart_by_what_they_set) {
    struct launch l;
    CHECK_OK(launch_read(&l, false));
    CHECK(!l.by && l.size == 1);
    setenv("SLURM_NTASKS", "4", 1);
    setenv("SLURM_PROCID", "2", 1);
    CHECK_OK(launch_read(&l, false)); /* a batch script, or a shell of salloc: one process */
    CHECK_INT(l.size, 1);
    setenv("SLURM_STEP_ID", "0", 1);
    CHECK_ERROR(launch_read(&l, false), ERR_DEVICE, "one of 4 tasks of srun");
    setenv("PMIX_RANK", "2", 1);
    CHECK_OK(launch_read(&l, false));
    CHECK_TEXT(l.by, "srun with PMIx");
    CHECK(l.rank == 2 && l.size == 4);
    unsetenv("PMIX_RANK");
    unsetenv("SLURM_STEP_ID");
    setenv("RANK", "1", 1);
    setenv("WORLD_SIZE", "2", 1);
    CHECK_ERROR(launch_read(&l, false), ERR_DEVICE, "mpirun -np 2");
}

TEST(jobs_of_gpus_meet_without_mpi_where_their_launcher_says) {
    struct launch l;
    setenv("RANK", "1", 1);
    setenv("WORLD_SIZE", "2", 1);
    CHECK_ERROR(launch_read(&l, true), ERR_DEVICE, "MASTER_ADDR");
    setenv("MASTER_ADDR", "node7", 1);
    setenv("MASTER_PORT", "29500", 1);
    CHECK_OK(launch_read(&l, true));
    CHECK(l.meet == MEET_ADDRESS && l.rank == 1 && l.size == 2 && l.port == 29500);
    CHECK_TEXT(l.address, "node7");
    setenv("TORCHELASTIC_USE_AGENT_STORE", "True", 1);
    CHECK_OK(launch_read(&l, true));
    CHECK_INT(l.port, 29501); /* torchrun has the other one */
    setenv("RANK", "2", 1);
    CHECK_ERROR(launch_read(&l, true), ERR_DEVICE, "RANK=2");
    unsetenv("RANK");
    setenv("SLURM_STEP_ID", "3", 1);
    setenv("SLURM_JOB_ID", "77", 1);
    setenv("SLURM_NTASKS", "4", 1);
    setenv("SLURM_PROCID", "2", 1);
    unsetenv("MASTER_PORT");
    CHECK_OK(launch_read(&l, true));
    CHECK(l.meet == MEET_FILE && l.rank == 2 && l.size == 4);
    CHECK_TEXT(l.file, ".ovseg-meet-77.3.0");
    setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
    setenv("OMPI_COMM_WORLD_RANK", "3", 1);
    CHECK_OK(launch_read(&l, true)); /* MPI, when there is one */
    CHECK(l.meet == MEET_MPI && l.rank == 3);
}

/* Nobody comes: who waits says for whom. */
TEST(a_rank_that_does_not_come_is_named) {
    struct comm *c;
    struct launch l = {.by = "torchrun",
                       .rank = 0,
                       .size = 3,
                       .meet = MEET_ADDRESS,
                       .address = "127.0.0.1",
                       .port = 0,
                       .name = "",
                       .patience = 0.3};
    CHECK_ERROR(comm_open(&c, &l), ERR_DEVICE, "2 of them are missing: rank 1, 2");
    l.rank = 1;
    l.port = 9; /* where nobody listens */
    CHECK_ERROR(comm_open(&c, &l), ERR_DEVICE, "rank 0 is not found");
    char *file = test_path("meet");
    l.meet = MEET_FILE;
    snprintf(l.file, sizeof l.file, "%.120s", file);
    CHECK_ERROR(comm_open(&c, &l), ERR_DEVICE, "working folder");
    free(file);
}
