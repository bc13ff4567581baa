/* A small run for tests of checkpoints: a model with a buffer and four types, an optimizer state.
 * The values at a step are those of the seed `step`, so that every test knows them. */
#pragma once

#include <unistd.h>

#include "base/file.h"
#include "checkpoints/checkpoint.h"
#include "tests/torch.h"

/* Thousands of small files: in memory where that is possible, unless TMPDIR says otherwise. */
__attribute__((constructor)) static void use_memory(void) {
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0);
}

struct toy {
    struct params model, optimizer;
};

static inline void toy_init(struct toy *t, uint64_t seed) {
    *t = (struct toy){0};
    t_seed(seed);
    struct path m = params_root(&t->model), o = params_root(&t->optimizer);
    path_param(path_at(m, "layer"), "weight", t_randn(SHAPE(3, 5), 1));
    path_param(path_at(m, "layer"), "bias", t_cast(t_randn(SHAPE(3), 1), T_BF16));
    path_buffer(m, "count", t_full(SCALAR, (double)seed, T_I64));
    path_buffer(m, "empty", t_zeros(SHAPE(0, 4), T_F32));
    path_buffer(o, "exp_avg.layer.weight", t_randn(SHAPE(3, 5), 1));
    path_buffer(o, "step.layer.weight", t_full(SCALAR, (double)seed, T_F32));
}

static inline void toy_free(struct toy *t) {
    params_free(&t->model);
    params_free(&t->optimizer);
}

static inline struct checkpoint toy_at(struct toy *t, int64_t step) {
    return (struct checkpoint){.step = step,
                               .part = {{"model", &t->model}, {"optimizer", &t->optimizer}},
                               .config = "0123456789abcdef",
                               .state = "{\"rng\":7}\n"};
}

static inline bool params_equal(const struct params *a, const struct params *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) same = test_equal_bits(a->at[i].t, b->at[i].t);
    return same;
}

static inline bool toy_equal(const struct toy *a, const struct toy *b) {
    return params_equal(&a->model, &b->model) && params_equal(&a->optimizer, &b->optimizer);
}

/* Saves the toy of seed `step` at this step. */
static inline void save_step(const char *run, int64_t step, bool best) {
    struct toy t;
    toy_init(&t, (uint64_t)step);
    struct checkpoint c = toy_at(&t, step);
    c.best = best;
    CHECK_OK(checkpoint_save(run, &c));
    toy_free(&t);
}

/* Loads the last into a toy of other values; it must be the one of `step`. */
static inline void check_last(const char *run, int64_t step) {
    struct toy t, expected;
    toy_init(&t, 999);
    toy_init(&expected, (uint64_t)step);
    struct checkpoint c = toy_at(&t, 0);
    struct checkpoint_found found;
    tensor *handle = t.model.at[0].t;
    CHECK_OK(checkpoint_load_last(run, &c, &found));
    CHECK(found.path);
    CHECK_INT(found.step, step);
    CHECK_TEXT((char *)found.state.at, "{\"rng\":7}\n");
    CHECK(toy_equal(&t, &expected));
    CHECK(t.model.at[0].t == handle);
    checkpoint_found_free(&found);
    toy_free(&expected);
    toy_free(&t);
}

static inline void check_names(const char *run, const char *expected) {
    struct strings names;
    struct str text = {0};
    CHECK_OK(dir_list(run, &names));
    for (size_t i = 0; i < names.n; i++) str_add(&text, "%s%s", i ? " " : "", names.at[i]);
    CHECK_TEXT(text.at ? text.at : "", expected);
    str_free(&text);
    strings_free(&names);
}
