/* What ranks exchange through NCCL, for which tests/fake_nccl.c stands in, on memory of the host.
 * Each test starts itself once more, as so many processes. */
/* ctest: timeout=180 processors=2 */
#include "dist/nccl.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "dist/reducer.h"
#include "tests/torch.h"
#include "tests/unit/as_ranks.h"

static const char stand_in[] = "LD_LIBRARY_PATH=" TEST_FAKE_NCCL;

/* In one of the ranks: its communicator, with NCCL. */
static bool is_nccl_rank(struct comm **c) {
    if (!is_rank(c)) return false;
    CHECK_OK(comm_nccl_open(*c, true));
    CHECK(comm_has_nccl(*c));
    return true;
}

/* The same; elsewhere starts the ranks, all of which must pass. */
static bool as_nccl_ranks(const char *test, int ranks, struct comm **c) {
    if (is_nccl_rank(c)) return true;
    check_self_ranks(BY_ADDRESS, ranks, test, (const char *const[]){stand_in, NULL});
    return false;
}

/* ---- loading ---- */

TEST(versions_are_read_as_nccl_writes_them) {
    char text[24];
    nccl_version_text(22809, text);
    CHECK_TEXT(text, "2.28.9");
    nccl_version_text(2708, text);
    CHECK_TEXT(text, "2.7.8");
}

/* In a process of its own: what is loaded stays. */
static void check_loading(const char *test, const char *const *environment, const char *why) {
    if (getenv("TEST_LOADS")) {
        const struct nccl *n;
        const char *wrong = nccl_load(&n);
        if (!why)
            CHECK(!wrong && n->version == 22809 && n->all_reduce && n->get_last_error);
        else
            CHECK_HAS(wrong, why);
        wrong = nccl_load(&n); /* and again */
        CHECK(!wrong == !why);
        return;
    }
    check_self_ranks(BY_ADDRESS, 1, test, environment);
}

TEST(the_library_is_found_where_the_system_looks) {
    check_loading("the_library_is_found_where_the_system_looks",
                  (const char *const[]){stand_in, "TEST_LOADS=1", NULL}, NULL);
}

TEST(a_library_that_is_too_old_is_refused_with_both_versions) {
    check_loading("a_library_that_is_too_old_is_refused_with_both_versions",
                  (const char *const[]){stand_in, "TEST_LOADS=1", "FAKE_NCCL_VERSION=21003", NULL},
                  "NCCL 2.10.3, and 2.14.0 or newer is needed");
}

TEST(a_file_that_is_no_library_is_named_with_what_installs_it) {
    char *dir = test_path("lib"), *file = path_join(dir, "libnccl.so.2"),
         *variable = mem_format("LD_LIBRARY_PATH=%s", dir);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(file, "none", 4));
    check_loading("a_file_that_is_no_library_is_named_with_what_installs_it",
                  (const char *const[]){variable, "TEST_LOADS=1", NULL}, "scripts/setup --cuda");
    free(dir);
    free(file);
    free(variable);
}

/* ---- exchanges ---- */

/* Small integers: their sums are exact, in whatever order. */
static float value(int rank, int64_t i) { return (float)((rank + 1) * (int)(i % 97) % 31); }

static tensor *values(int rank, int64_t n) {
    float *x = mem_alloc((size_t)n, sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = value(rank, i);
    tensor *t = t_from_data(x, SHAPE(n), T_F32);
    free(x);
    return t;
}

static void check_exact(tensor *t, int rank, int ranks) {
    int64_t n = t_numel(t);
    float *x = mem_alloc((size_t)n, sizeof *x);
    CHECK_OK(t_copy_out(t, x, (size_t)n * sizeof *x));
    for (int64_t i = 0; i < n; i++) {
        float expected = 0;
        for (int r = rank; r < rank + ranks; r++) expected += value(r, i);
        if (x[i] != expected)
            test_fail(__FILE__, __LINE__, "%lld: %g, not %g", (long long)i, x[i], expected);
    }
    free(x);
}

static void exchange_tensors(struct comm *c) {
    int rank = comm_rank(c), size = comm_size(c);
    static const int64_t sizes[] = {1, 7, 100000, 300001}; /* several pieces of the stand-in */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t n = sizes[i];
        tensor *sum = values(rank, n), *copy = values(rank, n);
        tensor *all = t_empty(SHAPE(size, n), T_F32);
        comm_sum_tensor(c, sum);
        check_exact(sum, 0, size);
        comm_gather_tensor(c, copy, all);
        for (int r = 0; r < size; r++) check_exact(t_select(all, 0, r), r, 1);
        comm_broadcast_tensor(c, copy);
        check_exact(copy, 0, 1);
    }
    tensor *whole = t_full(SHAPE(3), 10 + rank, T_I64);
    comm_broadcast_tensor(c, whole);
    CHECK_NEAR(t_item(t_select(whole, 0, 2)), 10, 0);
}

static void check_exchanges(const char *test, int ranks) {
    struct comm *c = NULL;
    if (!as_nccl_ranks(test, ranks, &c)) return;
    exchange_tensors(c);
    comm_close(c, 0);
}

TEST(two_ranks_exchange_tensors_through_nccl) {
    check_exchanges("two_ranks_exchange_tensors_through_nccl", 2);
}
TEST(four_ranks_exchange_tensors_through_nccl) {
    check_exchanges("four_ranks_exchange_tensors_through_nccl", 4);
}

TEST(numbers_go_over_mpi_and_tensors_through_nccl_where_there_are_both) {
    struct comm *c = NULL;
    if (!is_nccl_rank(&c)) {
        check_self_ranks(BY_MPIRUN, 2,
                         "numbers_go_over_mpi_and_tensors_through_nccl_where_there_are_both",
                         (const char *const[]){stand_in, NULL});
        return;
    }
    double one = 1;
    for (int i = 0; i < 10; i++) {
        tensor *x = values(comm_rank(c), 5000);
        comm_sum_tensor_start(c, x, NULL);
        comm_sum(c, &one, 1); /* behind it in the queue */
        comm_sums_wait(c);
        check_exact(x, 0, 2);
    }
    CHECK_NEAR(one, 1024, 0);
    comm_close(c, 0);
}

/* NCCL adds as a ring does, MPI and sockets as a tree: a + b is b + a, the rest is rounding. */
static void check_sums(const char *test, int ranks) {
    enum { N = 200000 };
    struct comm *c = NULL;
    if (!as_nccl_ranks(test, ranks, &c)) return;
    struct rng r = rng_stream((uint64_t)comm_rank(c) + 1, "sums", 0);
    float *x = mem_alloc(N, sizeof *x);
    for (int i = 0; i < N; i++) x[i] = (float)(rng_uniform(&r) - 0.5);
    tensor *ring = t_from_data(x, SHAPE(N), T_F32);
    comm_sum_tensor(c, ring);
    comm_sum_floats(c, x, N);
    tensor *tree = t_from_data(x, SHAPE(N), T_F32);
    if (ranks == 2)
        CHECK(test_equal_bits(ring, tree));
    else
        CHECK(test_max_diff(ring, tree) < 1e-6 && !test_equal_bits(ring, tree));

    float *mine = mem_alloc(N, sizeof *mine);
    CHECK_OK(t_copy_out(ring, mine, N * sizeof *mine));
    memcpy(x, mine, N * sizeof *x);
    comm_broadcast(c, x, N * sizeof *x);
    CHECK(memcmp(x, mine, N * sizeof *x) == 0); /* the same on all ranks */
    free(x);
    free(mine);
    comm_close(c, 0);
}

TEST(sums_of_two_ranks_have_the_bits_of_those_without_nccl) {
    check_sums("sums_of_two_ranks_have_the_bits_of_those_without_nccl", 2);
}
TEST(sums_of_four_ranks_differ_by_rounding_alone_and_are_equal_on_all_of_them) {
    check_sums("sums_of_four_ranks_differ_by_rounding_alone_and_are_equal_on_all_of_them", 4);
}

/* ---- gradients ---- */

enum { TENSORS = 5 };

struct toy {
    struct params p;
    tensor *w[TENSORS];
};

/* More than one bucket; the last parameters registered come first. */
static void toy_open(struct toy *t) {
    static const int64_t sizes[TENSORS] = {1000, 4 << 20, 3, 5 << 20, 70};
    for (int i = 0; i < TENSORS; i++) {
        char name[8];
        snprintf(name, sizeof name, "w%d", i);
        t->w[i] = path_param(params_root(&t->p), name, t_full(SHAPE(sizes[i]), 0.5, T_F32));
    }
}

/* sum over parameters of w^2 times what the rank draws: gradients whose sums depend on the order.
 */
static tensor *toy_loss(struct toy *t, int rank, int64_t shard) {
    t_seed((uint64_t)(100 * (rank + 1)) + (uint64_t)shard);
    tensor *loss = t_zeros(SHAPE(1), T_F32);
    for (int i = 0; i < TENSORS; i++) {
        if (i == 2 && rank % 2) continue; /* a gradient that some ranks lack */
        tensor *x = t_randn(SHAPE(t_numel(t->w[i])), 1);
        loss = t_add(loss, t_sum(t_mul(t_mul(t->w[i], t->w[i]), x)));
    }
    return t_reshape(loss, SCALAR);
}

static void toy_backward(struct toy *t, struct reducer *r, int rank, int64_t shards) {
    for (int64_t k = 0; k < shards; k++) {
        reducer_shard_begin(r, k);
        t_backward(toy_loss(t, rank, k));
        reducer_shard_end(r, k);
    }
}

/* Gradients of all ranks, added as a tree on each. */
static tensor *tree_of(struct comm *c, tensor *mine) {
    size_t n = (size_t)t_numel(mine);
    float *x = mem_alloc(n, sizeof *x);
    CHECK_OK(t_copy_out(mine, x, n * sizeof *x));
    comm_sum_floats(c, x, n);
    tensor *sum = t_from_data(x, SHAPE((int64_t)n), T_F32);
    free(x);
    return sum;
}

static void check_reducer(const char *test, int ranks, bool tree, double within) {
    struct comm *c = NULL;
    if (!as_nccl_ranks(test, ranks, &c)) return;
    int rank = comm_rank(c);
    struct toy t = {0};
    tensor *alone[TENSORS];
    toy_open(&t);
    toy_backward(&t, NULL, rank, 1);
    for (int i = 0; i < TENSORS; i++) {
        tensor *g = t_grad(t.w[i]);
        alone[i] = tree_of(c, g ? g : t_zeros_like(t.w[i]));
    }
    params_clear_grads(&t.p);
    struct reducer *r = reducer_open(c, &t.p, (struct reducer_options){.shards = 1, .tree = tree});
    for (int step = 0; step < 2; step++) {
        toy_backward(&t, r, rank, 1);
        CHECK_OK(reducer_finish(r));
        for (int i = 0; i < TENSORS; i++) {
            tensor *g = t_grad(t.w[i]);
            double apart = test_max_diff(g, alone[i]);
            if (!(apart <= within)) test_fail(__FILE__, __LINE__, "w%d: %g apart", i, apart);
        }
        params_clear_grads(&t.p);
    }
    reducer_close(r);
    params_free(&t.p);
    comm_close(c, 0);
}

TEST(gradients_of_two_ranks_are_summed_to_the_same_bits) {
    check_reducer("gradients_of_two_ranks_are_summed_to_the_same_bits", 2, false, 0);
}
TEST(gradients_of_four_ranks_are_summed_within_rounding) {
    check_reducer("gradients_of_four_ranks_are_summed_within_rounding", 4, false, 4e-6);
}
TEST(virtual_shards_of_four_ranks_are_summed_to_the_bits_of_a_tree) {
    check_reducer("virtual_shards_of_four_ranks_are_summed_to_the_bits_of_a_tree", 4, true, 0);
}

/* ---- what goes wrong ---- */

/* Ranks that sum and sum: one of them suffers the fault. */
static void check_fault(enum self_launcher how, const char *test, const char *fault, int status,
                        const char *says) {
    struct comm *c = NULL;
    if (is_nccl_rank(&c)) {
        char *dir = getenv("TEST_REPORT");
        comm_timeout(c, 2);
        comm_report_to(c, dir);
        for (int i = 0; i < 20; i++) comm_sum_tensor(c, values(comm_rank(c), 1000));
        comm_close(c, 0);
        return;
    }
    char *variable = mem_format("FAKE_NCCL=%s", fault), *dir = test_path("run"),
         *report = mem_format("TEST_REPORT=%s", dir);
    CHECK_OK(dir_make(dir));
    double start = clock_s();
    struct ended e =
        self_ranks(how, 3, test, (const char *const[]){stand_in, variable, report, NULL});
    if (e.status != status || !strstr(e.err, says))
        test_fail(__FILE__, __LINE__, "status %d, expected %d with \"%s\":\n%s", e.status, status,
                  says, e.err);
    CHECK(clock_s() - start < 30);
    ended_free(&e);
    free(variable);
    free(dir);
    free(report);
}

TEST(a_call_that_fails_ends_all_with_70_and_nccls_own_words) {
    check_fault(BY_ADDRESS, "a_call_that_fails_ends_all_with_70_and_nccls_own_words", "1:fail:5",
                70, "ncclAllReduce: unhandled system error: it was told to fail");
}
TEST(an_error_during_a_collective_ends_all_with_70) {
    check_fault(BY_ADDRESS, "an_error_during_a_collective_ends_all_with_70", "2:error:5", 70,
                "a cable was pulled");
}
TEST(an_error_during_a_collective_under_mpi_ends_all_with_70) {
    check_fault(BY_MPIRUN, "an_error_during_a_collective_under_mpi_ends_all_with_70", "2:error:5",
                70, "a cable was pulled");
}
/* ctest, next: processors=1 */
TEST(a_rank_that_hangs_in_nccl_is_aborted_in_time_with_70) {
    check_fault(BY_ADDRESS, "a_rank_that_hangs_in_nccl_is_aborted_in_time_with_70", "0:hang:5", 70,
                "fake NCCL: rank 1 aborts");
}
/* ctest, next: processors=1 */
TEST(a_hang_in_nccl_under_mpi_is_reported) {
    check_fault(BY_MPIRUN, "a_hang_in_nccl_under_mpi_is_reported", "0:hang:5", 70,
                "waits for a sum of gradients");
}
TEST(a_rank_that_dies_is_missed_by_name) {
    check_fault(BY_ADDRESS, "a_rank_that_dies_is_missed_by_name", "1:die:5", 128 + 9, "rank 1 ");
}
TEST(a_start_that_fails_ends_all_with_69) {
    check_fault(BY_ADDRESS, "a_start_that_fails_ends_all_with_69", "1:init:0", 69,
                "ncclCommInitRankConfig: unhandled system error");
}

/* A bug that only NCCL itself would meet: it hangs, or mixes up numbers. */
TEST(ranks_that_sum_different_sizes_are_told_so) {
    struct comm *c = NULL;
    if (is_nccl_rank(&c)) {
        comm_sum_tensor(c, values(0, comm_rank(c) == 1 ? 6 : 5));
        comm_close(c, 0);
        return;
    }
    struct ended e = self_ranks(BY_ADDRESS, 2, "ranks_that_sum_different_sizes_are_told_so",
                                (const char *const[]){stand_in, NULL});
    CHECK_INT(e.status, 70);
    CHECK_HAS(e.err, "calls differ: rank 0 AllReduce of 5");
    ended_free(&e);
}

/* Without MPI there is nobody but us to end the others: also those that compute. */
/* ctest, next: processors=1 */
TEST(a_rank_that_fails_ends_one_that_computes_with_its_own_status) {
    struct comm *c = NULL;
    if (is_nccl_rank(&c)) {
        if (comm_rank(c) == 1) comm_close(c, 65);
        for (;;) sleep(1);
    }
    struct ended e =
        self_ranks(BY_ADDRESS, 3, "a_rank_that_fails_ends_one_that_computes_with_its_own_status",
                   (const char *const[]){stand_in, NULL});
    CHECK_INT(e.status, 65);
    CHECK_HAS(e.err, "ends with status 65");
    ended_free(&e);
}

TEST(one_rank_without_nccl_ends_all_with_69_and_the_reason) {
    struct launch l;
    struct comm *c;
    CHECK_OK(launch_read(&l, true));
    if (l.size > 1) {
        CHECK_OK(comm_open(&c, &l));
        int status = comm_nccl_open(c, true);
        CHECK_INT(status, ERR_DEVICE);
        CHECK_HAS(error_message(), "no usable NCCL, because libnccl.so.2 is NCCL 2.10.3");
        error_clear();
        comm_close(c, status);
        exit(status);
    }
    struct ended e =
        self_ranks(BY_ADDRESS, 2, "one_rank_without_nccl_ends_all_with_69_and_the_reason",
                   (const char *const[]){stand_in, "FAKE_NCCL_VERSION=21003", NULL});
    CHECK_INT(e.status, 69);
    ended_free(&e);
}
