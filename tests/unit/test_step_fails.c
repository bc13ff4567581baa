/* A step that fails on one of two ranks, while the other sums with it: both end with its status and
 * its words, and soon. Each test starts itself once more, as processes of mpirun. */
/* ctest: timeout=200 processors=2 */
#include "base/error.h"
#include "tests/e2e/self.h"
#include "tests/torch.h"
#include "train/first_try.h"

enum { TENSORS = 8, FLOATS = (1 << 20) + 1 /* each a bucket */, FAILS_AT = 4 };

struct toy {
    struct params params;
    struct node node;
    struct training training;
    tensor *w[TENSORS];
    bool fails;
    enum { IN_BATCH, IN_VALIDATION } where;
};

/* The op that fails puts a gradient into its bucket: others are on their way by then. */
static tensor *loss(void *self, int64_t k, struct metrics_row *row) {
    struct toy *t = self;
    tensor *sum = t_zeros(SCALAR, T_F32);
    (void)k, (void)row;
    for (int i = 0; i < TENSORS; i++) sum = t_add(sum, t_sum(t_scale(t->w[i], 2)));
    if (t->fails && t->where == IN_BATCH) t_fail_at(2 * FAILS_AT);
    return sum;
}

static char *largest(void *self) {
    (void)self;
    return mem_strdup("8 numbers");
}

/* Counts over all ranks, as validations do. */
static int validate(void *self) {
    struct toy *t = self;
    int64_t counts[12] = {0};
    if (t->fails) return error_set(ERR_INTERNAL, "failed on request");
    comm_sum_counts(t->node.comm, counts, 12);
    comm_sum_counts(t->node.comm, counts, 12);
    return 0;
}

static int never(void *self, struct metrics_row *row) {
    (void)self, (void)row;
    return 0;
}

static void toy_open(struct toy *t, struct comm *c) {
    static char name[] = "toy";
    *t = (struct toy){.node = {.name = name, .comm = c}};
    t->node.config.train.first_try = true;
    for (int i = 0; i < TENSORS; i++) {
        char w[8];
        snprintf(w, sizeof w, "w%d", i);
        t->w[i] = path_param(params_root(&t->params), w, t_ones(SHAPE(FLOATS), T_F32));
    }
    struct reducer_options o = {.shards = 1, .shared = true};
    t->training = (struct training){.node = &t->node,
                                    .params = &t->params,
                                    .schedule = {.total = 1},
                                    .self = t,
                                    .loss = loss,
                                    .largest = largest,
                                    .validate = never,
                                    .validate_try = validate,
                                    .reducer = reducer_open(c, &t->params, o)};
}

static void hear(int status) { (void)status; }
static int nothing_told(void) { return 0; }

/* As ovseg-train does it: the words, then what it holds is let go, then leave is taken. */
static void fail_as(int rank, int where) {
    struct launch l;
    struct comm *c = NULL;
    struct toy t;
    CHECK_OK(launch_read(&l, true));
    CHECK_OK(comm_open(&c, &l));
    comm_timeout(c, 60);
    comm_listen(c, (struct comm_word){nothing_told, hear, hear});
    toy_open(&t, c);
    t.fails = comm_rank(c) == rank;
    t.where = where;
    int status = first_try(&t.training, ".", NULL, NULL);
    reducer_close(t.training.reducer);
    if (*error_message()) fprintf(stderr, "%s\n", error_message());
    comm_close(c, status);
    exit(status);
}

static void check_fails(const char *test, int rank, int where) {
    if (getenv("FAILS")) fail_as(rank, where);
    struct ended e = self_ranks(BY_MPIRUN, 2, test, (const char *const[]){"FAILS=1", NULL});
    CHECK_INT(e.status, ERR_INTERNAL);
    CHECK_HAS(e.err, where == IN_BATCH ? "toy: first try of 8 numbers: "
                                       : "toy: first try of a batch of validation: ");
    CHECK_HAS(e.err, "failed on request");
    if (e.seconds > 30) test_fail(__FILE__, __LINE__, "it took %.0f s:\n%s", e.seconds, e.err);
    ended_free(&e);
}

TEST(the_first_try_of_rank_1_fails_and_rank_0_ends_with_it) {
    check_fails("the_first_try_of_rank_1_fails_and_rank_0_ends_with_it", 1, IN_BATCH);
}
TEST(the_first_try_of_rank_0_fails_and_rank_1_ends_with_it) {
    check_fails("the_first_try_of_rank_0_fails_and_rank_1_ends_with_it", 0, IN_BATCH);
}
TEST(a_first_validation_that_fails_on_rank_1_ends_rank_0) {
    check_fails("a_first_validation_that_fails_on_rank_1_ends_rank_0", 1, IN_VALIDATION);
}
TEST(a_first_validation_that_fails_on_rank_0_ends_rank_1) {
    check_fails("a_first_validation_that_fails_on_rank_0_ends_rank_1", 0, IN_VALIDATION);
}
