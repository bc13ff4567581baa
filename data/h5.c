#include "data/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "data/h5_internal.h"

enum { TEXT_MAX = 65536, STEP = 1 << 20 };

size_t h5_width(enum h5_type type) {
    switch (type) {
    case H5_TYPE_U8: return 1;
    case H5_TYPE_U16: return 2;
    case H5_TYPE_U32:
    case H5_TYPE_F32: return 4;
    case H5_TYPE_I64:
    case H5_TYPE_U64: return 8;
    }
    REQUIRE(false, "type %d", (int)type);
}

hid_t h5_file_type(enum h5_type type) {
    switch (type) {
    case H5_TYPE_U8: return H5T_STD_U8LE;
    case H5_TYPE_U16: return H5T_STD_U16LE;
    case H5_TYPE_U32: return H5T_STD_U32LE;
    case H5_TYPE_I64: return H5T_STD_I64LE;
    case H5_TYPE_U64: return H5T_STD_U64LE;
    case H5_TYPE_F32: return H5T_IEEE_F32LE;
    }
    REQUIRE(false, "type %d", (int)type);
}

const char *h5_library(void) {
    static char text[40];
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    return text;
}

void h5_without_end(void) { H5dont_atexit(); }

void h5_quiet(void) {
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
}

static herr_t first_reason(unsigned n, const H5E_error2_t *e, void *out) {
    (void)n;
    if (!*(const char **)out && e->desc && *e->desc) *(const char **)out = e->desc;
    return 0;
}

/* What the library says of its last failure; in the system's words when they are among its own. */
static void take_reason(char *out, size_t n) {
    static const char system[] = "error message = '"; /* among addresses and times */
    const char *reason = NULL;                        /* the innermost, which knows what happened */
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_reason, &reason);
    if (!reason) reason = "HDF5 gives no reason";
    const char *said = strstr(reason, system);
    if (said) reason = said + strlen(system);
    snprintf(out, n, "%.*s", (int)(said ? strcspn(reason, "'") : strlen(reason)), reason);
    H5Eclear2(H5E_DEFAULT);
}

int h5_failed(int code, const char *path, const char *doing, const char *what) {
    char reason[1024];
    take_reason(reason, sizeof reason);
    return error_set(code, "%s: cannot %s%s%s: %s", path, doing, *what ? " " : "", what, reason);
}

int h5_pread(int fd, const char *path, uint64_t at, void *to, uint64_t n) {
    char *p = to;
    while (n) {
        ssize_t k = pread(fd, p, n < STEP ? n : STEP, (off_t)at);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return error_set(ERR_MISSING, "%s: cannot read: %s", path, strerror(errno));
        if (k == 0) return error_set(ERR_DATA, "%s: cut short: make it anew", path);
        p += k;
        at += (uint64_t)k;
        n -= (uint64_t)k;
    }
    return 0;
}

/* Adds the bytes [at, end) of a file to a hash. */
static int hash_range(int fd, const char *path, uint64_t at, uint64_t end, struct hasher *h) {
    char *block = mem_alloc(STEP, 1);
    int status = 0;
    while (!status && at < end) {
        uint64_t n = end - at < STEP ? end - at : STEP;
        status = h5_pread(fd, path, at, block, n);
        if (!status) hasher_add(h, block, n);
        at += n;
    }
    free(block);
    return status;
}

int h5_check(int fd, const char *path, uint64_t size, const uint64_t (*bulk)[2], uint64_t n_bulk,
             uint64_t *out) {
    struct hasher h;
    hasher_open(&h);
    uint64_t at = BLOCK_SIZE;
    int status = 0;
    for (uint64_t i = 0; !status && i <= n_bulk; i++) {
        uint64_t end = i < n_bulk ? bulk[i][0] : size;
        if (end < at || end > size || (i < n_bulk && bulk[i][1] > size - end)) {
            status = error_set(ERR_DATA, "%s: damaged: its parts overlap", path);
            break;
        }
        status = hash_range(fd, path, at, end, &h);
        if (i < n_bulk) at = end + bulk[i][1];
    }
    *out = hasher_close(&h);
    return status;
}

void array_hash_open(struct hasher *h, const char *name, enum h5_type type, uint64_t rows,
                     uint64_t cols) {
    uint64_t shape[3] = {(uint64_t)type, rows, cols};
    hasher_open(h);
    hasher_add_string(h, name);
    hasher_add(h, shape, sizeof shape);
}

/* The user block and the bytes it vouches for. */
static int open_checked(struct h5_in *f) {
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0) return error_set(ERR_MISSING, "%s: %s", f->path, strerror(errno));
    struct stat st;
    if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return error_set(ERR_MISSING, "%s: is not a file", f->path);
    f->size = (uint64_t)st.st_size;
    struct h5_block b;
    if (f->size < sizeof b)
        return error_set(ERR_DATA, "%s: too short for a file of ovseg's", f->path);
    if (h5_pread(f->fd, f->path, 0, &b, sizeof b)) return error_status();
    if (memcmp(b.magic, H5_MAGIC, sizeof b.magic) != 0)
        return error_set(ERR_DATA, "%s: not an HDF5 file written by ovseg", f->path);
    if (b.self != hash_bytes(&b, offsetof(struct h5_block, self)) || b.n_bulk > BULK_MAX)
        return error_set(ERR_DATA, "%s: its first bytes are damaged: make it anew", f->path);
    if (b.size != f->size)
        return error_set(ERR_DATA, "%s: has %llu bytes, %llu were written: make it anew", f->path,
                         (unsigned long long)f->size, (unsigned long long)b.size);
    uint64_t check;
    const uint64_t(*bulk)[2] = (const uint64_t(*)[2])b.bulk;
    if (h5_check(f->fd, f->path, f->size, bulk, b.n_bulk, &check)) return error_status();
    if (check != b.check) return error_set(ERR_DATA, "%s: damaged: make it anew", f->path);
    f->hash = b.hash;
    return 0;
}

static int check_format(const struct h5_in *f, const char *format, int64_t version) {
    char *kind = NULL, *number = NULL, *end;
    int status = h5_text(f, "format", &kind);
    if (!status) status = h5_text(f, "version", &number);
    if (!status && strcmp(kind, format) != 0)
        status = error_set(ERR_DATA, "%s: is a file of format \"%s\", expected \"%s\"", f->path,
                           kind, format);
    if (!status) {
        errno = 0;
        long long v = strtoll(number, &end, 10);
        if (errno || *end || v < 1)
            status = error_set(ERR_DATA, "%s: its version is \"%s\"", f->path, number);
        else if (v > version)
            status = error_set(ERR_DATA,
                               "%s: version %lld of format \"%s\"; this program knows %lld: use a "
                               "newer ovseg",
                               f->path, v, format, (long long)version);
    }
    free(kind);
    free(number);
    return status;
}

static int open_any(struct h5_in *f, const char *path) {
    *f = (struct h5_in){.path = mem_strdup(path), .fd = -1, .id = -1};
    int status = open_checked(f);
    if (!status) {
        h5_quiet();
        hid_t access = H5Pcreate(H5P_FILE_ACCESS);
        H5Pset_file_locking(access, false, true);
        f->id = H5Fopen(path, H5F_ACC_RDONLY, access);
        H5Pclose(access);
        if (f->id < 0) status = h5_failed(ERR_DATA, path, "open", "");
    }
    return status;
}

int h5_open(struct h5_in *f, const char *path, const char *format, int64_t version) {
    int status = open_any(f, path);
    if (!status) status = check_format(f, format, version);
    if (status) h5_close(f);
    return status;
}

bool h5_is(const char *path, const char *format) {
    struct h5_in f;
    char *kind = NULL;
    bool is = !open_any(&f, path) && !h5_text(&f, "format", &kind) && !strcmp(kind, format);
    error_clear();
    free(kind);
    h5_close(&f);
    return is;
}

bool h5_has(const struct h5_in *f, const char *name) {
    return H5Lexists(f->id, name, H5P_DEFAULT) > 0;
}

void h5_detach(struct h5_in *f) {
    if (f->id >= 0) H5Fclose(f->id);
    f->id = -1;
}

void h5_close(struct h5_in *f) {
    h5_detach(f);
    if (f->fd >= 0) close(f->fd);
    free(f->path);
    *f = (struct h5_in){.fd = -1, .id = -1};
}

int h5_text(const struct h5_in *f, const char *name, char **out) {
    *out = NULL;
    hid_t a = H5Aopen(f->id, name, H5P_DEFAULT);
    if (a < 0) return h5_failed(ERR_DATA, f->path, "read the attribute", name);
    hid_t type = H5Aget_type(a), space = H5Aget_space(a), memory = H5Tcopy(H5T_C_S1);
    size_t n = type < 0 ? 0 : H5Tget_size(type);
    int status = 0;
    if (n < 1 || n > TEXT_MAX || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) ||
        H5Sget_simple_extent_npoints(space) != 1) {
        status = error_set(ERR_DATA, "%s: attribute %s is not a short text", f->path, name);
    } else {
        *out = mem_alloc(n + 1, 1);
        H5Tset_size(memory, n + 1);
        H5Tset_cset(memory, H5Tget_cset(type)); /* the library does not convert between them */
        if (H5Aread(a, memory, *out) < 0)
            status = h5_failed(ERR_DATA, f->path, "read the attribute", name);
    }
    H5Tclose(memory);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(a);
    if (status) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* The type of ours that an array has, or -1. */
static int known_type(hid_t d) {
    hid_t type = H5Dget_type(d);
    int found = -1;
    for (int t = H5_TYPE_U8; found < 0 && type >= 0 && t <= H5_TYPE_F32; t++)
        if (H5Tequal(type, h5_file_type((enum h5_type)t)) > 0) found = t;
    H5Tclose(type);
    return found;
}

static int refuse(const struct h5_in *f, const char *name, const char *why) {
    return error_set(ERR_DATA, "%s: array %s %s", f->path, name, why);
}

static int find_plain(const struct h5_in *f, const char *name, hid_t d, struct h5_array *out,
                      int *axes) {
    hid_t plist = H5Dget_create_plist(d), space = H5Dget_space(d);
    hsize_t dims[2] = {0, 1};
    int type = known_type(d), status = 0;
    size_t bytes = 0;
    *axes = H5Sget_simple_extent_ndims(space);
    if (H5Pget_layout(plist) != H5D_CONTIGUOUS)
        status = refuse(f, name, "is not contiguous (chunked, compact or virtual)");
    else if (H5Pget_nfilters(plist) != 0)
        status = refuse(f, name, "is compressed or filtered");
    else if (H5Pget_external_count(plist) != 0)
        status = refuse(f, name, "keeps its data in another file");
    else if (type < 0)
        status = refuse(f, name, "has a type that is not read");
    else if (*axes < 1 || *axes > 2 || H5Sget_simple_extent_dims(space, dims, NULL) < 0)
        status = refuse(f, name, "has neither one axis nor two");
    else if (!size_mul(dims[0], dims[1], &bytes) ||
             !size_mul(bytes, h5_width((enum h5_type)type), &bytes) || bytes > f->size)
        status = refuse(f, name, "is larger than the file");
    if (!status) {
        /* "nowhere" is -1, to which HDF5 1.10 adds the size of the user block */
        haddr_t at = bytes ? H5Dget_offset(d) : BLOCK_SIZE;
        if (at < BLOCK_SIZE || at > f->size - bytes)
            status = refuse(f, name, "lies outside the file");
        *out = (struct h5_array){
            .type = (enum h5_type)type, .rows = dims[0], .cols = dims[1], .at = at};
    }
    H5Sclose(space);
    H5Pclose(plist);
    return status;
}

static int find_any(const struct h5_in *f, const char *name, struct h5_array *out, int *axes) {
    H5L_info_t link;
    if (H5Lget_info(f->id, name, &link, H5P_DEFAULT) < 0) {
        H5Eclear2(H5E_DEFAULT);
        return error_set(ERR_DATA, "%s: has no array %s", f->path, name);
    }
    if (link.type != H5L_TYPE_HARD) return refuse(f, name, "is a link to elsewhere");
    hid_t d = H5Dopen2(f->id, name, H5P_DEFAULT);
    if (d < 0) return h5_failed(ERR_DATA, f->path, "open the array", name);
    int status = find_plain(f, name, d, out, axes);
    H5Dclose(d);
    return status;
}

int h5_find(const struct h5_in *f, const char *name, enum h5_type type, uint64_t cols,
            struct h5_array *out) {
    int axes = 0;
    int status = find_any(f, name, out, &axes);
    if (status) return status;
    if (out->type != type) return refuse(f, name, "is not of the type it must be");
    if (axes != (cols ? 2 : 1) || (cols && cols != H5_ANY && out->cols != cols))
        return refuse(f, name, "is not of the shape it must be");
    return 0;
}

int h5_read(const struct h5_in *f, const struct h5_array *a, uint64_t first, uint64_t n, void *to) {
    uint64_t total = a->rows * a->cols, width = h5_width(a->type);
    REQUIRE(first <= total && n <= total - first, "elements %llu + %llu of %llu",
            (unsigned long long)first, (unsigned long long)n, (unsigned long long)total);
    return h5_pread(f->fd, f->path, a->at + first * width, to, n * width);
}

int h5_load(const struct h5_in *f, const char *name, enum h5_type type, uint64_t rows,
            uint64_t cols, struct h5_array *found, void *out) {
    struct h5_array a = {0};
    void *data = NULL;
    int status = h5_find(f, name, type, cols, &a);
    if (!status && rows != H5_ANY && a.rows != rows)
        status = refuse(f, name, "does not have as many rows as it must");
    if (!status && !(data = mem_try(a.rows * a.cols, h5_width(type)))) status = error_status();
    if (!status) status = h5_read(f, &a, 0, a.rows * a.cols, data);
    if (status) {
        free(data);
        data = NULL;
    } else if (found) {
        *found = a;
    }
    memcpy(out, &data, sizeof data); /* the caller's pointer may have any type */
    return status;
}

int h5_load_offsets(const struct h5_in *f, const char *name, uint64_t n, uint64_t total,
                    uint64_t **out) {
    int status = h5_load(f, name, H5_TYPE_U64, n + 1, 0, NULL, out);
    if (status) return status;
    const uint64_t *o = *out;
    bool good = o[0] == 0 && o[n] == total;
    for (uint64_t i = 0; good && i < n; i++) good = o[i] <= o[i + 1];
    if (good) return 0;
    free(*out);
    *out = NULL;
    return refuse(f, name, "does not hold rising offsets up to the end");
}

int h5_load_strings(const struct h5_in *f, const char *name, uint64_t rows, struct strings *out) {
    *out = (struct strings){0};
    char *text_name = mem_format("%s_text", name), *offset_name = mem_format("%s_offset", name);
    char *text = NULL;
    uint64_t *offset = NULL;
    struct h5_array t = {0}, o = {0};
    int status = h5_load(f, text_name, H5_TYPE_U8, H5_ANY, 0, &t, &text);
    if (!status) status = h5_find(f, offset_name, H5_TYPE_U64, 0, &o);
    if (!status && (o.rows < 1 || (rows != H5_ANY && o.rows - 1 != rows)))
        status = refuse(f, offset_name, "does not have as many rows as it must");
    if (!status) status = h5_load_offsets(f, offset_name, o.rows - 1, t.rows, &offset);
    if (!status && memchr(text, 0, t.rows)) status = refuse(f, text_name, "has a NUL in a text");
    for (uint64_t i = 0; !status && i + 1 < o.rows; i++) {
        uint64_t n = offset[i + 1] - offset[i];
        char *s = mem_alloc(n + 1, 1);
        memcpy(s, text + offset[i], n);
        out->at = mem_grow(out->at, &out->cap, out->n + 1, sizeof *out->at);
        out->at[out->n++] = s;
    }
    free(text);
    free(offset);
    free(text_name);
    free(offset_name);
    return status;
}

struct verify {
    const struct h5_in *f;
    uint64_t sum;
    int status;
};

static herr_t verify_one(hid_t group, const char *name, const H5L_info_t *link, void *op) {
    (void)group, (void)link;
    struct verify *v = op;
    struct h5_array a = {0};
    int axes;
    v->status = find_any(v->f, name, &a, &axes);
    if (v->status) return 1;
    struct hasher h;
    array_hash_open(&h, name, a.type, a.rows, axes == 2 ? a.cols : 0);
    v->status =
        hash_range(v->f->fd, v->f->path, a.at, a.at + a.rows * a.cols * h5_width(a.type), &h);
    v->sum += hasher_close(&h);
    return v->status ? 1 : 0;
}

int h5_verify(const struct h5_in *f) {
    struct verify v = {.f = f};
    if (H5Literate(f->id, H5_INDEX_NAME, H5_ITER_INC, NULL, verify_one, &v) < 0 && !v.status)
        return h5_failed(ERR_DATA, f->path, "list the arrays", "");
    if (!v.status && v.sum != f->hash)
        v.status = error_set(ERR_DATA, "%s: damaged: make it anew", f->path);
    return v.status;
}
