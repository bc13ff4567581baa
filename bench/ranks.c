/* What several processes gain: steps of a cell (bench/cells.h), each rank with a batch of its own,
 * gradients summed over all. bench/ranks starts it.
 *
 * Usage: [mpirun -np N] ranks_times CELL BATCH SIDE STEPS [unsummed]; one line of JSON from rank 0:
 * seconds of each step, and of a sum of all gradients by itself: where ranks see each other's
 * memory, and sent. With "unsummed" each rank steps
 * with its own gradients: what a step takes beside another one, without the sum.
 *
 * Linked with bench/wire_wait.c it is reduce_times: one process whose partner is a clock, for which
 * a sum takes as long as BENCH_WIRE_RATE (bytes a second) says and costs no core. How much of it
 * backward hides can then be told apart from two processes that want the same cores.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"
#include "bench/cells.h"
#include "dist/shared.h"

#ifdef BENCH_STAND_IN
static int find_others(struct launch *l) {
    *l = (struct launch){.by = "a clock", .size = 2, .local_size = 1};
    return 0;
}
#else
static int find_others(struct launch *l) { return launch_read(l, false); }
#endif

static int64_t gradient_floats(const struct params *p) { return params_count(p, true); }

enum { ALONE = 3 }; /* sums of which the last is timed: pages are made by the first */

/* A sum of all gradients with nothing beside it. */
static double sum_alone(struct comm *c, tensor *x, const struct shared *where) {
    double start = 0;
    for (int i = 0; i < ALONE; i++) {
        comm_barrier(c);
        start = clock_s();
        comm_sum_tensor_start(c, x, where);
        comm_sums_wait(c);
    }
    return clock_s() - start;
}

static void time_sums(struct comm *c, size_t n, struct json_out *j) {
    struct shared *where = shared_open(c, n, true);
    tensor *anywhere = t_zeros(SHAPE((int64_t)n), T_F32);   /* [n] */
    tensor *seen = where ? shared_tensor(where) : anywhere; /* [n] */
    json_key_real(j, "sum", sum_alone(c, seen, where));
    json_key_real(j, "sent", sum_alone(c, anywhere, NULL));
    shared_close(where);
}

static int run(struct cell *c, struct comm *comm, int steps, bool summed) {
    struct str text = {0};
    struct json_out j = {.to = &text};
    int status = 0;
    c->training.node->comm = comm;
    if (summed)
        c->training.reducer =
            reducer_open(comm, &c->params, (struct reducer_options){.shards = 1, .shared = true});
    json_object(&j);
    json_key_int(&j, "ranks", comm_size(comm));
    json_key(&j, "seconds");
    json_array(&j);
    for (int i = 0; !status && i <= steps; i++) { /* the first one makes what later ones reuse */
        struct metrics_row row = {0};
        comm_barrier(comm);
        double start = clock_s();
        status = training_step(&c->training, i, &row);
        if (!status) comm_barrier(comm);
        if (i) json_real(&j, clock_s() - start);
    }
    json_end(&j);
    if (!status) time_sums(comm, (size_t)gradient_floats(&c->params), &j);
    json_end(&j);
    if (!status && !comm_rank(comm)) puts(text.at);
    str_free(&text);
    reducer_close(c->training.reducer);
    return status;
}

int main(int argc, char **argv) {
    mem_keep_pages();
    const bool unsummed = argc == 6 && strcmp(argv[5], "unsummed") == 0;
    if (argc != 5 && !unsummed) {
        fprintf(stderr, "Usage: ranks_times CELL BATCH SIDE STEPS [unsummed]\n");
        return ERR_USAGE;
    }
    struct launch l;
    struct comm *comm = NULL;
    struct cell c = {0};
    struct cell_options o = {strtoll(argv[2], NULL, 10), strtoll(argv[3], NULL, 10)};
    int status = find_others(&l);
    if (!status) status = comm_open(&comm, &l);
    t_set_threads(1);
    int scope = t_scope_open("ranks", T_INHERIT);
    if (!status) status = cell_open(&c, argv[1], &o);
    if (!status) status = run(&c, comm, (int)strtol(argv[4], NULL, 10), !unsummed);
    if (status) fprintf(stderr, "ranks_times: %s\n", error_message());
    cell_free(&c);
    t_scope_close(scope, NULL);
    comm_close(comm, status);
    return status;
}
