/* What tests of jobs share. */
#pragma once

#include "base/file.h"
#include "tests/slurm/box.h"
#include "tests/test.h"

static inline void tell(const char *verb, const char *option, long job) {
    char *id = mem_format("%ld", job);
    struct ended e = option ? BOX_RUN(verb, option, id) : BOX_RUN(verb, id);
    check_status(&e, 0);
    ended_free(&e);
    free(id);
}

static inline void field_is(long job, const char *name, const char *expected) {
    char *id = mem_format("%ld", job), *value = box_field(id, name);
    CHECK_TEXT(value, expected);
    free(id);
    free(value);
}

/* The run of a name below `out` has the bits of that below `whole`. */
static inline void same_run(const char *out, const char *whole, const char *name) {
    char *a = run_of(whole, name), *b = run_of(out, name);
    check_same_checkpoint(a, b);
    check_same_metrics(a, b);
    free(a);
    free(b);
}

static inline void train_whole(const char *out, const char *config, const char *setting) {
    struct ended e = TRAIN(out, config, setting);
    check_status(&e, 0);
    ended_free(&e);
}
