/* Writing the HDF5 files of h5.h. Equal contents give equal bytes: no time, host or path is stored.
 */
#pragma once

#include "base/hash.h"
#include "data/h5.h"

/* Into a temporary name, renamed by h5_commit: a kill leaves the old file or none. After an error
 * put and commit do nothing; h5_drop always: it removes what was not committed. */
struct h5_out {
    char *path, *tmp;
    int64_t id;
    int status;
    uint64_t hash;
    uint64_t bulk[8][2]; /* offset and length of the arrays that opening does not hash */
    int n_bulk;
};

int h5_create(struct h5_out *f, const char *path, const char *format, int64_t version,
              const char *config_hash);
void h5_put_text(struct h5_out *f, const char *name, const char *value);
/* cols 0: one axis */
void h5_put(struct h5_out *f, const char *name, enum h5_type type, uint64_t rows, uint64_t cols,
            const void *data);
void h5_put_strings(struct h5_out *f, const char *name, char *const *at, uint64_t n);
/* An array whose rows come in parts, in order, a row at a time if need be; several may be begun. */
struct h5_part {
    const char *name; /* the caller's */
    enum h5_type type;
    uint64_t rows, cols, put; /* cols: 1 for one axis; rows that are in the file */
    char *block;              /* rows that wait, n of at most `room` */
    uint64_t n, room;
    int64_t id;
    struct hasher hash;
};
void h5_begin(struct h5_out *f, struct h5_part *p, const char *name, enum h5_type type,
              uint64_t rows, uint64_t cols);
void h5_add(struct h5_out *f, struct h5_part *p, const void *data, uint64_t rows);
void h5_end(struct h5_out *f, struct h5_part *p); /* after an error, too; all rows must be there */
int h5_commit(struct h5_out *f);
void h5_drop(struct h5_out *f);

/* Bytes that are collected before their number is known: a nameless file beside the target. */
struct spool {
    int fd;
    uint64_t n;
};
int spool_open(struct spool *s, const char *beside);
int spool_put(struct spool *s, const void *data, size_t n); /* ERR_IO */
/* Bytes that were put. */
int spool_read(const struct spool *s, uint64_t at, void *to, uint64_t n);
void spool_close(struct spool *s);
void h5_put_spool(struct h5_out *f, const char *name, const struct spool *s); /* u8, one axis */

/* Writes the user block of a closed file; for h5_commit, and for tests that make odd files. */
int h5_seal(const char *path, uint64_t hash, const uint64_t (*bulk)[2], int n_bulk);
