/* Weights and inputs computed from formulas, so that models are compared with the reference without
 * weight files. Two rules: the golden vectors' (reference-spec Annex B) and the golden outputs'
 * (the notes beside them call it the generator).
 */
#pragma once

#include "nn/params.h"

/* Annex B: in [-1, 1), by index and key number. */
double vector_u(uint32_t i, uint32_t k);

/* inp(shape, id), mapped from [-1, 1] to [lo, hi]. f32. */
tensor *vector_input(struct shape s, uint32_t id, double lo, double hi);

/* Fills the parameters and buffers below `prefix` ("" = all). k is the rank of a name among all
 * names below the prefix, sorted byte-wise, with the prefix and its dot taken off; `extra`, ended
 * by NULL, or NULL, are names that the reference's state dict has beside ours (integer buffers):
 * they take a rank and nothing else. Tensors without axes stay as they are. */
void vector_fill(struct params *p, const char *prefix, const char *const *extra);

/* The golden outputs' generator: in [-1, 1), by name, index and seed. */
double golden_u(const char *name, uint64_t i, uint64_t seed);

tensor *golden_input(const char *name, struct shape s, uint64_t seed, double lo,
                     double hi); /* f32 */

/* Fills every parameter and buffer by its name, of which a leading "module." and then a leading
 * "clip_adapter.clip_model." are not hashed. `mask_bias`: the factor of mask_features.bias, 0.02
 * unless the golden file records another. Constant buffers keep their values. */
void golden_fill(struct params *p, uint64_t seed, double mask_bias);
