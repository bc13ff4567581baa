/* In which order gradients are summed. One process, whose other rank is a wire of this test's own:
 * it notes what is summed, and leaves the numbers as they are. */
#include "dist/reducer.h"

#include "dist/wire.h"
#include "tests/torch.h"

/* ---- in the place of MPI ---- */

enum { TENSORS = 4, NOTED = 4 * TENSORS };

static size_t noted[NOTED], n_noted; /* floats of each sum, by the communicator's thread */

static int wire_open(struct wire_peers *p, const struct launch *l) {
    *p = (struct wire_peers){.size = l->size, .local_size = l->size};
    return 0;
}

static const char *wire_exchange(const struct exchange *e, struct wire_wait w) {
    (void)w;
    if (e->kind == EX_SUM && n_noted < NOTED) noted[n_noted++] = e->n;
    return NULL;
}

static void wire_close(void) {}
static void wire_abort(int status) { exit(status); }

const struct wire wire_mpi = {
    .open = wire_open, .exchange = wire_exchange, .close = wire_close, .abort = wire_abort};

/* ---- a model of four parameters, each a bucket of its own ---- */

struct toy {
    struct params p;
    tensor *w[TENSORS];
    int64_t size[TENSORS];
};

static void toy_open(struct toy *t) {
    for (int i = 0; i < TENSORS; i++) {
        char name[8];
        snprintf(name, sizeof name, "w%d", i);
        t->size[i] = (1 << 20) + i; /* 4 MiB and a little: each is known by its length */
        t->w[i] = path_param(params_root(&t->p), name, t_ones(SHAPE(t->size[i]), T_F32));
    }
}

/* The sum of the parameters that `in` names, added one after the other: backward reaches the last
 * of them first. */
static tensor *sum_of(const struct toy *t, const int *in, int n) {
    tensor *sum = t_zeros(SCALAR, T_F32);
    for (int i = 0; i < n; i++) sum = t_add(sum, t_sum(t_scale(t->w[in[i]], 2)));
    return sum;
}

static void step(struct toy *t, struct reducer *r, const int *in, int n) {
    n_noted = 0;
    reducer_shard_begin(r, 0);
    t_backward(sum_of(t, in, n));
    reducer_shard_end(r, 0);
    CHECK_OK(reducer_finish(r));
    for (int i = 0; i < n; i++) CHECK(t_grad(t->w[in[i]]) != NULL);
    params_clear_grads(&t->p);
}

static void check_order(const struct toy *t, const int *want) {
    for (int i = 0; i < TENSORS; i++) CHECK_INT(noted[i], t->size[want[i]]);
}

static void check_steps(const int *first, int n_first, const int *learned) {
    static const int registered[TENSORS] = {3, 2, 1, 0}, all[TENSORS] = {0, 1, 2, 3};
    struct toy t = {0};
    struct comm *c = NULL;
    toy_open(&t);
    CHECK_OK(comm_open(&c, &(struct launch){.by = "a test", .size = 2, .local_size = 2}));
    struct reducer *r = reducer_open(c, &t.p, (struct reducer_options){.shards = 1});
    step(&t, r, first, n_first);
    check_order(&t, registered);
    for (int i = 0; i < 2; i++) { /* whatever backward does later */
        step(&t, r, i ? all : first, i ? TENSORS : n_first);
        check_order(&t, learned);
    }
    reducer_close(r);
    params_free(&t.p);
    comm_close(c, 0);
}

TEST(sums_begin_as_the_first_backward_filled_their_buckets) {
    static const int first[] = {2, 0, 3, 1}, learned[] = {1, 3, 0, 2};
    check_steps(first, TENSORS, learned);
}

TEST(a_bucket_that_no_backward_fills_is_summed_last) {
    static const int first[] = {0, 2, 3}, learned[] = {3, 2, 0, 1};
    check_steps(first, 3, learned);
}
