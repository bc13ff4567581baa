/* Label maps in TIFF, MAT and the full ADE20K's PNG: damage and lies. */
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "data/image.h"
#include "data/mat_labels.h"
#include "tests/test.h"

#define TREE "tests/data/sets/tree/"
#define TIFF TREE "VOCdevkit/VOC2010/annotations_detectron2/pc459_val/2008_000003.tif"
#define MAT TREE "VOCdevkit/VOC2010/trainval/"
#define SEG TREE "ADE20K_2021_17_01/images/ADE/validation/urban/street/ADE_val_00000001_seg.png"

static struct bytes load(const char *below) {
    char *path = test_source(below);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    free(path);
    return b;
}

static int read_mat(const void *data, size_t n, struct labels *out) {
    char *path = test_path("x.mat");
    CHECK_OK(file_write(path, data, n));
    int status = labels_read_mat(path, out);
    free(path);
    return status;
}

typedef int (*reader)(const void *data, size_t n, struct labels *out);

static int read_tiff(const void *data, size_t n, struct labels *out) {
    return labels_decode_tiff(data, n, "x.tif", out);
}

static int read_seg(const void *data, size_t n, struct labels *out) {
    return labels_decode_ade_full(data, n, "x_seg.png", out);
}

/* Every prefix and a change of every byte: a map, or a message and nothing left. */
static int check_damage(reader run, const struct bytes *b, size_t step) {
    int refused = 0;
    for (size_t at = 0; at < b->n; at += step)
        for (int kind = 0; kind < 3; kind++) {
            struct bytes copy = {mem_alloc(b->n + 1, 1), b->n};
            struct labels l;
            memcpy(copy.at, b->at, b->n);
            if (kind == 0) copy.n = at;
            if (kind == 1) copy.at[at] ^= 0x80;
            if (kind == 2) copy.at[at] = 0xff;
            int status = run(copy.at, copy.n, &l);
            CHECK(!status || (status == ERR_DATA && *error_message() && !l.at));
            refused += status != 0;
            error_clear();
            labels_free(&l);
            bytes_free(&copy);
        }
    return refused;
}

TEST(a_damaged_tiff_is_a_map_or_a_message) {
    struct bytes b = load(TIFF);
    CHECK(check_damage(read_tiff, &b, 1) > 100);
    bytes_free(&b);
}

TEST(a_damaged_mat_file_is_a_map_or_a_message) {
    static const char *const files[] = {MAT "2008_000002.mat", MAT "2008_000003.mat",
                                        MAT "2010_001000.mat"};
    for (int i = 0; i < 3; i++) {
        struct bytes b = load(files[i]);
        CHECK(check_damage(read_mat, &b, 7) > 20);
        bytes_free(&b);
    }
}

TEST(a_damaged_seg_png_is_a_map_or_a_message) {
    struct bytes b = load(SEG);
    CHECK(check_damage(read_seg, &b, 1) > 100);
    bytes_free(&b);
}

TEST(a_tiff_of_another_kind_is_told) {
    struct labels l;
    struct bytes b = load(TIFF);
    CHECK_ERROR(read_tiff("II*", 3, &l), ERR_DATA, "x.tif: is not a TIFF");
    /* the directory's entries of 12 bytes: tag, type, count, value */
    uint32_t at;
    memcpy(&at, b.at + 4, 4);
    for (uint8_t *e = b.at + at + 2; e + 12 <= b.at + b.n; e += 12) {
        uint16_t tag;
        uint32_t was, many = 16000;
        memcpy(&tag, e, 2);
        memcpy(&was, e + 8, 4);
        if (tag == 256 || tag == 257) { /* width, height */
            memcpy(e + 8, &many, 4);
            CHECK_ERROR(read_tiff(b.at, b.n, &l), ERR_DATA, "its sizes lie");
            memcpy(e + 8, &was, 4);
        }
        if (tag == 258) { /* bits */
            e[8] = 32;
            CHECK_ERROR(read_tiff(b.at, b.n, &l), ERR_DATA, "one whole number of 8 or 16 bits");
            memcpy(e + 8, &was, 4);
        }
    }
    /* behind the entries, their number in front: where the next page is */
    uint16_t entries;
    memcpy(&entries, b.at + at, 2);
    memcpy(b.at + at + 2 + 12 * entries, &at, 4);
    CHECK_ERROR(read_tiff(b.at, b.n, &l), ERR_DATA, "of several pages");
    bytes_free(&b);
}

/* ---- MAT files made by hand: uncompressed, little-endian ---- */

static void put_u32(struct str *s, uint32_t v) { str_put(s, &v, 4); }

static void put_element(struct str *s, uint32_t type, const void *data, uint32_t n) {
    static const char zero[8];
    put_u32(s, type);
    put_u32(s, n);
    str_put(s, data, n);
    str_put(s, zero, (8 - n % 8) % 8);
}

struct matrix {
    const char *name;
    uint32_t class, type; /* mxDOUBLE 6, mxUINT16 11; miDOUBLE 9, miUINT16 4 */
    int32_t dim[3];
    uint32_t n_dims, n_bytes; /* of the data */
    const void *data;
};

static void make_mat(struct str *file, const struct matrix *m) {
    static const char zero[124];
    struct str body = {0};
    uint32_t flags[2] = {m->class, 0};
    put_element(&body, 6, flags, 8);
    put_element(&body, 5, m->dim, 4 * m->n_dims);
    put_element(&body, 1, m->name, (uint32_t)strlen(m->name));
    put_element(&body, m->type, m->data, m->n_bytes);
    str_put(file, "MATLAB 5.0 MAT-file", 19);
    str_put(file, zero, 124 - 19);
    str_put(file, "\0\1IM", 4);
    put_element(file, 14, body.at, (uint32_t)body.n);
    str_free(&body);
}

static void check_mat(const struct matrix *m, const char *why) {
    struct str file = {0};
    struct labels l;
    make_mat(&file, m);
    if (why) {
        CHECK_ERROR(read_mat(file.at, file.n, &l), ERR_DATA, why);
    } else {
        CHECK_OK(read_mat(file.at, file.n, &l));
        labels_free(&l);
    }
    str_free(&file);
}

TEST(a_mat_file_of_another_kind_is_told) {
    static const double half[4] = {1, 2, 3.5, 4}, whole[4] = {1, 2, 3, 459};
    static const uint16_t few[4] = {1, 2, 3, 4};
    check_mat(&(struct matrix){"LabelMap", 6, 9, {2, 2}, 2, 32, whole}, NULL);
    check_mat(&(struct matrix){"LabelMap", 6, 9, {2, 2}, 2, 32, half}, "3.5 at row 0, column 1");
    check_mat(&(struct matrix){"Map", 6, 9, {2, 2}, 2, 32, whole}, "has no variable LabelMap");
    check_mat(&(struct matrix){"LabelMap", 6, 9, {2, 1, 2}, 3, 32, whole}, "no matrix of numbers");
    check_mat(&(struct matrix){"LabelMap", 4, 4, {2, 2}, 2, 8, few}, "no matrix of numbers");
    check_mat(&(struct matrix){"LabelMap", 11, 4, {4, 4}, 2, 8, few}, "its sizes lie");
    check_mat(&(struct matrix){"LabelMap", 11, 4, {9000, 9000}, 2, 8, few}, "its sizes lie");
    check_mat(&(struct matrix){"LabelMap", 11, 4, {8000, 8000}, 2, 8, few}, "its sizes lie");
    check_mat(&(struct matrix){"LabelMap", 11, 4, {-2, -2}, 2, 8, few}, "its sizes lie");
    check_mat(&(struct matrix){"LabelMap", 11, 4, {0, 0}, 2, 0, few}, "no pixels");
}

enum { MIB = 1 << 20, AROUND_VALUES = 64 }; /* bytes of a variable's other parts and tags */

/* `n` compressed variables that nobody asks for, of `size` bytes each, values zero. */
static void make_bomb(struct str *file, int n, size_t size) {
    static const char zero[124], name[] = "Other";
    size -= AROUND_VALUES;
    uint8_t *values = mem_alloc(size, 1);
    struct str body = {0}, matrix = {0};
    const uint32_t flags[2] = {9, 0};
    const int32_t sides[2] = {(int32_t)size, 1};
    put_element(&body, 6, flags, 8);
    put_element(&body, 5, sides, 8);
    put_element(&body, 1, name, 5);
    put_element(&body, 2, values, (uint32_t)size);
    put_element(&matrix, 14, body.at, (uint32_t)body.n);
    CHECK_INT(matrix.n, size + AROUND_VALUES);
    uLongf packed = compressBound(matrix.n);
    uint8_t *at = mem_alloc(packed, 1);
    CHECK_INT(compress2(at, &packed, (const uint8_t *)matrix.at, matrix.n, 9), Z_OK);
    str_put(file, "MATLAB 5.0 MAT-file", 19);
    str_put(file, zero, 124 - 19);
    str_put(file, "\0\1IM", 4);
    for (int i = 0; i < n; i++) {
        put_u32(file, 15);
        put_u32(file, (uint32_t)packed);
        str_put(file, at, packed);
    }
    free(at);
    free(values);
    str_free(&body);
    str_free(&matrix);
}

static void check_bomb(int n, size_t size, const char *why) {
    struct str file = {0};
    struct labels l;
    make_bomb(&file, n, size);
    CHECK(file.n < 1 << 18);
    CHECK_ERROR(read_mat(file.at, file.n, &l), ERR_DATA, why);
    str_free(&file);
}

TEST(variables_that_unpack_to_more_than_64_mib_together_are_refused) {
    check_bomb(3, 20 * MIB, "has no variable LabelMap");
    check_bomb(4, 20 * MIB, "its variables unpack to more than 64 MiB");
    check_bomb(1, 65 * MIB, "its variables unpack to more than 64 MiB");
    check_bomb(1, 64 * MIB, "has no variable LabelMap");
    check_bomb(2, 32 * MIB, "has no variable LabelMap");
    check_bomb(3, 32 * MIB, "its variables unpack to more than 64 MiB"); /* no room for the third */
}

/* MATLAB stores values in the narrowest type that holds them, whatever the class of the matrix. */
TEST(narrow_values_of_a_wide_matrix_are_read) {
    static const uint8_t bytes[6] = {1, 2, 3, 4, 5, 255};
    static const uint16_t shorts[6] = {1, 2, 3, 4, 5, 459};
    const struct matrix kinds[] = {{"LabelMap", 11, 2, {2, 3}, 2, 6, bytes},
                                   {"LabelMap", 6, 2, {2, 3}, 2, 6, bytes},
                                   {"LabelMap", 6, 4, {2, 3}, 2, 12, shorts},
                                   {"LabelMap", 13, 4, {2, 3}, 2, 12, shorts}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct str file = {0};
        struct labels l;
        make_mat(&file, &kinds[i]);
        CHECK_OK(read_mat(file.at, file.n, &l));
        CHECK(l.h == 2 && l.w == 3);
        CHECK_INT(l.at[1], 3); /* columns first in the file */
        CHECK_INT(l.at[3], 2);
        CHECK_INT(l.at[5], i < 2 ? 255 : 459);
        labels_free(&l);
        str_free(&file);
    }
}

TEST(mat_files_of_other_versions_are_not_opened) {
    struct labels l;
    struct bytes b = load(MAT "2008_000002.mat");
    b.at[125] = 2; /* 7.3, which is HDF5 */
    CHECK_ERROR(read_mat(b.at, b.n, &l), ERR_DATA, "another version than 5");
    b.at[0] = 0;
    CHECK_ERROR(read_mat(b.at, b.n, &l), ERR_DATA, "no MAT file of version 5");
    bytes_free(&b);
}
