/* A training golden of the reference's, replayed: the model that its configuration describes,
 * filled by the formula, trains on the inputs that its rules make, with our losses, matcher and
 * optimiser; losses, matchings, gradients and parameters are compared. */
#pragma once

#include <cjson/cJSON.h>

#include "tests/parity/verdicts.h"

/* FILE.json of either kind (of tuning CLIP, FILE.safetensors beside it). 0 when it ran, whatever
 * was found; ERR_* otherwise, ERR_CONFIG where the golden asks for what is not there. */
int train_replay(const char *golden, struct verdicts *r);

/* The kinds: a proposal network ("overrides", "steps"), and CLIP ("phases"). */
int train_seg_replay(const char *path, const cJSON *golden, struct verdicts *r);
int train_clip_replay(const char *path, const cJSON *golden, struct verdicts *r);
