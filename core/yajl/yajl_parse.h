/* yajl's interface, as far as checkpoints/safetensors_header.c needs it: strict JSON (RFC 8259),
 * UTF-8 and escapes passed on decoded, integers of 64 bits, one text at a time. */
#pragma once

#include <stddef.h>

typedef enum { yajl_status_ok, yajl_status_client_canceled, yajl_status_error } yajl_status;

typedef struct {
    int (*yajl_null)(void *ctx);
    int (*yajl_boolean)(void *ctx, int value);
    int (*yajl_integer)(void *ctx, long long value);
    int (*yajl_double)(void *ctx, double value);
    int (*yajl_number)(void *ctx, const char *text, size_t n); /* not called */
    int (*yajl_string)(void *ctx, const unsigned char *text, size_t n);
    int (*yajl_start_map)(void *ctx);
    int (*yajl_map_key)(void *ctx, const unsigned char *text, size_t n);
    int (*yajl_end_map)(void *ctx);
    int (*yajl_start_array)(void *ctx);
    int (*yajl_end_array)(void *ctx);
} yajl_callbacks;

typedef struct json_parser *yajl_handle;

yajl_handle yajl_alloc(const yajl_callbacks *callbacks, void *alloc, void *ctx);
yajl_status yajl_parse(yajl_handle p, const unsigned char *text, size_t n); /* the whole text */
yajl_status yajl_complete_parse(yajl_handle p);
unsigned char *yajl_get_error(yajl_handle p, int verbose, const unsigned char *text, size_t n);
void yajl_free_error(yajl_handle p, unsigned char *text);
void yajl_free(yajl_handle p);
