/* The names that a pickle may use, and what calling them makes. Inside the pickle reader. */
#pragma once

#include "checkpoints/pickle.h"

/* Room for one more value; 0 and no error set when there are too many. */
uint32_t pickle_new(struct pickle *p, enum pickle_kind kind);
/* Appends to a list, tuple, dict or object; false when there are too many members. */
bool pickle_put(struct pickle *p, uint32_t to, uint32_t value);

/* Each returns NULL, or what is wrong with it. */
const char *pickle_global(struct pickle *p, const char *module, const char *name, uint32_t *out);
const char *pickle_call(struct pickle *p, uint32_t callee, uint32_t args, uint32_t *out);
const char *pickle_persistent(struct pickle *p, uint32_t id, uint32_t *out);
const char *pickle_build(struct pickle *p, uint32_t to, uint32_t state);

/* The name of the storage of elements of a type: "FloatStorage". */
const char *pickle_storage_name(enum t_dtype dtype);
