/* The full table of an evaluation: every figure by its name. */
#pragma once

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

/* json: of result.json. The `lines` best and worst classes of each model are listed. */
void result_print_full(const cJSON *json, int64_t lines, FILE *to);

/* Of an element of "rows": the model's name, and a figure over all classes ("miou_truth"); NaN when
 * it is not there. */
const char *result_model(const cJSON *row);
const char *result_title(const char *model); /* "ft+mpt" -> "FT+MPT" */
double result_figure(const cJSON *row, const char *key);
