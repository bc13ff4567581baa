#include "data/h5.h"

#include <fcntl.h>
#include <hdf5.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "data/h5_write.h"
#include "tests/test.h"

static void write_good(const char *path) {
    struct h5_out f;
    uint32_t numbers[6] = {1, 2, 3, 4, 5, 6};
    char *texts[] = {"a", "", "c d"};
    CHECK_OK(h5_create(&f, path, "test", 2, "cafe"));
    h5_put_text(&f, "note", "hello");
    h5_put(&f, "numbers", H5_TYPE_U32, 3, 2, numbers);
    h5_put_strings(&f, "words", texts, 3);
    CHECK_OK(h5_commit(&f));
    h5_drop(&f);
}

TEST(arrays_texts_and_attributes_come_back) {
    char *path = test_path("a.h5"), *note;
    write_good(path);
    struct h5_in f;
    CHECK_OK(h5_open(&f, path, "test", 2));
    CHECK_OK(h5_text(&f, "note", &note));
    CHECK_TEXT(note, "hello");
    free(note);
    CHECK_OK(h5_text(&f, "config", &note));
    CHECK_TEXT(note, "cafe");
    free(note);
    struct h5_array a;
    uint32_t *numbers, last;
    CHECK_OK(h5_load(&f, "numbers", H5_TYPE_U32, 3, 2, &a, &numbers));
    for (uint32_t i = 0; i < 6; i++) CHECK_INT(numbers[i], i + 1);
    CHECK_OK(h5_read(&f, &a, 5, 1, &last));
    CHECK_INT(last, 6);
    struct strings words;
    CHECK_OK(h5_load_strings(&f, "words", 3, &words));
    CHECK_TEXT(words.at[0], "a");
    CHECK_TEXT(words.at[1], "");
    CHECK_TEXT(words.at[2], "c d");
    CHECK_OK(h5_verify(&f));
    strings_free(&words);
    free(numbers);
    h5_close(&f);
    free(path);
}

TEST(a_wrong_name_type_shape_or_count_is_refused) {
    char *path = test_path("a.h5"), *text;
    write_good(path);
    struct h5_in f;
    struct h5_array a;
    struct strings words;
    CHECK_OK(h5_open(&f, path, "test", 2));
    CHECK_ERROR(h5_find(&f, "other", H5_TYPE_U32, 2, &a), ERR_DATA, "a.h5: has no array other");
    CHECK_ERROR(h5_find(&f, "numbers", H5_TYPE_F32, 2, &a), ERR_DATA, "numbers is not of the type");
    CHECK_ERROR(h5_find(&f, "numbers", H5_TYPE_U32, 3, &a), ERR_DATA, "not of the shape");
    CHECK_ERROR(h5_find(&f, "numbers", H5_TYPE_U32, 0, &a), ERR_DATA, "not of the shape");
    CHECK_ERROR(h5_load_strings(&f, "words", 4, &words), ERR_DATA, "as many rows");
    CHECK_ERROR(h5_text(&f, "none", &text), ERR_DATA, "attribute none");
    h5_close(&f);
    free(path);
}

TEST(another_format_and_a_newer_version_are_refused_by_name) {
    char *path = test_path("a.h5");
    write_good(path);
    struct h5_in f;
    CHECK_ERROR(h5_open(&f, path, "pairs", 2), ERR_DATA, "is a file of format \"test\"");
    CHECK_ERROR(h5_open(&f, path, "test", 1), ERR_DATA,
                "version 2 of format \"test\"; this program knows 1: use a newer ovseg");
    free(path);
}

TEST(a_file_is_what_hdf5_tools_call_a_file) {
    char *path = test_path("a.h5");
    write_good(path);
    CHECK(H5Fis_hdf5(path) > 0);
    hid_t f = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t d = H5Dopen2(f, "numbers", H5P_DEFAULT);
    uint32_t numbers[6];
    CHECK(H5Dread(d, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
    CHECK_INT(numbers[5], 6);
    H5Dclose(d);
    H5Fclose(f);
    free(path);
}

TEST(equal_contents_are_equal_bytes_and_order_does_not_change_the_hash) {
    char *paths[2] = {test_path("a.h5"), test_path("b.h5")};
    uint64_t hash[2];
    for (int k = 0; k < 2; k++) {
        struct h5_out f;
        uint8_t x = 7, y = 9;
        CHECK_OK(h5_create(&f, paths[k], "test", 1, ""));
        h5_put(&f, k ? "y" : "x", H5_TYPE_U8, 1, 0, k ? &y : &x);
        h5_put(&f, k ? "x" : "y", H5_TYPE_U8, 1, 0, k ? &x : &y);
        CHECK_OK(h5_commit(&f));
        h5_drop(&f);
        struct h5_in in;
        CHECK_OK(h5_open(&in, paths[k], "test", 1));
        hash[k] = in.hash;
        CHECK_OK(h5_verify(&in));
        h5_close(&in);
    }
    CHECK(hash[0] == hash[1]);
    struct bytes a, b;
    write_good(paths[0]);
    nanosleep(&(struct timespec){1, 100000000},
              NULL); /* HDF5's times have a resolution of a second */
    write_good(paths[1]);
    CHECK_OK(file_read(paths[0], 1 << 20, &a));
    CHECK_OK(file_read(paths[1], 1 << 20, &b));
    CHECK_INT(a.n, b.n);
    CHECK(!memcmp(a.at, b.at, a.n));
    bytes_free(&a);
    bytes_free(&b);
    free(paths[0]);
    free(paths[1]);
}

TEST(an_array_in_parts_is_the_array) {
    enum { ROWS = 100000 };
    char *paths[2] = {test_path("a.h5"), test_path("b.h5")};
    uint32_t *x = mem_alloc(3 * ROWS, sizeof *x);
    struct bytes file[2];
    for (uint32_t i = 0; i < 3 * ROWS; i++) x[i] = i * 7;
    for (int k = 0; k < 2; k++) {
        struct h5_out f;
        struct h5_part p, empty;
        CHECK_OK(h5_create(&f, paths[k], "test", 1, ""));
        if (k) {
            h5_begin(&f, &p, "x", H5_TYPE_U32, ROWS, 3);
            for (uint64_t at = 0, n; at < ROWS; at += n) { /* 1, 2, 4, ... rows */
                n = at + 1 < ROWS - at ? at + 1 : ROWS - at;
                h5_add(&f, &p, x + 3 * at, n);
            }
            h5_end(&f, &p);
            h5_begin(&f, &empty, "none", H5_TYPE_U16, 0, 0);
            h5_end(&f, &empty);
        } else {
            h5_put(&f, "x", H5_TYPE_U32, ROWS, 3, x);
            h5_put(&f, "none", H5_TYPE_U16, 0, 0, x);
        }
        CHECK_OK(h5_commit(&f));
        h5_drop(&f);
        CHECK_OK(file_read(paths[k], 1 << 24, &file[k]));
    }
    CHECK_INT(file[0].n, file[1].n);
    CHECK(!memcmp(file[0].at, file[1].at, file[0].n));
    for (int k = 0; k < 2; k++) {
        bytes_free(&file[k]);
        free(paths[k]);
    }
    free(x);
}

TEST(damage_in_bulk_bytes_is_left_to_verify) {
    char *path = test_path("a.h5");
    struct h5_out out;
    struct h5_in f;
    struct h5_array a;
    size_t n = 3 << 20;
    uint8_t *data = mem_alloc(n, 1), seven = 7;
    CHECK_OK(h5_create(&out, path, "test", 1, ""));
    h5_put(&out, "bulk", H5_TYPE_U8, n, 0, data);
    CHECK_OK(h5_commit(&out));
    h5_drop(&out);
    CHECK_OK(h5_open(&f, path, "test", 1));
    CHECK_OK(h5_find(&f, "bulk", H5_TYPE_U8, 0, &a));
    CHECK_OK(h5_verify(&f));
    int fd = open(path, O_WRONLY);
    CHECK_INT(pwrite(fd, &seven, 1, (off_t)(a.at + n / 2)), 1);
    close(fd);
    h5_close(&f);
    CHECK_OK(h5_open(&f, path, "test", 1));
    CHECK_ERROR(h5_verify(&f), ERR_DATA, "a.h5: damaged");
    h5_close(&f);
    free(data);
    free(path);
}

TEST(a_spool_becomes_an_array_and_leaves_no_file) {
    char *path = test_path("a.h5");
    struct spool s;
    struct h5_out out;
    struct h5_in f;
    char piece[1000];
    CHECK_OK(spool_open(&s, path));
    for (int i = 0; i < 2500; i++) {
        memset(piece, i % 251, sizeof piece);
        CHECK_OK(spool_put(&s, piece, sizeof piece));
    }
    CHECK_OK(h5_create(&out, path, "test", 1, ""));
    h5_put_spool(&out, "bytes", &s);
    CHECK_OK(h5_commit(&out));
    h5_drop(&out);
    spool_close(&s);
    uint8_t *back;
    CHECK_OK(h5_open(&f, path, "test", 1));
    CHECK_OK(h5_verify(&f));
    CHECK_OK(h5_load(&f, "bytes", H5_TYPE_U8, 2500 * 1000, 0, NULL, &back));
    for (int i = 0; i < 2500; i++) CHECK_INT(back[i * 1000 + 500], i % 251);
    free(back);
    h5_close(&f);
    struct strings left;
    CHECK_OK(dir_list(test_dir(), &left));
    CHECK_INT(left.n, 1);
    strings_free(&left);
    free(path);
}

/* ---- files that our writer does not make, under a valid user block ---- */

static hid_t odd_create(const char *path) {
    struct h5_out f;
    CHECK_OK(h5_create(&f, path, "test", 1, ""));
    CHECK_OK(h5_commit(&f));
    h5_drop(&f);
    return H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
}

static void odd_close(hid_t f, const char *path) {
    H5Fclose(f);
    CHECK_OK(h5_seal(path, 0, NULL, 0));
}

static void check_refused(const char *path, const char *why) {
    struct h5_in f;
    struct h5_array a;
    CHECK_OK(h5_open(&f, path, "test", 1));
    CHECK_ERROR(h5_find(&f, "x", H5_TYPE_U8, 0, &a), ERR_DATA, why);
    h5_close(&f);
}

static void odd_array(const char *path, hid_t plist, hsize_t n) {
    hid_t f = odd_create(path), space = H5Screate_simple(1, &n, NULL);
    H5Dclose(H5Dcreate2(f, "x", H5T_STD_U8LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Sclose(space);
    H5Pclose(plist);
    odd_close(f, path);
}

TEST(chunked_filtered_and_compact_arrays_are_refused) {
    char *path = test_path("a.h5");
    hsize_t chunk = 4;
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &chunk);
    odd_array(path, plist, 16);
    check_refused(path, "array x is not contiguous");
    plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &chunk);
    H5Pset_deflate(plist, 6);
    odd_array(path, plist, 16);
    check_refused(path, "array x is not contiguous");
    plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(plist, H5D_COMPACT);
    odd_array(path, plist, 16);
    check_refused(path, "array x is not contiguous");
    free(path);
}

TEST(data_in_another_file_is_refused) {
    char *path = test_path("a.h5"), *secret = test_path("secret");
    CHECK_OK(file_write(secret, "0123456789abcdef", 16));
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plist, secret, 0, 16);
    odd_array(path, plist, 16);
    check_refused(path, "keeps its data in another file");
    free(path);
    free(secret);
}

TEST(links_out_of_the_file_and_soft_links_are_refused) {
    char *path = test_path("a.h5"), *other = test_path("b.h5");
    write_good(other);
    hid_t f = odd_create(path);
    H5Lcreate_external(other, "/numbers", f, "x", H5P_DEFAULT, H5P_DEFAULT);
    odd_close(f, path);
    check_refused(path, "array x is a link to elsewhere");
    f = odd_create(path);
    H5Lcreate_soft("/nowhere", f, "x", H5P_DEFAULT, H5P_DEFAULT);
    odd_close(f, path);
    check_refused(path, "array x is a link to elsewhere");
    free(path);
    free(other);
}

TEST(arrays_larger_than_the_file_are_refused_before_memory_is_taken) {
    char *path = test_path("a.h5");
    odd_array(path, H5Pcreate(H5P_DATASET_CREATE), (hsize_t)1 << 40);
    check_refused(path, "is larger than the file");
    hsize_t dims[2] = {(hsize_t)1 << 30, (hsize_t)1 << 29};
    hid_t f = odd_create(path), space = H5Screate_simple(2, dims, NULL);
    H5Dclose(H5Dcreate2(f, "x", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    odd_close(f, path);
    check_refused(path, "is larger than the file");
    odd_array(path, H5Pcreate(H5P_DATASET_CREATE), 16); /* never written: no room was taken */
    check_refused(path, "lies outside the file");
    free(path);
}

TEST(other_types_axes_and_objects_are_refused) {
    char *path = test_path("a.h5");
    hsize_t dims[3] = {2, 2, 2};
    hid_t f = odd_create(path), space = H5Screate_simple(3, dims, NULL);
    H5Dclose(H5Dcreate2(f, "x", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    odd_close(f, path);
    check_refused(path, "neither one axis nor two");
    f = odd_create(path);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Dclose(H5Dcreate2(f, "x", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Tclose(type);
    H5Sclose(space);
    odd_close(f, path);
    check_refused(path, "has a type that is not read");
    f = odd_create(path);
    H5Gclose(H5Gcreate2(f, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    odd_close(f, path);
    check_refused(path, "cannot open the array x");
    free(path);
}

TEST(offsets_that_fall_or_end_early_are_refused) {
    char *path = test_path("a.h5");
    uint64_t good[] = {0, 2, 5}, fall[] = {0, 6, 5}, early[] = {0, 2, 4}, late[] = {1, 2, 5}, *at;
    struct h5_out out;
    CHECK_OK(h5_create(&out, path, "test", 1, ""));
    h5_put(&out, "good", H5_TYPE_U64, 3, 0, good);
    h5_put(&out, "fall", H5_TYPE_U64, 3, 0, fall);
    h5_put(&out, "early", H5_TYPE_U64, 3, 0, early);
    h5_put(&out, "late", H5_TYPE_U64, 3, 0, late);
    CHECK_OK(h5_commit(&out));
    h5_drop(&out);
    struct h5_in f;
    CHECK_OK(h5_open(&f, path, "test", 1));
    CHECK_OK(h5_load_offsets(&f, "good", 2, 5, &at));
    free(at);
    CHECK_ERROR(h5_load_offsets(&f, "fall", 2, 5, &at), ERR_DATA,
                "array fall does not hold rising");
    CHECK_ERROR(h5_load_offsets(&f, "early", 2, 5, &at), ERR_DATA, "array early does not");
    CHECK_ERROR(h5_load_offsets(&f, "late", 2, 5, &at), ERR_DATA, "array late does not");
    CHECK_ERROR(h5_load_offsets(&f, "good", 3, 5, &at), ERR_DATA, "as many rows");
    h5_close(&f);
    free(path);
}

TEST(a_folder_that_cannot_be_written_is_an_io_error_and_a_kept_file) {
    struct h5_out f;
    char *path = test_path("none/a.h5"), *kept = test_path("kept.h5");
    CHECK_ERROR(h5_create(&f, path, "test", 1, ""), ERR_IO, "none/a.h5: cannot create");
    h5_drop(&f);
    write_good(kept);
    uint64_t before, after;
    CHECK_OK(hash_file(kept, &before));
    CHECK_OK(h5_create(&f, kept, "test", 1, ""));
    h5_drop(&f); /* not committed */
    CHECK_OK(hash_file(kept, &after));
    CHECK(before == after);
    free(path);
    free(kept);
}
