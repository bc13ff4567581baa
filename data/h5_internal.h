/* What reading and writing of HDF5 files share. */
#pragma once

#include <hdf5.h>

#include "base/hash.h"
#include "data/h5.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "arrays are read as they lie in the file");

enum { BLOCK_SIZE = 512, BULK_MAX = 8, BULK_MIN = 1 << 20 };

/* The user block: HDF5 ignores it, we read it first. */
struct h5_block {
    char magic[16];
    uint64_t size;              /* of the file */
    uint64_t hash;              /* of the arrays, see array_hash_open */
    uint64_t n_bulk;            /* extents left out of `check` */
    uint64_t bulk[BULK_MAX][2]; /* offset, length; rising, apart */
    uint64_t check;             /* of the rest of the file after the user block */
    uint8_t zero[BLOCK_SIZE - 16 - 5 * 8 - BULK_MAX * 16];
    uint64_t self; /* of all the above */
};
_Static_assert(sizeof(struct h5_block) == BLOCK_SIZE, "no padding");

#define H5_MAGIC "ovseg HDF5 file"

hid_t h5_file_type(enum h5_type type);

/* Turns the library's chatter off, and plugins; once a thread is enough, more do not hurt. */
void h5_quiet(void);
/* "path: cannot DOING: the library's reason"; the code is the caller's. */
int h5_failed(int code, const char *path, const char *doing, const char *what);

/* All of n bytes at an offset. ERR_MISSING: the system's error; ERR_DATA: the file ends before. */
int h5_pread(int fd, const char *path, uint64_t at, void *to, uint64_t n);

/* Hash of a file's bytes after the user block but for the bulk extents. */
int h5_check(int fd, const char *path, uint64_t size, const uint64_t (*bulk)[2], uint64_t n_bulk,
             uint64_t *out);
/* A file's hash is the sum of its arrays', so that their order does not matter. */
void array_hash_open(struct hasher *h, const char *name, enum h5_type type, uint64_t rows,
                     uint64_t cols);
