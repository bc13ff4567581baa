/* A whole-model golden of the reference's, replayed: the model that its configuration describes,
 * filled by the formula, segments its photograph, and every tensor that the file holds is compared
 * (DESIGN section 6 has the bar). */
#pragma once

#include "tests/parity/verdicts.h"

/* `golden`: FILE.json, beside it FILE.safetensors and the label map; `data`: the folder that its
 * picture's path starts at. 0 when it ran, whatever was found; ERR_* otherwise. */
int infer_replay(const char *golden, const char *data, struct verdicts *r);
