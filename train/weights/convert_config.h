/* A configuration of the reference's (detectron2's YAML, reference-spec annex A) as one of ours. */
#pragma once

#include "base/mem.h"

/* Reads `in` and what its _BASE_ names, and writes `out`, a config of this stage (enum stage_kind).
 * *report: a line for every key of theirs: what it has become, or why it has no setting.
 *
 * ERR_MISSING: no such file. ERR_DATA: not the YAML that is read. ERR_CONFIG: keys that are not
 * known, or values without a counterpart here, all of them at once; nothing is written then. */
int convert_config(const char *in, const char *out, int stage, struct str *report);
