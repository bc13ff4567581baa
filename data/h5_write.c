#include "data/h5_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "data/h5_internal.h"

enum { COPY_STEP = 1 << 20, PART_BLOCK = 1 << 18 }; /* bytes */

int h5_create(struct h5_out *f, const char *path, const char *format, int64_t version,
              const char *config_hash) {
    *f = (struct h5_out){
        .path = mem_strdup(path), .tmp = mem_format("%s.tmp%ld", path, (long)getpid()), .id = -1};
    h5_quiet();
    hid_t create = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_userblock(create, BLOCK_SIZE);
    H5Pset_obj_track_times(create, false);
    H5Pset_file_locking(access, false, true);
    f->id = H5Fcreate(f->tmp, H5F_ACC_TRUNC, create, access);
    if (f->id < 0)
        f->status = h5_failed(ERR_IO, path, "create", ""); /* the next call forgets why */
    H5Pclose(create);
    H5Pclose(access);
    if (f->status) return f->status;
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)version);
    h5_put_text(f, "format", format);
    h5_put_text(f, "version", number);
    h5_put_text(f, "tool", "ovseg " OVSEG_VERSION);
    h5_put_text(f, "config", config_hash);
    return f->status;
}

void h5_put_text(struct h5_out *f, const char *name, const char *value) {
    if (f->status) return;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, *value ? strlen(value) : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    hid_t a = H5Acreate2(f->id, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0 || H5Awrite(a, type, value) < 0)
        f->status = h5_failed(ERR_IO, f->path, "write the attribute", name);
    if (a >= 0) H5Aclose(a);
    H5Sclose(space);
    H5Tclose(type);
}

/* An empty array whose room in the file is taken; -1 and f->status on errors. */
static hid_t create_array(struct h5_out *f, const char *name, enum h5_type type, uint64_t rows,
                          uint64_t cols) {
    hsize_t dims[2] = {rows, cols};
    hid_t space = H5Screate_simple(cols ? 2 : 1, dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(plist, H5D_CONTIGUOUS);
    H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER); /* every byte is written below */
    H5Pset_obj_track_times(plist, false);
    hid_t d = H5Dcreate2(f->id, name, h5_file_type(type), space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (d < 0) f->status = h5_failed(ERR_IO, f->path, "create the array", name);
    H5Pclose(plist);
    H5Sclose(space);
    return d;
}

/* Large arrays are left to h5_verify; they must rise in the file for h5_check. */
static void note_bulk(struct h5_out *f, hid_t d, uint64_t bytes) {
    if (bytes < BULK_MIN || f->n_bulk == BULK_MAX) return;
    uint64_t at = H5Dget_offset(d);
    int i = f->n_bulk++;
    for (; i > 0 && f->bulk[i - 1][0] > at; i--) memcpy(f->bulk[i], f->bulk[i - 1], 16);
    f->bulk[i][0] = at;
    f->bulk[i][1] = bytes;
}

void h5_put(struct h5_out *f, const char *name, enum h5_type type, uint64_t rows, uint64_t cols,
            const void *data) {
    if (f->status) return;
    hid_t d = create_array(f, name, type, rows, cols);
    if (d < 0) return;
    uint64_t n = cols ? rows * cols : rows, bytes = n * h5_width(type);
    if (bytes && H5Dwrite(d, h5_file_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        f->status = h5_failed(ERR_IO, f->path, "write the array", name);
    if (!f->status && bytes) note_bulk(f, d, bytes);
    H5Dclose(d);
    struct hasher h;
    array_hash_open(&h, name, type, rows, cols);
    hasher_add(&h, data, bytes);
    f->hash += hasher_close(&h);
}

void h5_put_strings(struct h5_out *f, const char *name, char *const *at, uint64_t n) {
    struct str text = {0};
    uint64_t *offset = mem_alloc(n + 1, sizeof *offset);
    for (uint64_t i = 0; i < n; i++) {
        str_put(&text, at[i], strlen(at[i]));
        offset[i + 1] = text.n;
    }
    char *text_name = mem_format("%s_text", name), *offset_name = mem_format("%s_offset", name);
    h5_put(f, text_name, H5_TYPE_U8, text.n, 0, text.at);
    h5_put(f, offset_name, H5_TYPE_U64, n + 1, 0, offset);
    free(text_name);
    free(offset_name);
    free(offset);
    str_free(&text);
}

void h5_begin(struct h5_out *f, struct h5_part *p, const char *name, enum h5_type type,
              uint64_t rows, uint64_t cols) {
    *p = (struct h5_part){
        .name = name, .type = type, .rows = rows, .cols = cols ? cols : 1, .id = -1};
    if (f->status) return;
    uint64_t width = p->cols * h5_width(type);
    p->room = width < PART_BLOCK ? PART_BLOCK / width : 1;
    if (p->room > rows) p->room = rows;
    p->block = mem_alloc(p->room, width);
    p->id = create_array(f, name, type, rows, cols);
    if (p->id >= 0) array_hash_open(&p->hash, name, type, rows, cols);
}

/* The rows that wait. */
static void flush_part(struct h5_out *f, struct h5_part *p) {
    if (f->status || !p->n) return;
    hid_t space = H5Dget_space(p->id);
    hsize_t first[2] = {p->put, 0}, n[2] = {p->n, p->cols};
    hid_t memory = H5Screate_simple(H5Sget_simple_extent_ndims(space), n, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, n, NULL);
    if (H5Dwrite(p->id, h5_file_type(p->type), memory, space, H5P_DEFAULT, p->block) < 0)
        f->status = h5_failed(ERR_IO, f->path, "write the array", p->name);
    H5Sclose(memory);
    H5Sclose(space);
    hasher_add(&p->hash, p->block, p->n * p->cols * h5_width(p->type));
    p->put += p->n;
    p->n = 0;
}

void h5_add(struct h5_out *f, struct h5_part *p, const void *data, uint64_t rows) {
    const char *from = data;
    size_t width = p->cols * h5_width(p->type);
    while (!f->status && rows) {
        REQUIRE(p->put + p->n < p->rows, "more rows than the array %s has", p->name);
        uint64_t some = rows < p->room - p->n ? rows : p->room - p->n;
        memcpy(p->block + p->n * width, from, some * width);
        from += some * width;
        rows -= some;
        p->n += some;
        if (p->n == p->room) flush_part(f, p);
    }
}

void h5_end(struct h5_out *f, struct h5_part *p) {
    flush_part(f, p);
    free(p->block);
    if (p->id < 0) return;
    uint64_t bytes = p->rows * p->cols * h5_width(p->type);
    f->hash += hasher_close(&p->hash);
    if (!f->status) REQUIRE(p->put == p->rows, "fewer rows than the array %s has", p->name);
    if (!f->status && bytes) note_bulk(f, p->id, bytes);
    H5Dclose(p->id);
    p->id = -1;
}

void h5_put_spool(struct h5_out *f, const char *name, const struct spool *s) {
    struct h5_part p;
    char *block = mem_alloc(COPY_STEP, 1);
    h5_begin(f, &p, name, H5_TYPE_U8, s->n, 0);
    for (uint64_t at = 0; !f->status && at < s->n;) {
        uint64_t n = s->n - at < COPY_STEP ? s->n - at : COPY_STEP;
        f->status = spool_read(s, at, block, n);
        h5_add(f, &p, block, n);
        at += n;
    }
    h5_end(f, &p);
    free(block);
}

int h5_seal(const char *path, uint64_t hash, const uint64_t (*bulk)[2], int n_bulk) {
    struct h5_block b = {.magic = H5_MAGIC, .hash = hash, .n_bulk = (uint64_t)n_bulk};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return error_set(ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    off_t size = lseek(fd, 0, SEEK_END);
    b.size = (uint64_t)size;
    if (n_bulk) memcpy(b.bulk, bulk, (size_t)n_bulk * sizeof *bulk);
    int status = h5_check(fd, path, b.size, bulk, b.n_bulk, &b.check);
    b.self = hash_bytes(&b, offsetof(struct h5_block, self));
    if (!status && pwrite(fd, &b, sizeof b, 0) != (ssize_t)sizeof b)
        status = error_set(ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    close(fd);
    return status;
}

int h5_commit(struct h5_out *f) {
    if (f->status) return f->status;
    if (H5Fclose(f->id) < 0) f->status = h5_failed(ERR_IO, f->path, "close", "");
    f->id = -1;
    if (!f->status) f->status = h5_seal(f->tmp, f->hash, (const uint64_t(*)[2])f->bulk, f->n_bulk);
    if (!f->status) f->status = file_sync(f->tmp);
    if (!f->status && rename(f->tmp, f->path) < 0)
        f->status = error_set(ERR_IO, "%s: cannot rename: %s", f->path, strerror(errno));
    if (f->status) return f->status;
    free(f->tmp);
    f->tmp = NULL;
    char *dir = path_dir(f->path);
    f->status = file_sync(dir);
    free(dir);
    return f->status;
}

void h5_drop(struct h5_out *f) {
    if (f->id >= 0) H5Fclose(f->id);
    if (f->tmp) unlink(f->tmp);
    free(f->tmp);
    free(f->path);
    *f = (struct h5_out){.id = -1};
}

int spool_open(struct spool *s, const char *beside) {
    char *name = mem_format("%s.XXXXXX", beside);
    *s = (struct spool){.fd = mkstemp(name)};
    int status = 0;
    if (s->fd < 0)
        status = error_set(ERR_IO, "%s: cannot create: %s", beside, strerror(errno));
    else
        unlink(name); /* a kill leaves nothing */
    free(name);
    return status;
}

int spool_put(struct spool *s, const void *data, size_t n) {
    const char *p = data;
    while (n) {
        ssize_t k = write(s->fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return error_set(ERR_IO, "cannot write: %s", strerror(errno));
        p += k;
        n -= (size_t)k;
        s->n += (uint64_t)k;
    }
    return 0;
}

int spool_read(const struct spool *s, uint64_t at, void *to, uint64_t n) {
    return h5_pread(s->fd, "what was collected", at, to, n);
}

void spool_close(struct spool *s) {
    if (s->fd >= 0) close(s->fd);
    *s = (struct spool){.fd = -1};
}
