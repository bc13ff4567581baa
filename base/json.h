/* Writes JSON into a string, piece by piece: metrics lines, results, manifests. Commas are put
 * where they belong; a key outside an object, or an end without its begin, aborts.
 *
 *     struct json_out j = {.to = &text};
 *     json_object(&j);
 *     json_key_int(&j, "step", 12);
 *     json_end(&j);
 *
 * Reading: cJSON for what is small, yajl for what is not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum { JSON_MAX_DEPTH = 32 };

struct json_out {
    struct str *to;
    int depth;
    char open[JSON_MAX_DEPTH]; /* '{' or '[' */
    bool some[JSON_MAX_DEPTH]; /* something stands in it already */
    bool keyed;                /* a key waits for its value */
};

void json_object(struct json_out *j); /* { */
void json_array(struct json_out *j);  /* [ */
void json_end(struct json_out *j);    /* closes the innermost of them */

void json_key(struct json_out *j, const char *key);
void json_string(struct json_out *j, const char *s); /* NULL is null */
void json_int(struct json_out *j, int64_t x);        /* exact */
void json_real(struct json_out *j, double x);        /* shortest that reads back equal; else null */
void json_bool(struct json_out *j, bool x);
void json_null(struct json_out *j);

void json_key_string(struct json_out *j, const char *key, const char *s);
void json_key_int(struct json_out *j, const char *key, int64_t x);
void json_key_real(struct json_out *j, const char *key, double x);
void json_key_bool(struct json_out *j, const char *key, bool x);

/* The pieces, for other texts. A quoted string is valid YAML too: control characters and Unicode's
 * line separators are escaped, bytes that are no UTF-8 become U+FFFD. */
void json_quote(struct str *to, const char *s);
void json_number(char out[32], double x); /* finite; 0 for -0 */
