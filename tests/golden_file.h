/* The golden outputs under tests/golden: NAME.safetensors and NAME.json. A missing or broken file
 * is a bug of the repository, so these abort. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "nn/torch/tensor.h"

/* One tensor of tests/golden/<name>.safetensors: F32, I32 or I64. */
tensor *golden_tensor(const char *name, const char *key);

/* tests/golden/<name>.json, parsed; cJSON_Delete when done. */
cJSON *golden_json(const char *name);

/* Every step[i]-th slice along axis i, the first one included: how large tensors are stored. */
tensor *golden_every(tensor *x, struct shape step);

/* True when x has the shape, sum, sum of squares, first 5, middle 3 and last 3 elements that `key`
 * of tests/golden/reference-vectors.json records, each within `tol` of the tensor's RMS (the sums:
 * of what they sum); prints the first difference otherwise. "A/b" is the vector b in the group A.
 */
bool vector_equal(tensor *x, const char *key, double tol);
