/* Safetensors files: tensors by name, read strictly and written byte for byte the same each time.
 *
 * Data is read by pread, not mapped: a file that is cut while we read it is then an error and not
 * a signal. Errors: ERR_MISSING when it cannot be opened or read, ERR_DATA when it is not what it
 * must be, ERR_IO when it cannot be written.
 */
#pragma once

#include "base/file.h"
#include "base/hash.h"
#include "checkpoints/input.h"
#include "checkpoints/safetensors_header.h"

/* Reading. */

struct safetensors {
    struct input in;
    struct st_table table; /* names, types, shapes, metadata */
    uint64_t data;         /* where the data starts */
    struct bytes scratch;  /* grows to the largest tensor: fresh pages for each cost more than
                              reading it does */
};

int safetensors_open(struct safetensors *f, const char *path); /* reads and checks the header */
void safetensors_close(struct safetensors *f);

/* The bytes of a tensor, row-major, little endian; dst has room for x->bytes. */
int safetensors_read(struct safetensors *f, const struct st_tensor *x, void *dst);
/* The same in memory of its own, for tools that need no tensors. bytes_free() it. */
int safetensors_bytes(struct safetensors *f, const struct st_tensor *x, struct bytes *out);
/* A new tensor of the innermost scope; NULL and the pending error when it cannot be read. */
tensor *safetensors_tensor(struct safetensors *f, const struct st_tensor *x);

/* Hashes of the whole file and of each tensor (tensor[i] of table.at[i]), in one pass. */
int safetensors_hash(struct safetensors *f, uint64_t *file, uint64_t *tensor);

/* Writing: open, name the tensors, put their data in the same order, commit, close.
 * After an error put and commit do nothing; close always. */

struct safetensors_out {
    struct file_out file;
    struct st_table table;
    bool started;             /* the header is written */
    size_t next;              /* the tensor whose data comes */
    uint64_t filled;          /* its bytes so far */
    uint64_t *hash;           /* of each tensor that is complete */
    uint64_t file_hash, size; /* of the file; after commit */
    struct hasher whole, one;
    struct bytes scratch;
};

int safetensors_out_open(struct safetensors_out *w, const char *path);
void safetensors_out_meta(struct safetensors_out *w, const char *key, const char *value);
void safetensors_out_name(struct safetensors_out *w, const char *name, enum t_dtype dtype,
                          struct shape shape);
/* The next bytes of the data; a tensor may come in pieces, a piece does not cross tensors. */
int safetensors_out_put(struct safetensors_out *w, const void *data, size_t n);
int safetensors_out_put_tensor(struct safetensors_out *w,
                               tensor *x); /* must fit its name's entry */
int safetensors_out_commit(struct safetensors_out *w);
void safetensors_out_close(struct safetensors_out *w);
