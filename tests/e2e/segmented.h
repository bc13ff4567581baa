/* What `ovseg segment` and its kin are tried on: the runs of a smoke chain, and pictures. */
#pragma once

#include <cjson/cJSON.h>

enum { SEGMENTED_PICTURES = 6, SEGMENTED_SIDE = 48 };

/* Trains the chain and draws the pictures; the runs of prompts and of the evaluation, and the
 * folder of pictures, owned. */
void segmented_start(char **model, char **evaluation, char **photos);
char *segmented_picture(const char *photos, int i); /* its path, owned */
void segmented_draw(const char *path, int seed);    /* one more, with its folder */

cJSON *json_of(const char *dir, const char *name); /* a file that must be there; owned */
const cJSON *json_item(const cJSON *o, const char *key);
