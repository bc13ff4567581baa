#include "data/loader.h"

#include "tests/test.h"

struct source {
    int64_t planned; /* the last step, to see the order */
    int64_t bad;     /* this step fails; -1: none */
};

static void plan(void *ctx, int64_t step, void *slot) {
    struct source *s = ctx;
    CHECK_INT(step, s->planned + 1);
    s->planned = step;
    *(int64_t *)slot = step;
}

static int fill(void *ctx, int64_t step, void *slot) {
    const struct source *s = ctx;
    int64_t *at = slot;
    at[1] = at[0] * at[0];
    return step == s->bad ? error_set(ERR_DATA, "sample %d is broken", 17) : 0;
}

static void run(int64_t threads, int64_t ahead) {
    struct source s = {.planned = 4, .bad = -1};
    struct loader *l =
        loader_open((struct loader_options){threads, ahead},
                    (struct loader_source){&s, 2 * sizeof(int64_t), plan, fill}, 5, 300);
    CHECK(l != NULL);
    for (int64_t step = 5; step < 300; step++) {
        void *slot;
        CHECK_OK(loader_next(l, &slot));
        CHECK_INT(((int64_t *)slot)[0], step);
        CHECK_INT(((int64_t *)slot)[1], step * step);
    }
    loader_close(l);
}

TEST(batches_come_in_order_whatever_the_number_of_threads) {
    run(1, 1);
    run(2, 1);
    run(3, 5);
}

TEST(an_error_reaches_the_caller_at_its_step_and_the_rest_goes_on) {
    struct source s = {.planned = -1, .bad = 3};
    struct loader *l =
        loader_open((struct loader_options){2, 2},
                    (struct loader_source){&s, 2 * sizeof(int64_t), plan, fill}, 0, 10);
    void *slot;
    for (int i = 0; i < 3; i++) CHECK_OK(loader_next(l, &slot));
    CHECK_ERROR(loader_next(l, &slot), ERR_DATA, "sample 17 is broken");
    CHECK_OK(loader_next(l, &slot));
    CHECK_INT(*(int64_t *)slot, 4);
    loader_close(l);
}

TEST(closing_early_ends_all_threads) {
    struct source s = {.planned = -1, .bad = -1};
    struct loader *l =
        loader_open((struct loader_options){4, 8},
                    (struct loader_source){&s, 2 * sizeof(int64_t), plan, fill}, 0, 1000000);
    void *slot;
    CHECK_OK(loader_next(l, &slot));
    loader_close(l);
}
