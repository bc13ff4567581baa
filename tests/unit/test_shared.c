/* Memory that ranks of one machine share: sums in it have the bits of those that are sent, and
 * where one rank has none, none has. */
/* ctest: timeout=180 processors=2 */
#include "dist/shared.h"

#include <sys/resource.h>

#include "tests/torch.h"
#include "tests/unit/as_ranks.h"

/* Lines of this process's maps that are of it. */
static int mappings(void) {
    char line[512];
    int n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    CHECK(f != NULL);
    while (f && fgets(line, sizeof line, f)) n += strstr(line, "memfd:ovseg sums") != NULL;
    if (f) fclose(f);
    return n;
}

/* Numbers whose sum depends on the order. */
static void fill(struct comm *c, tensor *x, int round) {
    size_t n = (size_t)t_numel(x);
    float *at = t_data(x);
    uint32_t r = 2654435761U * (uint32_t)(comm_rank(c) + 100 * round + 1);
    for (size_t i = 0; i < n; i++) {
        r = r * 1664525U + 1013904223U;
        at[i] = ((float)(r >> 8) - (float)(1 << 23)) * ((r >> 4) % 3 ? 1.0F : 1e-4F);
    }
}

/* What a rank that was told of the end finds missing, others are still to write. */
static void check_seen(const char *test, int ranks) {
    static const size_t lengths[] = {1, 2, 3, 5, 1000, (1 << 18) + 3};
    enum { SPACE = 1 << 19, ROUNDS = 30 };
    struct comm *c = NULL;
    if (!as_ranks(test, ranks, &c)) return;
    struct shared *where = shared_open(c, SPACE, true);
    CHECK(where != NULL);
    tensor *all = t_hold(shared_tensor(where)); /* [SPACE] */
    for (int k = 0; k < ROUNDS; k++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            int scope = t_scope_open("sum", T_NO_GRAD);
            int64_t n = (int64_t)lengths[i];
            tensor *seen = t_narrow(all, 0, 7 * k, n), *sent = t_zeros(SHAPE(n), T_F32);
            fill(c, sent, k);
            comm_sum_tensor(c, sent);
            fill(c, seen, k);
            comm_sum_tensor_start(c, seen, where);
            comm_sums_wait(c);
            CHECK(memcmp(t_data(seen), t_data(sent), (size_t)n * sizeof(float)) == 0);
            t_scope_close(scope, NULL);
        }
    shared_close(where);
    CHECK_INT(mappings(), 1); /* this rank's */
    t_drop(all);
    comm_close(c, 0);
}
TEST(what_two_ranks_see_is_summed_to_the_bits_of_what_they_send) {
    check_seen("what_two_ranks_see_is_summed_to_the_bits_of_what_they_send", 2);
}
TEST(what_four_ranks_see_is_summed_as_a_tree) {
    check_seen("what_four_ranks_see_is_summed_as_a_tree", 4);
}
TEST(what_eight_ranks_see_is_summed_as_a_tree) {
    check_seen("what_eight_ranks_see_is_summed_as_a_tree", 8);
}

TEST(three_ranks_share_none_for_mpi_would_not_use_it) {
    struct comm *c = NULL;
    if (!as_ranks("three_ranks_share_none_for_mpi_would_not_use_it", 3, &c)) return;
    CHECK(shared_open(c, 1000, true) == NULL);
    CHECK_INT(mappings(), 0);
    comm_close(c, 0);
}
TEST(one_rank_that_does_not_want_it_is_enough_for_none) {
    struct comm *c = NULL;
    if (!as_ranks("one_rank_that_does_not_want_it_is_enough_for_none", 4, &c)) return;
    CHECK(shared_open(c, 1000, comm_rank(c) != 2) == NULL);
    CHECK_INT(mappings(), 0);
    comm_close(c, 0);
}

/* Rank 1 alone has a limit that leaves it none. */
static void check_unseen(const char *test, int resource, rlim_t most) {
    struct comm *c = NULL;
    struct rlimit before, less;
    if (!as_ranks(test, 2, &c)) return;
    CHECK_INT(getrlimit(resource, &before), 0);
    less = (struct rlimit){most, before.rlim_max};
    if (comm_rank(c) == 1) CHECK_INT(setrlimit(resource, &less), 0);
    struct shared *where = shared_open(c, 1 << 20, true);
    CHECK(where == NULL);
    CHECK_INT(setrlimit(resource, &before), 0);
    CHECK_INT(mappings(), 0);
    where = shared_open(c, 1 << 20, true); /* nothing stands in the way of the next */
    CHECK(where != NULL);
    shared_close(where);
    CHECK_INT(mappings(), 0);
    double one = 1;
    comm_sum(c, &one, 1); /* ranks are where they were in what they exchange */
    CHECK_NEAR(one, 2, 0);
    comm_close(c, 0);
}
TEST(all_send_when_one_rank_has_no_file_left_for_such_memory) {
    check_unseen("all_send_when_one_rank_has_no_file_left_for_such_memory", RLIMIT_NOFILE, 3);
}
TEST(all_send_when_one_rank_may_write_no_file_as_large) {
    check_unseen("all_send_when_one_rank_may_write_no_file_as_large", RLIMIT_FSIZE, 1 << 20);
}
