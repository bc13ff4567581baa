/* One step of training, of a model small enough to know what must come out. */
#include "train/loop.h"

#include "base/file.h"
#include "checkpoints/safetensors.h"
#include "tests/torch.h"

enum { SAMPLES = 8, WIDTH = 3 };

struct toy {
    struct params params;
    struct adamw adamw;
    struct node node;
    struct training training;
    tensor *w, *mean; /* [WIDTH]; a buffer that every forward moves */
    int64_t bad;      /* from this loss on, `bad_for` of them are not finite; -1: none */
    int64_t bad_for, losses;
    int64_t sample[SAMPLES];
    float x[SAMPLES * WIDTH];
};

static tensor *samples_of(const struct toy *t, int64_t k) {
    int64_t n = t->training.shards.n ? t->training.shards.size : SAMPLES;
    return t_from_data(t->x + k * n * WIDTH, SHAPE(n, WIDTH), T_F32);
}

/* Mean over samples of (w x)^2. */
static tensor *loss(void *self, int64_t k, struct metrics_row *row) {
    struct toy *t = self;
    tensor *y = t_sum_dim(t_mul(samples_of(t, k), t->w), 1, false); /* [n] */
    tensor *l = t_mean(t_pow(y, 2));
    t_add_(t->mean, t_ones(SHAPE(WIDTH), T_F32), 1);
    metrics_put(row, "part", t_item(l));
    bool bad = t->bad >= 0 && t->losses >= t->bad && t->losses < t->bad + t->bad_for;
    t->losses++;
    return bad ? t_scale(l, NAN) : l;
}

/* The same of rows that are all there: each row's w x. */
static tensor *features(void *self, int64_t k) {
    struct toy *t = self;
    return t_sum_dim(t_mul(samples_of(t, k), t->w), 1, true); /* [n, 1] */
}

static tensor *whole(void *self, tensor *all, struct metrics_row *row) {
    (void)self;
    (void)row;
    return t_mean(t_pow(all, 2));
}

static const int64_t *sample_numbers(void *self, size_t *n) {
    struct toy *t = self;
    *n = SAMPLES;
    return t->sample;
}

static void dump(void *self, struct path at) {
    struct toy *t = self;
    path_buffer(at, "x", t_from_data(t->x, SHAPE(SAMPLES, WIDTH), T_F32));
}

static void toy_open(struct toy *t) {
    static char name[] = "toy";
    *t = (struct toy){.bad = -1, .node = {.name = name}};
    t->node.dir = test_path("run");
    for (int i = 0; i < SAMPLES * WIDTH; i++) t->x[i] = (float)((i * 7) % 11) / 11;
    for (int i = 0; i < SAMPLES; i++) t->sample[i] = 100 + i;
    tensor *w = t_full(SHAPE(WIDTH), 0.5, T_F32);
    t_require_grad(w, true);
    t->w = path_param(params_root(&t->params), "w", w);
    t->mean = path_buffer(params_root(&t->params), "mean", t_zeros(SHAPE(WIDTH), T_F32));
    struct groups groups;
    CHECK_OK(groups_open(&groups, &t->params, &(struct group_rule){"*", 1, 0}, 1));
    adamw_open(&t->adamw, groups, (struct adamw_options){0.9, 0.999, 1e-8});
    t->training =
        (struct training){.node = &t->node,
                          .params = &t->params,
                          .adamw = &t->adamw,
                          .schedule = {.kind = SCHEDULE_CONSTANT, .base = 0.01, .total = 100},
                          .self = t,
                          .loss = loss,
                          .samples = sample_numbers,
                          .dump = dump};
}

static void toy_close(struct toy *t) {
    adamw_free(&t->adamw);
    params_free(&t->params);
    free(t->node.dir);
}

static int steps(struct toy *t, int64_t first, int64_t end) {
    int status = 0;
    for (int64_t i = first; !status && i < end; i++) {
        struct metrics_row row = {0};
        status = training_step(&t->training, i, &row);
    }
    return status;
}

static void set_policy(struct toy *t, int policy, int64_t most) {
    t->node.config.train.not_finite = policy;
    t->node.config.train.not_finite_most = most;
}

TEST(a_loss_that_is_not_finite_stops_before_the_update_with_its_samples) {
    struct toy t;
    toy_open(&t);
    t.bad = 2, t.bad_for = 1;
    CHECK_OK(steps(&t, 0, 2));
    tensor *before = t_clone(t.w);
    CHECK_INT(steps(&t, 2, 3), ERR_INTERNAL);
    CHECK_HAS(error_message(), "toy: step 2: not finite, nothing was updated: loss nan");
    CHECK_HAS(
        error_message(),
        "gradient norm nan; gradients of 1 of 1 parameters, the first w; samples 100, 101, 102");
    error_clear();
    CHECK(test_equal_bits(t.w, before));
    char *path = path_join(t.node.dir, "not-finite-000002/rank-0.safetensors");
    struct safetensors f;
    CHECK_OK(safetensors_open(&f, path));
    CHECK_INT(f.table.n, 1);
    safetensors_close(&f);
    free(path);
    toy_close(&t);
}

TEST(a_loss_that_is_not_finite_is_none_of_the_scaler_of_fp16) {
    struct toy t;
    toy_open(&t);
    scaler_open(&t.training.scaler);
    t.bad = 2, t.bad_for = 1;
    CHECK_OK(steps(&t, 0, 2));
    CHECK_ERROR(steps(&t, 2, 3), ERR_INTERNAL, "not finite, nothing was updated: loss nan");
    CHECK_INT(t.training.scaler.skipped, 0);
    toy_close(&t);
}

TEST(a_skipped_step_leaves_everything_but_the_counters_as_it_was) {
    struct toy clean, t;
    toy_open(&clean);
    toy_open(&t);
    set_policy(&t, NOT_FINITE_SKIP, 3);
    t.bad = 2, t.bad_for = 3;
    CHECK_OK(steps(&t, 0, 5)); /* the last three count for nothing */
    CHECK_INT(t.training.skipped.total, 3);
    CHECK_INT(t.training.skipped.in_row, 3);
    CHECK_OK(steps(&clean, 0, 2));
    for (size_t i = 0; i < t.params.n; i++)
        CHECK(test_equal_bits(t.params.at[i].t, clean.params.at[i].t));
    for (size_t i = 0; i < t.adamw.state.n; i++)
        CHECK(test_equal_bits(t.adamw.state.at[i].t, clean.adamw.state.at[i].t));
    CHECK_OK(steps(&t, 5, 6));
    CHECK_INT(t.training.skipped.in_row, 0);
    CHECK_INT(t.training.skipped.total, 3);
    toy_close(&clean);
    toy_close(&t);
}

TEST(too_many_skipped_steps_in_a_row_end_the_run) {
    struct toy t;
    toy_open(&t);
    set_policy(&t, NOT_FINITE_SKIP, 3);
    t.bad = 1, t.bad_for = 100;
    CHECK_ERROR(steps(&t, 0, 20), ERR_INTERNAL, "4 steps in a row (update.not_finite_most)");
    CHECK_INT(t.losses, 5);
    toy_close(&t);
}

/* Gradients of a batch at once, in shards one after the other, and as a whole of features. */
TEST(shards_add_up_to_the_gradient_of_the_batch) {
    struct toy once, parts, compared;
    toy_open(&once);
    toy_open(&parts);
    toy_open(&compared);
    parts.training.shards = (struct shards){.n = 4, .size = 2, .mine = 4};
    compared.training.shards = parts.training.shards;
    compared.training.features = features;
    compared.training.whole = whole;
    struct metrics_row a = {0}, b = {0}, c = {0};
    CHECK_OK(training_step(&once.training, 0, &a));
    CHECK_OK(training_step(&parts.training, 0, &b));
    CHECK_OK(training_step(&compared.training, 0, &c));
    for (size_t i = 0; i < once.adamw.state.n; i++) {
        CHECK_CLOSE(parts.adamw.state.at[i].t, once.adamw.state.at[i].t, 1e-7);
        CHECK_CLOSE(compared.adamw.state.at[i].t, once.adamw.state.at[i].t, 1e-7);
    }
    CHECK_NEAR(b.at[0].value, a.at[0].value, 1e-7); /* "part": averaged over shards */
    CHECK_NEAR(b.at[1].value, a.at[1].value, 1e-7); /* "loss" */
    CHECK_NEAR(c.at[0].value, a.at[1].value, 1e-7);
    toy_close(&once);
    toy_close(&parts);
    toy_close(&compared);
}

/* With a tree the sum does not depend on how many shards a process has: ((0 + 1) + (2 + 3)). */
TEST(a_tree_of_shards_adds_neighbours_first) {
    struct toy t;
    toy_open(&t);
    static const float of[] = {1e8F, 3, -1e8F, 0.5F};
    struct reducer *r =
        reducer_open(NULL, &t.params, (struct reducer_options){.shards = 4, .tree = true});
    for (int64_t k = 0; k < 4; k++) {
        reducer_shard_begin(r, k);
        t_backward(t_sum(t_scale(t.w, of[k])));
        reducer_shard_end(r, k);
    }
    CHECK_OK(reducer_finish(r));
    float sum[WIDTH], tree = (of[0] + of[1]) + (of[2] + of[3]);
    CHECK_OK(t_copy_out(t_grad(t.w), sum, sizeof sum));
    for (int i = 0; i < WIDTH; i++) CHECK(sum[i] == tree);
    reducer_close(r);
    params_clear_grads(&t.params);
    toy_close(&t);
}

TEST(a_try_leaves_no_trace_in_what_the_next_steps_make) {
    for (int compared = 0; compared < 2; compared++) {
        struct toy tried, plain;
        toy_open(&tried);
        toy_open(&plain);
        if (compared) {
            tried.training.features = plain.training.features = features;
            tried.training.whole = plain.training.whole = whole;
        }
        t_seed(5);
        CHECK_OK(training_try(&tried.training));
        CHECK(test_equal_bits(tried.mean, plain.mean));
        CHECK(!t_grad(tried.w));
        t_seed(6);
        CHECK_OK(steps(&tried, 0, 4));
        CHECK_OK(steps(&plain, 0, 4));
        CHECK(test_equal_bits(tried.w, plain.w));
        CHECK(test_equal_bits(tried.mean, plain.mean));
        for (size_t i = 0; i < plain.adamw.state.n; i++)
            CHECK(test_equal_bits(tried.adamw.state.at[i].t, plain.adamw.state.at[i].t));
        toy_close(&tried);
        toy_close(&plain);
    }
}

TEST(a_try_that_fails_says_so) {
    struct toy t;
    toy_open(&t);
    t.training.loss = NULL;
    t.training.features = features;
    t.training.whole = whole;
    tensor *wrong = t_ones(SHAPE(WIDTH + 1), T_F32), *right = t.w;
    t.w = wrong;
    CHECK(training_try(&t.training) != 0);
    error_clear();
    t.w = right;
    toy_close(&t);
}
