/* The registry of a model's named tensors.
 *
 * A module registers its parameters while it initializes; checkpoints, optimizers, freezing and
 * gradient all-reduce then need nothing but this list. Names follow the reference's state_dict
 * (reference-spec 3), so published weights load without a map. The order is the registration order
 * and the same on every rank.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nn/torch/tensor.h"

struct param {
    char *name;     /* "visual.transformer.resblocks.0.attn.in_proj_weight" */
    tensor *t;      /* owned by the registry */
    bool buffer;    /* saved, never trained (running statistics) */
    bool trainable; /* false for buffers and after params_freeze() */
};

struct params {
    struct param *at;
    size_t n, cap;
};

/* A place in the registry's tree of names; passed by value, joins with '.'. */
struct path {
    struct params *params;
    char prefix[160];
};

void params_free(struct params *p);
struct path params_root(struct params *p);
struct path path_at(struct path p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Registers `value` under path.name, takes ownership of it and returns it. */
tensor *path_param(struct path p, const char *name, tensor *value);
tensor *path_buffer(struct path p, const char *name, tensor *value);

struct param *params_find(const struct params *p, const char *name); /* NULL when absent */

/* Freezes, or trains again, what matches an fnmatch(3) pattern; buffers stay as they are. Returns
 * how many matched: 0 usually means a misspelt pattern. */
size_t params_freeze(struct params *p, const char *pattern, bool on);

void params_freeze_one(struct param *p);

int64_t params_count(const struct params *p, bool trainable_only); /* elements, without buffers */

void params_clear_grads(struct params *p);
