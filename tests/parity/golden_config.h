/* What the JSON of a golden says of the model that made it: a released yaml, and the reference's
 * keys that were put over it. */
#pragma once

#include <cjson/cJSON.h>

#include "configs/config.h"

/* The file, parsed; cJSON_Delete when done. ERR_MISSING, ERR_DATA when it is no JSON object. */
int golden_open(const char *path, cJSON **out);

const cJSON *golden_item(const cJSON *object, const char *key); /* NULL: there is none */
double golden_number(const cJSON *x); /* also as decimal text; NAN when it is neither */

/* The settings of `yaml` with `overrides`; those of the solver are in optim. A golden that
 * describes a small CLIP under `clip` has no name for it: config->clip means nothing then.
 * ERR_CONFIG for what is not there. config_free() in any case. */
int golden_configure(struct config *c, const cJSON *golden, const char *path);
