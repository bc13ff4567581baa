/* HDF5, the small and safe part of it: named arrays and text attributes in the root of a file.
 *
 * Ordinary HDF5 for every other tool. Ours alone is the user block in front (512 bytes that HDF5
 * ignores): size and hashes. They are checked before the library sees a byte, because its parser
 * is large and is not known to survive damage; what bulk arrays hold is left to h5_verify and to
 * the checksums inside PNG and zstd. After that only contiguous, unfiltered arrays inside the file
 * are accepted: no chunks, filters, external or virtual data, links, plugins, no locks.
 *
 * Opening and finding belong to one thread; h5_read may be called from many. Writing: h5_write.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum h5_type { H5_TYPE_U8, H5_TYPE_U16, H5_TYPE_U32, H5_TYPE_I64, H5_TYPE_U64, H5_TYPE_F32 };
size_t h5_width(enum h5_type type); /* bytes of an element */

struct h5_in {
    char *path;
    int fd;
    int64_t id;    /* HDF5's */
    uint64_t size; /* of the file */
    uint64_t hash; /* of all arrays: names, types, shapes, values; not of the attributes */
};

/* HDF5 frees a file whose last writes fail (a full disk), but keeps its number, and closes it once
 * more when the process ends: a crash. A program that closes its files itself calls this before
 * anything of HDF5, and the process ends without that. */
void h5_without_end(void);

const char *h5_library(void); /* version of the HDF5 that is linked: "1.10.8" */

/* ERR_MISSING: no such file. ERR_DATA: damaged, of another format, of a newer version; names the
 * file. `format` is the kind of contents ("set"), `version` the newest one the caller knows. */
int h5_open(struct h5_in *f, const char *path, const char *format, int64_t version);
bool h5_is(const char *path, const char *format);     /* whole, ours, and of this format */
bool h5_has(const struct h5_in *f, const char *name); /* an array that older files may lack */
void h5_close(struct h5_in *f);
void h5_detach(struct h5_in *f); /* after the last find: only h5_read and h5_close from here on */
int h5_verify(const struct h5_in *f); /* reads every array and compares with `hash` */

int h5_text(const struct h5_in *f, const char *name, char **out); /* owned */

/* Where an array lies. */
struct h5_array {
    enum h5_type type;
    uint64_t rows, cols; /* cols: 1 for one axis */
    uint64_t at;         /* offset in the file */
};

/* `cols`: 0 for an array with one axis, else the length of its second axis; H5_ANY: whatever it
 * is. The extent is inside the file and rows * cols * width does not overflow. */
#define H5_ANY UINT64_MAX
int h5_find(const struct h5_in *f, const char *name, enum h5_type type, uint64_t cols,
            struct h5_array *out);
/* Elements first .. first + n - 1, in row order; REQUIREs that they exist. */
int h5_read(const struct h5_in *f, const struct h5_array *a, uint64_t first, uint64_t n, void *to);

/* A whole array of exactly `rows` rows (H5_ANY: any number, see `found`, which may be NULL);
 * owned by the caller. */
int h5_load(const struct h5_in *f, const char *name, enum h5_type type, uint64_t rows,
            uint64_t cols, struct h5_array *found, void *out);
/* u64 [n + 1], rising from 0 to `total`; owned. */
int h5_load_offsets(const struct h5_in *f, const char *name, uint64_t n, uint64_t total,
                    uint64_t **out);
/* Arrays NAME_text and NAME_offset; `rows` as in h5_load. */
int h5_load_strings(const struct h5_in *f, const char *name, uint64_t rows, struct strings *out);
