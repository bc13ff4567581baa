#include "checkpoints/zip_out.h"

#include <unistd.h>
#include <zlib.h>

#include "checkpoints/zip.h"
#include "tests/test.h"

static void open_zip(struct zip *z, struct input *in, const char *path) {
    CHECK_OK(input_open(in, path));
    CHECK_OK(zip_open(z, in));
}

static void check_entry(const struct zip *z, const struct input *in, const char *name,
                        const char *data) {
    char found[64] = {0};
    const struct zip_entry *e = zip_find(z, name);
    CHECK(e && e->stored);
    CHECK_INT(e->bytes, strlen(data));
    CHECK_INT(e->data % ZIP_ALIGN, 0);
    CHECK_OK(zip_check(in, e));
    CHECK_OK(input_read(in, e->data, found, (size_t)e->bytes));
    CHECK_TEXT(found, data);
}

TEST(entries_are_stored_aligned_with_their_sum) {
    static const char *const names[] = {"a", "a/longer/name", "b", "a/y", "empty"};
    static const char *const data[] = {"hello", "x", "0123456789012345678901234567890123456789",
                                       "abc", ""};
    char *path = test_path("x.zip");
    struct zip_out w;
    struct zip z;
    struct input in;
    CHECK_OK(zip_out_open(&w, path));
    for (int i = 0; i < 5; i++) CHECK_OK(zip_out_add(&w, names[i], data[i], strlen(data[i])));
    CHECK_OK(zip_out_commit(&w));
    zip_out_close(&w);
    open_zip(&z, &in, path);
    CHECK_INT(z.n, 5);
    for (int i = 0; i < 5; i++) check_entry(&z, &in, names[i], data[i]);
    zip_close(&z);
    input_close(&in);
    free(path);
}

TEST(an_entry_in_pieces_is_that_of_one_piece) {
    char *path[2] = {test_path("a.zip"), test_path("b.zip")};
    struct bytes file[2];
    for (int i = 0; i < 2; i++) {
        struct zip_out w;
        CHECK_OK(zip_out_open(&w, path[i]));
        if (i) {
            CHECK_OK(zip_out_add(&w, "x", "hello", 5));
        } else {
            CHECK_OK(zip_out_entry(&w, "x", 5, (uint32_t)crc32(0, (const Bytef *)"hello", 5)));
            CHECK_OK(zip_out_put(&w, "hel", 3));
            CHECK_OK(zip_out_put(&w, "lo", 2));
        }
        CHECK_OK(zip_out_commit(&w));
        zip_out_close(&w);
        CHECK_OK(file_read(path[i], 1 << 20, &file[i]));
        free(path[i]);
    }
    CHECK(file[0].n == file[1].n && memcmp(file[0].at, file[1].at, file[0].n) == 0);
    bytes_free(&file[0]);
    bytes_free(&file[1]);
}

/* An entry whose data is a hole in the file: as if it had been put. */
static void put_hole(struct zip_out *w, const char *name, uint64_t bytes) {
    CHECK_OK(zip_out_entry(w, name, bytes, 0));
    CHECK(lseek(w->file.fd, (off_t)bytes, SEEK_CUR) > 0);
    w->file.written += bytes;
    w->left = 0;
}

TEST(sizes_and_places_of_more_than_32_bits_are_kept) {
    /* The last two put the entry behind at the first place that 32 bits do not hold, and right in
     * front of it. */
    static const uint64_t sizes[] = {UINT32_MAX - 1, UINT32_MAX, (uint64_t)5 << 30,
                                     UINT32_MAX - 2 * ZIP_ALIGN, UINT32_MAX - 2 * ZIP_ALIGN - 1};
    for (int i = 0; i < 5; i++) {
        char *path = test_path("large.zip");
        struct zip_out w;
        struct zip z;
        struct input in;
        CHECK_OK(zip_out_open(&w, path));
        CHECK_OK(zip_out_add(&w, "front", "hello", 5));
        put_hole(&w, "hole", sizes[i]);
        CHECK_OK(zip_out_add(&w, "behind", "there", 5));
        CHECK_OK(zip_out_commit(&w));
        zip_out_close(&w);
        open_zip(&z, &in, path);
        CHECK_INT(zip_find(&z, "hole")->bytes, sizes[i]);
        if (i > 2) CHECK_INT(zip_find(&z, "behind")->header, UINT32_MAX - (uint64_t)(i - 3));
        check_entry(&z, &in, "front", "hello");
        check_entry(&z, &in, "behind", "there");
        zip_close(&z);
        input_close(&in);
        CHECK_OK(file_remove(path));
        free(path);
    }
}

TEST(an_archive_that_is_not_committed_leaves_nothing) {
    char *path = test_path("x.zip");
    struct zip_out w;
    struct strings names;
    CHECK_OK(zip_out_open(&w, path));
    CHECK_OK(zip_out_add(&w, "x", "hello", 5));
    zip_out_close(&w);
    CHECK_OK(dir_list(test_dir(), &names));
    CHECK_INT(names.n, 0);
    strings_free(&names);
    free(path);
}
