/* A JSON file of any size as a stream of yajl's events; a mark in front of it is left out. */
#pragma once

#include <yajl/yajl_parse.h>

#include "base/hash.h"

struct json_stream {
    yajl_handle json;
    uint64_t chunk; /* where in the file the bytes begin that are being parsed */
    int64_t line;   /* of it, from 1 */
};

/* Callbacks that return 0 have set an error, without the file's name. ERR_MISSING: it cannot be
 * read; ERR_DATA: no JSON, or what a callback says: "PATH:LINE: byte N: ...". Every byte is added
 * to `hash`, which may be NULL. */
int json_stream_read(struct json_stream *s, const char *path, const yajl_callbacks *callbacks,
                     void *ctx, struct hasher *hash);

/* In a callback: the offset behind the token that it is about. */
uint64_t json_stream_at(const struct json_stream *s);
