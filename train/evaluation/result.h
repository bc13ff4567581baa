/* The result of a run, as JSON and as the table that closes the command.
 *
 *   {"rows": [{"name": "raw", "miou": {"all", "seen", "unseen"}, "mask_accuracy": {...}}, ...],
 *    "ensemble": {"lambda", "maskformer_only": {...}, "clip_only": {...}, "fused": {...}},
 *    "protocol": {...},
 *    "stages": [{"name", "seconds", "precision"}, ...]}   (precision: of those that compute)
 *
 * All figures in percent; docs/evaluation.md lists them all. An evaluation writes all but the
 * stages as evaluation.json in its run folder; result.json adds the stages of the chain.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdio.h>

#include "base/mem.h"
#include "train/run/graph.h"

/* Writes result.json into the run that closes the chain, and a copy into the named run, where they
 * would change. ERR_DATA names a file that is not what it must be, and says what to do. */
int result_write(const struct graph *g);

/* Prints the table of a chain that is done. */
int result_print(const struct graph *g, FILE *to);

/* What the dashes in a row of figures are, a paragraph each: the parts of the classes of which none
 * is in the truth. Their figures are null. */
void result_put_absent(const cJSON *row, struct str *to);
