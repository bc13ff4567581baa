/* The header of a safetensors file: a JSON object of names, types, shapes and places.
 *
 *   8 bytes n (little endian) | n bytes of JSON, padded with spaces | the data
 *
 * Read more strictly than the format's own parser: two names that are equal are an error, and so
 * is every hole and overlap, also of tensors without elements. No allocation here is larger than
 * the header itself by more than a constant factor. No files: the fuzz target starts here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "nn/torch/tensor.h"

enum {
    ST_HEADER_MAX = 16 << 20, /* bytes of JSON */
    ST_TENSORS_MAX = 100000,
    ST_NAME_MAX = 255, /* bytes; the longest that nn/params.c registers */
};

struct st_tensor {
    char *name; /* printable ASCII */
    enum t_dtype dtype;
    struct shape shape;
    uint64_t at;    /* first byte, counted from the start of the data */
    uint64_t bytes; /* elements times their size */
};

struct st_table {
    struct st_tensor *at; /* in the order of the data */
    size_t n, cap;
    size_t *by_name;           /* indices, sorted by name */
    struct strings key, value; /* __metadata__, pair by pair */
};

/* Reads `n` bytes of JSON in front of `data_bytes` bytes of data. ERR_DATA "path: what is wrong";
 * the table is then empty. */
int st_table_parse(struct st_table *t, const char *path, const char *json, size_t n,
                   uint64_t data_bytes);

/* For writers: the next tensor, right behind the last one. */
void st_table_add(struct st_table *t, const char *name, enum t_dtype dtype, struct shape shape);
/* Fills by_name, once all are added; returns the name that two tensors have, NULL: none. */
const char *st_table_index(struct st_table *t);
/* The first bytes of the file: length, JSON, padding to 8 bytes. Equal tables give equal bytes. */
void st_table_format(struct st_table *t, struct str *out);

const struct st_tensor *st_table_find(const struct st_table *t, const char *name); /* or NULL */
const char *st_table_meta(const struct st_table *t, const char *key);              /* or NULL */
void st_table_free(struct st_table *t);

size_t st_dtype_size(enum t_dtype dtype);
bool st_dtype_floats(enum t_dtype dtype);
bool st_shape_same(struct shape a, struct shape b);
const char *st_dtype_name(enum t_dtype dtype);           /* "F32" */
void st_shape_text(struct shape s, char *out, size_t n); /* "[2, 3]" */
void st_json_string(struct str *out, const char *text);  /* quoted and escaped */
