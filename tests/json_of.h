/* JSON that a test looks into. What is not there, or no JSON, fails the test. */
#pragma once

#include <cjson/cJSON.h>

/* Owned: cJSON_Delete when done. */
cJSON *json_of_text(const char *text);
cJSON *json_of(const char *path);
cJSON *json_in(const char *dir, const char *name); /* the file DIR/NAME */
cJSON *json_of_source(const char *path);           /* of the repository, as test_source() */

const cJSON *json_item(const cJSON *o, const char *key);
double json_value(const cJSON *o, const char *key); /* a number */
