/* Batch normalization over ranks: its gradient, and two ranks in one process against one rank with
 * the pixels of both. */
#include "nn/sync_norm.h"

#include <pthread.h>

#include "nn/conv.h"
#include "tests/torch.h"

enum { N = 3, C = 4, H = 3, W = 2, RANKS = 2, SUM_MAX = C + 1 };
static const double EPS = 1e-5;

struct layer {
    tensor *w, *b, *mean, *var; /* [C], F64 */
};

static struct layer make_layer(void) {
    struct layer l = {t_cast(t_uniform(SHAPE(C), 0.5, 1.5), T_F64),
                      t_cast(t_randn(SHAPE(C), 1), T_F64), t_zeros(SHAPE(C), T_F64),
                      t_ones(SHAPE(C), T_F64)};
    t_require_grad(l.w, true);
    t_require_grad(l.b, true);
    return l;
}

static struct layer copy_of(const struct layer *l) {
    struct layer c = {t_clone(t_detach(l->w)), t_clone(t_detach(l->b)), t_clone(l->mean),
                      t_clone(l->var)};
    t_require_grad(c.w, true);
    t_require_grad(c.b, true);
    return c;
}

static tensor *forward(const struct layer *l, tensor *x, const struct norm_ranks *ranks) {
    return sync_norm(x, l->w, l->b, l->mean, l->var, 0.1, EPS, ranks);
}

static tensor *pictures(int64_t n, double mean) {
    tensor *x = t_shift(t_cast(t_randn(SHAPE(n, C, H, W), 2), T_F64), mean);
    t_require_grad(x, true);
    return x;
}

/* A rank that is alone. */
static tensor *own(void *ctx, tensor *x) {
    (void)ctx;
    return t_clone(x);
}
static const struct norm_ranks alone = {own, NULL};

TEST(without_ranks_and_with_one_it_is_batch_norm) {
    for (int training = 0; training < 2; training++) {
        int scope = t_scope_open("train", training ? T_TRAIN : T_EVAL);
        struct layer a = make_layer(), b = copy_of(&a), c = copy_of(&a);
        tensor *x = pictures(N, 3), *weight = t_cast(t_randn(SHAPE(N, C, H, W), 1), T_F64);
        tensor *y = t_batch_norm(x, a.w, a.b, a.mean, a.var, 0.1, EPS);
        t_backward(t_sum(t_mul(y, weight)));
        tensor *dx = t_clone(t_grad(x));
        const struct norm_ranks *ranks[] = {NULL, &alone};
        struct layer *l[] = {&b, &c};
        for (int i = 0; i < 2; i++) {
            t_clear_grad(x);
            tensor *z = forward(l[i], x, ranks[i]);
            t_backward(t_sum(t_mul(z, weight)));
            CHECK_CLOSE(z, y, 1e-12);
            CHECK_CLOSE(t_grad(x), dx, 1e-11);
            CHECK_CLOSE(t_grad(l[i]->w), t_grad(a.w), 1e-11);
            CHECK_CLOSE(t_grad(l[i]->b), t_grad(a.b), 1e-12);
            CHECK_CLOSE(l[i]->mean, a.mean, 1e-12);
            CHECK_CLOSE(l[i]->var, a.var, 1e-12);
        }
        t_scope_close(scope, NULL);
    }
}

/* Central differences of a weighted sum of the outputs. */
TEST(it_has_the_gradient_of_its_value) {
    int scope = t_scope_open("train", T_TRAIN);
    struct layer l = make_layer();
    tensor *x = pictures(N, 1), *weight = t_cast(t_randn(SHAPE(N, C, H, W), 1), T_F64);
    t_backward(t_sum(t_mul(forward(&l, x, &alone), weight)));
    tensor *of[] = {x, l.w, l.b};
    const double h = 1e-5;
    for (int k = 0; k < 3; k++) {
        tensor *g = t_reshape(t_grad(of[k]), SHAPE(-1)), *one = t_ones(SHAPE(1), T_F64);
        for (int64_t i = 0; i < t_numel(of[k]); i++) {
            double y[2];
            int slope = t_scope_open("slope", T_NO_GRAD);
            tensor *at = t_narrow(t_reshape(t_detach(of[k]), SHAPE(-1)), 0, i, 1);
            for (int s = 0; s < 2; s++) {
                t_add_(at, one, s ? 2 * h : -h);
                y[s] = t_item(t_sum(t_mul(forward(&l, x, &alone), weight)));
            }
            t_add_(at, one, -h);
            t_scope_close(slope, NULL);
            CHECK_NEAR(t_item(t_select(g, 0, i)), (y[1] - y[0]) / (2 * h), 1e-7);
        }
    }
    t_scope_close(scope, NULL);
}

/* Two ranks that take turns: one runs until it needs the other's sum. Sums of a call and of the
 * next lie in two places, since a rank may be one call ahead. */
struct world {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    int turn;
    double part[2][RANKS][SUM_MAX];
};

struct rank {
    struct world *world;
    int rank, calls;
    const struct layer *layer;
    tensor *x, *weight, *y;
    int status;
};

static void give_turn(struct rank *r, bool wait) {
    pthread_mutex_lock(&r->world->lock);
    r->world->turn = 1 - r->rank;
    pthread_cond_broadcast(&r->world->turned);
    while (wait && r->world->turn != r->rank) pthread_cond_wait(&r->world->turned, &r->world->lock);
    pthread_mutex_unlock(&r->world->lock);
}

static tensor *sum_of_both(void *ctx, tensor *x) {
    struct rank *r = ctx;
    double(*part)[SUM_MAX] = r->world->part[r->calls++ % 2], sum[SUM_MAX];
    int64_t n = t_numel(x);
    REQUIRE(n <= SUM_MAX, "%ld numbers", (long)n);
    t_copy_out(x, part[r->rank], (size_t)n * sizeof(double));
    give_turn(r, true);
    for (int64_t i = 0; i < n; i++) sum[i] = part[0][i] + part[1][i];
    return t_from_data(sum, SHAPE(n), T_F64);
}

static void *work(void *ctx) {
    struct rank *r = ctx;
    pthread_mutex_lock(&r->world->lock);
    while (r->world->turn != r->rank) pthread_cond_wait(&r->world->turned, &r->world->lock);
    pthread_mutex_unlock(&r->world->lock);
    int scope = t_scope_open("rank", T_TRAIN);
    struct norm_ranks ranks = {sum_of_both, r};
    r->y = t_hold(forward(r->layer, r->x, &ranks));
    t_backward(t_sum(t_mul(r->y, r->weight)));
    t_scope_close(scope, NULL);
    r->status = error_status();
    give_turn(r, false);
    return NULL;
}

static void run_ranks(struct rank r[RANKS]) {
    struct world world = {.lock = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER};
    pthread_t thread[RANKS];
    for (int i = 0; i < RANKS; i++) {
        r[i].world = &world;
        r[i].rank = i;
        CHECK(!pthread_create(&thread[i], NULL, work, &r[i]));
    }
    for (int i = 0; i < RANKS; i++) CHECK(!pthread_join(thread[i], NULL));
    for (int i = 0; i < RANKS; i++) {
        CHECK_INT(r[i].status, 0);
        CHECK_INT(r[i].calls, 4); /* two sums, forward and backward */
    }
}

TEST(two_ranks_equal_one_that_has_the_pixels_of_both) {
    static const int64_t first[RANKS] = {0, 1}, count[RANKS] = {1, N - 1}; /* unequal ones */
    int scope = t_scope_open("train", T_TRAIN);
    struct layer whole = make_layer(), l[RANKS] = {copy_of(&whole), copy_of(&whole)};
    tensor *x = pictures(N, 1000), *weight = t_cast(t_randn(SHAPE(N, C, H, W), 1), T_F64);
    tensor *y = t_batch_norm(x, whole.w, whole.b, whole.mean, whole.var, 0.1, EPS);
    t_backward(t_sum(t_mul(y, weight)));
    struct rank r[RANKS] = {{0}};
    for (int i = 0; i < RANKS; i++) {
        tensor *part = t_clone(t_detach(t_narrow(x, 0, first[i], count[i])));
        t_require_grad(part, true);
        r[i] = (struct rank){
            .layer = &l[i], .x = part, .weight = t_narrow(weight, 0, first[i], count[i])};
    }
    run_ranks(r);
    for (int i = 0; i < RANKS; i++) {
        CHECK_CLOSE(r[i].y, t_narrow(y, 0, first[i], count[i]), 1e-11);
        CHECK_CLOSE(t_grad(r[i].x), t_narrow(t_grad(x), 0, first[i], count[i]), 1e-10);
        CHECK_CLOSE(l[i].mean, whole.mean, 1e-12); /* all ranks keep the same ones */
        CHECK_CLOSE(l[i].var, whole.var, 1e-10);
        t_drop(r[i].y);
    }
    CHECK_CLOSE(t_add(t_grad(l[0].w), t_grad(l[1].w)), t_grad(whole.w), 1e-10);
    CHECK_CLOSE(t_add(t_grad(l[0].b), t_grad(l[1].b)), t_grad(whole.b), 1e-11);
    t_scope_close(scope, NULL);
}

static tensor *lost(void *ctx, tensor *x) {
    (void)ctx;
    (void)x;
    error_set(ERR_DEVICE, "rank 1 is gone");
    return NULL;
}

TEST(a_rank_that_is_lost_is_the_error_of_the_step) {
    int scope = t_scope_open("train", T_TRAIN);
    struct layer l = make_layer();
    struct norm_ranks ranks = {lost, NULL};
    forward(&l, pictures(N, 0), &ranks);
    CHECK_TENSOR_ERROR("rank 1 is gone");
    t_scope_close(scope, NULL);
}

TEST(a_convolution_reaches_the_ranks_by_its_norm) {
    int scope = t_scope_open("train", T_TRAIN);
    struct params p = {0};
    struct conv_norm c, plain;
    struct conv_options o = {
        .in = 3, .out = C, .kernel = 3, .norm = {.kind = NORM_SYNC_BN, .ranks = &alone}};
    conv_norm_init(&c, path_at(params_root(&p), "a"), o);
    CHECK(params_find(&p, "a.norm.running_var")->buffer);
    CHECK(params_find(&p, "a.norm.weight")->trainable);
    o.norm = (struct norm_options){.kind = NORM_BN};
    conv_norm_init(&plain, path_at(params_root(&p), "b"), o);
    t_copy_(plain.weight, c.weight);
    tensor *x = t_randn(SHAPE(2, 3, 5, 7), 1);
    CHECK_CLOSE(conv_norm(&c, x), conv_norm(&plain, x), 1e-6);
    CHECK_CLOSE(c.mean, plain.mean, 1e-5);
    CHECK_CLOSE(c.var, plain.var, 1e-5);
    params_free(&p);
    t_scope_close(scope, NULL);
}
