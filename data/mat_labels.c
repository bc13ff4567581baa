#include "data/mat_labels.h"

#include "base/error.h"

#ifdef OVSEG_MATIO

#include <matio.h>
#include <zlib.h>

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/image_internal.h"

enum {
    MAT_BYTES_MAX = 16 << 20,
    INFLATED_BYTES_MAX = 64 << 20, /* of all elements: one of 16 MiB may hold 16 GiB */
    HEADER = 128,
    /* types of elements */
    MI_INT32 = 5,
    MI_UINT32 = 6,
    MI_MATRIX = 14,
    MI_COMPRESSED = 15,
};

/* ---- is it whole? ----
 *
 * The library does not ask: of a file that is cut short, or whose matrix claims more values than it
 * has, it makes zeros (measured, 1.5.23). So the elements are walked here first. */

struct walk {
    const char *path;
    bool big;        /* byte order */
    size_t inflated; /* bytes that compressed elements have held so far */
};

struct element {
    uint32_t type, n;
    const uint8_t *at;
};

static uint32_t number(const struct walk *w, const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return w->big ? __builtin_bswap32(v) : v;
}

static int cut_short(const struct walk *w) {
    return error_set(ERR_DATA, "%s: damaged MAT file: it is cut short, or its sizes lie", w->path);
}

/* Takes the element at *p of *n bytes, and what pads it to 8. */
static int next_element(const struct walk *w, const uint8_t **p, size_t *n, struct element *e) {
    if (*n < 8) return cut_short(w);
    uint32_t head = number(w, *p);
    bool small = head >> 16; /* length and data in the 8 bytes of the tag */
    *e = small ? (struct element){head & 0xffff, head >> 16, *p + 4}
               : (struct element){head, number(w, *p + 4), *p + 8};
    size_t size = small ? 8 : 8 + (size_t)e->n,
           padded = e->type == MI_COMPRESSED ? size : (size + 7) & ~(size_t)7;
    if ((small && e->n > 4) || size > *n) return cut_short(w);
    if (padded > *n) padded = *n; /* the last one may go without */
    *p += padded;
    *n -= padded;
    return 0;
}

/* The parts of a matrix: flags, sizes, name, values. Others than LabelMap are passed over. */
static int check_matrix(const struct walk *w, const uint8_t *p, size_t n) {
    static const uint8_t width[14] = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8};
    struct element flags, sizes, name, values;
    if (next_element(w, &p, &n, &flags) || next_element(w, &p, &n, &sizes) ||
        next_element(w, &p, &n, &name))
        return error_status();
    if (flags.type != MI_UINT32 || flags.n != 8 || sizes.type != MI_INT32 || sizes.n % 4)
        return error_set(ERR_DATA, "%s: damaged MAT file", w->path);
    if (name.n != 8 || memcmp(name.at, "LabelMap", 8) != 0) return 0;
    if (next_element(w, &p, &n, &values)) return error_status();
    size_t count = values.type < 14 ? width[values.type] : 0;
    for (uint32_t k = 0; k < sizes.n; k += 4)
        if (!size_mul(count, number(w, sizes.at + k), &count)) return cut_short(w);
    return values.n == count ? 0 : cut_short(w);
}

static int too_large(const struct walk *w) {
    return error_set(ERR_DATA,
                     "%s: its variables unpack to more than %d MiB: no label map is that large",
                     w->path, INFLATED_BYTES_MAX >> 20);
}

static int check_compressed(struct walk *w, const struct element *packed) {
    struct walk inside = *w;
    struct element matrix;
    size_t room = (size_t)packed->n * 1032 + 64, left_of_all = INFLATED_BYTES_MAX - w->inflated;
    if (!left_of_all) return too_large(w); /* where there is no room zlib calls all input damaged */
    if (room > left_of_all) room = left_of_all;
    uint8_t *out = mem_try(room, 1);
    uLongf n = room;
    uLong from = packed->n;
    const uint8_t *p = out;
    if (!out) return error_status();
    int z = uncompress2(out, &n, packed->at, &from);
    size_t left = n;
    w->inflated += n;
    if (z == Z_BUF_ERROR)
        too_large(w);
    else if (z != Z_OK)
        cut_short(w);
    else if (!next_element(&inside, &p, &left, &matrix) && matrix.type == MI_MATRIX)
        check_matrix(&inside, matrix.at, matrix.n);
    free(out);
    return error_status();
}

static int check_whole(struct walk *w, const struct bytes *b) {
    const uint8_t *p = b->at + HEADER;
    size_t n = b->n - HEADER;
    while (n) {
        struct element e;
        if (next_element(w, &p, &n, &e)) return error_status();
        if (e.type == MI_MATRIX && check_matrix(w, e.at, e.n)) return error_status();
        if (e.type == MI_COMPRESSED && check_compressed(w, &e)) return error_status();
    }
    return 0;
}

/* ---- reading ---- */

/* The library opens versions 4 and 7.3 (HDF5), too, which nobody needs to read here. */
static int check_header(const char *path, const struct bytes *b) {
    const uint8_t *v = b->at + 124;
    if (b->n < HEADER || memcmp(b->at, "MATLAB 5.0 MAT-file", 19) != 0)
        return error_set(ERR_DATA, "%s: is no MAT file of version 5", path);
    bool little = v[2] == 'I' && v[3] == 'M' && v[1] == 1, big = v[2] == 'M' && v[3] == 'I';
    if (!little && !(big && v[0] == 1))
        return error_set(ERR_DATA, "%s: is a MAT file of another version than 5; save it with -v7",
                         path);
    return check_whole(&(struct walk){.path = path, .big = big}, b);
}

static double value_of(const matvar_t *v, size_t i) {
    switch (v->class_type) {
    case MAT_C_DOUBLE: return ((const double *)v->data)[i];
    case MAT_C_SINGLE: return ((const float *)v->data)[i];
    case MAT_C_INT32: return ((const int32_t *)v->data)[i];
    case MAT_C_UINT32: return ((const uint32_t *)v->data)[i];
    case MAT_C_INT16: return ((const int16_t *)v->data)[i];
    case MAT_C_UINT16: return ((const uint16_t *)v->data)[i];
    case MAT_C_UINT8: return ((const uint8_t *)v->data)[i];
    default: return -1;
    }
}

static bool is_plain(const matvar_t *v) {
    return v->rank == 2 && !v->isComplex &&
           (v->class_type == MAT_C_DOUBLE || v->class_type == MAT_C_SINGLE ||
            v->class_type == MAT_C_INT32 || v->class_type == MAT_C_UINT32 ||
            v->class_type == MAT_C_INT16 || v->class_type == MAT_C_UINT16 ||
            v->class_type == MAT_C_UINT8);
}

/* Columns lie one behind the other in MATLAB. */
static int copy(const char *path, const matvar_t *v, struct labels *out) {
    if (labels_alloc(out, (int64_t)v->dims[0], (int64_t)v->dims[1])) return error_status();
    for (int64_t x = 0; x < out->w; x++)
        for (int64_t y = 0; y < out->h; y++) {
            double value = value_of(v, (size_t)(x * out->h + y));
            uint16_t whole = value >= 0 && value <= UINT16_MAX ? (uint16_t)value : 0;
            if (whole != value)
                return error_set(ERR_DATA, "%s: LabelMap: %g at row %lld, column %lld is no label",
                                 path, value, (long long)y, (long long)x);
            out->at[y * out->w + x] = whole;
        }
    return 0;
}

static int read_variable(const char *path, mat_t *mat, struct labels *out) {
    matvar_t *v = Mat_VarReadInfo(mat, "LabelMap");
    if (!v) return error_set(ERR_DATA, "%s: has no variable LabelMap", path);
    int status = 0;
    if (!is_plain(v) || v->dims[0] > IMAGE_SIDE_MAX || v->dims[1] > IMAGE_SIDE_MAX)
        status =
            error_set(ERR_DATA, "%s: LabelMap is no matrix of numbers of a picture's size", path);
    if (!status) status = image_check_size(path, (int64_t)v->dims[0], (int64_t)v->dims[1]);
    if (!status && (Mat_VarReadDataAll(mat, v) || !v->data ||
                    v->nbytes < v->dims[0] * v->dims[1] * (size_t)v->data_size))
        status = error_set(ERR_DATA, "%s: damaged MAT file: LabelMap cannot be read", path);
    if (!status) status = copy(path, v, out);
    Mat_VarFree(v);
    return status;
}

int labels_read_mat(const char *path, struct labels *out) {
    struct bytes b;
    *out = (struct labels){0};
    int status = file_read(path, MAT_BYTES_MAX, &b);
    if (!status) status = check_header(path, &b);
    bytes_free(&b);
    if (status) return status;
    mat_t *mat = Mat_Open(path, MAT_ACC_RDONLY);
    if (!mat) return error_set(ERR_DATA, "%s: damaged MAT file", path);
    status = read_variable(path, mat, out);
    Mat_Close(mat);
    if (status) labels_free(out);
    return status;
}

#else

int labels_read_mat(const char *path, struct labels *out) {
    *out = (struct labels){0};
    return error_set(ERR_DEVICE,
                     "%s: this build cannot read MAT files: install libmatio-dev and build again",
                     path);
}

#endif
