#include "data/mat_labels.h"

#include "base/error.h"

#ifdef OVSEG_MATIO

#include <matio.h>

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/image_internal.h"

enum { MAT_BYTES_MAX = 16 << 20, HEADER = 128, DEFLATE_RATIO_MAX = 1032 };

/* The library opens versions 4 and 7.3 (HDF5), too, which nobody needs to read here. */
static int check_header(const char *path, const struct bytes *b) {
    const uint8_t *v = b->at + 124;
    if (b->n < HEADER || memcmp(b->at, "MATLAB 5.0 MAT-file", 19) != 0)
        return error_set(ERR_DATA, "%s: is no MAT file of version 5", path);
    bool little = v[2] == 'I' && v[3] == 'M' && v[1] == 1, big = v[2] == 'M' && v[3] == 'I';
    if (!little && !(big && v[0] == 1))
        return error_set(ERR_DATA, "%s: is a MAT file of another version than 5; save it with -v7",
                         path);
    return 0;
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

static int read_variable(const char *path, mat_t *mat, size_t file_bytes, struct labels *out) {
    matvar_t *v = Mat_VarReadInfo(mat, "LabelMap");
    if (!v) return error_set(ERR_DATA, "%s: has no variable LabelMap", path);
    int status = 0;
    if (!is_plain(v) || v->dims[0] > IMAGE_SIDE_MAX || v->dims[1] > IMAGE_SIDE_MAX)
        status =
            error_set(ERR_DATA, "%s: LabelMap is no matrix of numbers of a picture's size", path);
    if (!status) status = image_check_size(path, (int64_t)v->dims[0], (int64_t)v->dims[1]);
    if (!status && v->dims[0] * v->dims[1] / DEFLATE_RATIO_MAX > file_bytes)
        status = error_set(ERR_DATA, "%s: LabelMap claims %zu x %zu values in %zu bytes", path,
                           v->dims[0], v->dims[1], file_bytes);
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
    size_t n = b.n;
    if (!status) status = check_header(path, &b);
    bytes_free(&b);
    if (status) return status;
    mat_t *mat = Mat_Open(path, MAT_ACC_RDONLY);
    if (!mat) return error_set(ERR_DATA, "%s: damaged MAT file", path);
    status = read_variable(path, mat, n, out);
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
