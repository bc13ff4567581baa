#include "data/set.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "data/dataset_cache.h"
#include "tests/test.h"

enum { N = 12, CLASSES = 3 };

static char *names[CLASSES] = {"sky", "grass", "cat"};
static const bool seen[CLASSES] = {true, true, false};
static char *captions[] = {"a cat", "grass and sky", "a cat on the grass"};

static void make_image(int64_t i, struct image *im, struct labels *l) {
    struct rng r = rng_stream(1, "test", (uint64_t)i);
    CHECK_OK(image_alloc(im, 10 + i, 7, 3));
    CHECK_OK(labels_alloc(l, 10 + i, 7));
    for (int64_t p = 0; p < im->h * im->w * 3; p++) im->at[p] = (uint8_t)rng_below(&r, 256);
    for (int64_t p = 0; p < l->h * l->w; p++) {
        int64_t v = rng_below(&r, CLASSES + 1);
        l->at[p] = v == CLASSES ? 255 : (uint16_t)v;
    }
}

/* Image i has i % 4 captions; image 3 has no labels. */
static void write_set(const char *path, int64_t n) {
    struct set_writer w;
    struct set_info info = {names, seen, CLASSES, 255, "0123456789abcdef"};
    CHECK_OK(set_create(&w, path, &info));
    int64_t caption_id[] = {70, 71, 72};
    for (int64_t i = 0; i < n; i++) {
        struct image im;
        struct labels l;
        struct bytes png;
        make_image(i, &im, &l);
        CHECK_OK(image_encode_png(&im, &png));
        struct set_item item = {.id = 100 - i,
                                .h = im.h,
                                .w = im.w,
                                .bytes = png.at,
                                .n = png.n,
                                .labels = i == 3 ? NULL : &l,
                                .caption = captions,
                                .caption_id = caption_id,
                                .n_captions = i % 4};
        CHECK_OK(set_add(&w, &item));
        bytes_free(&png);
        image_free(&im);
        labels_free(&l);
    }
    CHECK_OK(set_finish(&w));
    set_drop(&w);
}

static void check_set(const struct dataset *d, int64_t n) {
    CHECK_INT(d->n_images, n);
    CHECK_INT(d->n_classes, CLASSES);
    CHECK(d->has_labels);
    CHECK_INT(d->ignore, 255);
    CHECK_TEXT(d->class_name[2], "cat");
    CHECK(d->class_seen[1] && !d->class_seen[2]);
    for (int64_t i = 0; i < n; i++) {
        struct image want, im;
        struct labels lwant, l;
        make_image(i, &want, &lwant);
        CHECK_INT(d->image_id[i], 100 - i);
        CHECK_OK(d->source->image(d, i, &im));
        CHECK_INT(im.h, want.h);
        CHECK_INT(im.w, want.w);
        CHECK(!memcmp(im.at, want.at, (size_t)(im.h * im.w * 3)));
        if (i == 3) {
            CHECK_ERROR(d->source->labels(d, i, &l), ERR_MISSING, "image 97: has no labels");
        } else {
            CHECK_OK(d->source->labels(d, i, &l));
            CHECK(!memcmp(l.at, lwant.at, (size_t)(l.h * l.w) * 2));
            labels_free(&l);
        }
        CHECK_INT(d->caption_at[i + 1] - d->caption_at[i], i % 4);
        for (int64_t k = 0; k < i % 4; k++) {
            CHECK_TEXT(d->caption[d->caption_at[i] + k], captions[k]);
            CHECK_INT(d->caption_id[d->caption_at[i] + k], 70 + k);
        }
        image_free(&im);
        image_free(&want);
        labels_free(&lwant);
    }
}

TEST(a_set_reads_back_as_it_was_written) {
    char *path = test_path("a.h5");
    struct dataset d;
    write_set(path, N);
    CHECK_OK(set_open(&d, path));
    check_set(&d, N);
    dataset_close(&d);
    free(path);
}

TEST(a_cached_set_gives_the_same_samples) {
    char *path = test_path("a.h5");
    struct dataset d;
    write_set(path, N);
    CHECK_OK(set_open(&d, path));
    CHECK(!dataset_cache(&d, 0));
    CHECK(dataset_cache(&d, 1));
    check_set(&d, N);
    dataset_close(&d);
    free(path);
}

TEST(a_set_larger_than_the_cache_stays_on_disk) {
    char *path = test_path("big.h5");
    struct set_writer w;
    struct set_info info = {names, seen, CLASSES, 255, ""};
    struct image im;
    struct bytes png;
    CHECK_OK(image_alloc(&im, 700, 700, 3)); /* 1.4 MiB decoded, a few KiB in the file */
    CHECK_OK(image_encode_png(&im, &png));
    CHECK_OK(set_create(&w, path, &info));
    struct set_item item = {.id = 1, .h = 700, .w = 700, .bytes = png.at, .n = png.n};
    CHECK_OK(set_add(&w, &item));
    CHECK_OK(set_finish(&w));
    set_drop(&w);
    struct dataset d;
    CHECK_OK(set_open(&d, path));
    CHECK(!d.has_labels);
    const struct dataset_source *source = d.source;
    CHECK(!dataset_cache(&d, 1));
    CHECK(d.source == source);
    CHECK(dataset_cache(&d, 2));
    CHECK(d.source != source);
    dataset_close(&d);
    bytes_free(&png);
    image_free(&im);
    free(path);
}

TEST(an_empty_set_is_a_set) {
    char *path = test_path("empty.h5");
    struct dataset d;
    write_set(path, 0);
    CHECK_OK(set_open(&d, path));
    CHECK_INT(d.n_images, 0);
    CHECK_INT(d.n_captions, 0);
    dataset_close(&d);
    free(path);
}

TEST(equal_sets_are_equal_files) {
    char *a = test_path("a.h5"), *b = test_path("b.h5");
    write_set(a, N);
    write_set(b, N);
    struct bytes x, y;
    CHECK_OK(file_read(a, 1 << 24, &x));
    CHECK_OK(file_read(b, 1 << 24, &y));
    CHECK_INT(x.n, y.n);
    CHECK(!memcmp(x.at, y.at, x.n));
    write_set(b, N - 1);
    struct dataset d, e;
    CHECK_OK(set_open(&d, a));
    CHECK_OK(set_open(&e, b));
    CHECK(d.hash != e.hash);
    dataset_close(&d);
    dataset_close(&e);
    bytes_free(&x);
    bytes_free(&y);
    free(a);
    free(b);
}

TEST(a_set_that_was_not_finished_leaves_nothing) {
    char *path = test_path("a.h5");
    struct set_writer w;
    struct set_info info = {names, seen, CLASSES, 255, ""};
    CHECK_OK(set_create(&w, path, &info));
    set_drop(&w);
    struct strings left;
    CHECK_OK(dir_list(test_dir(), &left));
    CHECK_INT(left.n, 0);
    strings_free(&left);
    free(path);
}

/* Reads what can be read; anything but the right contents must be an error of this file. */
static void open_damaged(const char *path, const struct bytes *good, size_t at) {
    struct dataset d;
    int status = set_open(&d, path);
    if (!status) test_fail(__FILE__, __LINE__, "byte %zu of %zu: accepted", at, good->n);
    CHECK_INT(status, ERR_DATA);
    CHECK_HAS(error_message(), path);
    error_clear();
}

TEST(a_truncated_set_is_refused_by_name) {
    char *path = test_path("a.h5");
    struct bytes good;
    write_set(path, N);
    CHECK_OK(file_read(path, 1 << 24, &good));
    for (size_t n = 0; n < good.n; n += 1 + n / 40) {
        CHECK_OK(file_write(path, good.at, n));
        open_damaged(path, &good, n);
    }
    bytes_free(&good);
    free(path);
}

TEST(a_set_with_any_byte_changed_is_refused_by_name) {
    char *path = test_path("a.h5");
    struct bytes good;
    write_set(path, N);
    CHECK_OK(file_read(path, 1 << 24, &good));
    int fd = open(path, O_WRONLY); /* in place: thousands of file_write would wait for the disk */
    for (size_t at = 0; at < good.n; at += at < 2200 ? 1 : 97) {
        uint8_t bad = good.at[at] ^ 0x41;
        CHECK_INT(pwrite(fd, &bad, 1, (off_t)at), 1);
        open_damaged(path, &good, at);
        CHECK_INT(pwrite(fd, good.at + at, 1, (off_t)at), 1);
    }
    close(fd);
    bytes_free(&good);
    free(path);
}

TEST(damaged_pixels_and_labels_are_errors_of_their_image_alone) {
    char *path = test_path("a.h5");
    struct set_writer w;
    struct set_info info = {names, seen, CLASSES, 255, ""};
    struct labels l;
    CHECK_OK(labels_alloc(&l, 4, 4));
    CHECK_OK(set_create(&w, path, &info));
    struct set_item item = {.id = 9, .h = 4, .w = 4, .bytes = "junk", .n = 4, .labels = &l};
    CHECK_OK(set_add(&w, &item));
    CHECK_OK(set_finish(&w));
    set_drop(&w);
    labels_free(&l);
    struct dataset d;
    struct image im;
    CHECK_OK(set_open(&d, path));
    CHECK_ERROR(d.source->image(&d, 0, &im), ERR_DATA, "a.h5: image 9");
    CHECK(dataset_cache(&d, 1));
    CHECK_ERROR(d.source->image(&d, 0, &im), ERR_DATA, "a.h5: image 9");
    CHECK_OK(d.source->labels(&d, 0, &l));
    labels_free(&l);
    dataset_close(&d);
    free(path);
}

TEST(a_missing_set_and_a_file_of_something_else_are_told_apart) {
    char *path = test_path("no.h5");
    struct dataset d;
    CHECK_ERROR(set_open(&d, path), ERR_MISSING, "no.h5");
    struct str s = {0};
    for (int i = 0; i < 100; i++) str_add(&s, "these are words\n");
    CHECK_OK(file_write(path, s.at, s.n));
    CHECK_ERROR(set_open(&d, path), ERR_DATA, "not an HDF5 file written by ovseg");
    CHECK_ERROR(set_open(&d, test_dir()), ERR_MISSING, "is not a file");
    str_free(&s);
    free(path);
}
