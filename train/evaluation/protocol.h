/* The protocol of a result: all that must be the same before two figures can be compared. It stands
 * in every evaluation.json and result.json, under "protocol":
 *
 *   id            hash of the lines below
 *   set, images, set_hash      which pictures
 *   classes, labels_hash       which names; of the names in order, their split, and "unlabelled"
 *   shortest, longest          of what the network saw, pixels, resolved
 *   lambda_rule, denominator   in words
 *   checkpoints                {model: last | best}
 *   similarity_hash, groups_hash   of what open and group figures go by, or null
 *   settings                   {key: value} of all that is measured by: eval, measure, text, crop
 */
#pragma once

#include <cjson/cJSON.h>

#include "base/json.h"
#include "base/settings.h"
#include "train/evaluation/evaluation.h"

void protocol_write(const struct evaluation *e, struct json_out *j);

/* Reads the result of a run (a folder, or the path of its JSON). ERR_MISSING; ERR_DATA: not ours,
 * or older than protocols. *out is owned. */
int protocol_read(const char *path, cJSON **out);

/* A protocol, flat: "set", "checkpoints.raw", "settings.eval.lambda", each with its value as text.
 */
void protocol_flat(const cJSON *protocol, struct string_map *out);
/* What such a key is, in words; whether mIoU may depend on it. */
const char *protocol_meaning(const char *key);
bool protocol_decides(const char *key);

/* Says in words how the protocols of two results differ, and what their figures are. Returns how
 * many differences there are. */
size_t protocol_compare(const cJSON *a, const cJSON *b, struct str *out);
