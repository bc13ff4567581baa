#include "data/set_prepare.h"

#include <fcntl.h>
#include <omp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/set.h"
#include "data/set_check.h"
#include "data/set_index.h"
#include "tests/unit/folder_made.h"

static void damage(const char *folder, const char *name, const char *text) {
    write_in(folder, name, &(struct bytes){(uint8_t *)text, strlen(text)});
}

/* ---- the same bytes ---- */

static int calls_left;

static int stop_later(void) { return calls_left-- > 0 ? 0 : error_set(ERR_AGAIN, "stopped"); }

TEST(a_stopped_call_goes_on_to_the_same_bytes) {
    struct set_prepare p = {.drop_empty = true};
    write_folder(N);
    CHECK_OK(prepare_to(&p, "whole.h5"));
    CHECK_INT(p.n + p.empty, N);
    CHECK_INT(p.empty, 2);
    for (int stops = 0; stops < 5; stops++) { /* after each block, and while they are joined */
        struct set_prepare part = {.drop_empty = true, .stop = stop_later};
        calls_left = stops;
        CHECK_ERROR(prepare_to(&part, "part.h5"), ERR_AGAIN, "stopped");
        struct set_prepare again = {.drop_empty = true};
        CHECK_OK(prepare_to(&again, "part.h5"));
        CHECK_INT(again.n, p.n);
        CHECK_INT(again.empty, p.empty);
        CHECK(hash_of("part.h5") == hash_of("whole.h5"));
    }
    char *work = test_path("part.h5.part");
    CHECK(!dir_exists(work));
    free(work);
}

TEST(any_number_of_threads_gives_the_same_bytes) {
    struct set_prepare one = {.drop_empty = true}, three = {.drop_empty = true};
    write_folder(N);
    CHECK_OK(prepare_to(&one, "one.h5"));
    omp_set_num_threads(3);
    CHECK_OK(prepare_to(&three, "three.h5"));
    omp_set_num_threads(1);
    CHECK(hash_of("one.h5") == hash_of("three.h5"));
}

TEST(a_damaged_block_and_one_of_other_files_are_made_anew) {
    struct set_prepare p = {.drop_empty = true}, part = {.drop_empty = true, .stop = stop_later};
    char *block = test_path("set.h5.part/blocks/000000.h5");
    write_folder(N);
    CHECK_OK(prepare_to(&p, "whole.h5"));
    calls_left = 1;
    CHECK_ERROR(prepare_to(&part, "set.h5"), ERR_AGAIN, "stopped");
    struct bytes b;
    CHECK_OK(file_read(block, 1 << 24, &b));
    b.at[b.n / 2] ^= 1;
    CHECK_OK(file_write(block, b.at, b.n));
    bytes_free(&b);
    struct set_prepare again = {.drop_empty = true};
    CHECK_OK(prepare_to(&again, "set.h5"));
    CHECK(hash_of("set.h5") == hash_of("whole.h5"));
    /* another map of the same size in bytes: what was made of the old one is dropped */
    struct set_prepare changed = {.drop_empty = true, .stop = stop_later};
    calls_left = 1;
    CHECK_ERROR(prepare_to(&changed, "set.h5"), ERR_AGAIN, "stopped");
    write_map("p0000.png", SIDE, SIDE, 1);
    struct set_prepare anew = {.drop_empty = true};
    CHECK_OK(prepare_to(&anew, "set.h5"));
    CHECK(hash_of("set.h5") != hash_of("whole.h5"));
    struct set_prepare other = {.drop_empty = true, .stop = stop_later};
    calls_left = 1;
    CHECK_ERROR(prepare_to(&other, "set.h5"), ERR_AGAIN, "stopped");
    struct set_prepare all = {.drop_empty = false}; /* another plan */
    CHECK_OK(prepare_to(&all, "set.h5"));
    CHECK_INT(all.n, N);
    free(block);
}

/* ---- damage ---- */

TEST(damaged_files_are_named_counted_and_left_out_or_fatal) {
    write_folder(N);
    damage("images", "p0003.png", "not a picture");
    damage("masks", "p0010.png", "");
    write_map("p0011.png", 4, 4, 1); /* of another size */
    struct set_prepare skip = {.drop_empty = true};
    CHECK_OK(prepare_to(&skip, "skip.h5"));
    CHECK_INT(skip.damaged, 3);
    CHECK_INT(skip.n, N - 3 - skip.empty);
    CHECK_HAS(skip.what.at[0], "p0003.png: is not an image");
    CHECK_HAS(skip.what.at[1], "p0010.png: is not a PNG");
    CHECK_HAS(skip.what.at[2], "p0011.png: the picture is 6 x 8, its label map 4 x 4");
    struct set_prepare stop = {.drop_empty = true, .stop_on_damage = true};
    CHECK_ERROR(prepare_to(&stop, "stop.h5"), ERR_DATA, "p0003.png");
    struct dataset d;
    char *path = test_path("skip.h5");
    CHECK_OK(set_open(&d, path));
    CHECK_INT(d.image_id[2], 2);
    CHECK_INT(d.image_id[3], 4); /* the others are as they were */
    dataset_close(&d);
    set_prepare_free(&skip);
    set_prepare_free(&stop);
    free(path);
}

static void copy_golden(const char *to, const char *golden) {
    char *from = mem_format("tests/golden/images/%s", golden), *path = test_source(from);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    write_in("images", to, &b);
    bytes_free(&b);
    free(from);
    free(path);
}

TEST(a_png_is_as_large_as_exif_turns_it_and_grey_of_16_bits_is_damage) {
    write_folder(3);
    copy_golden("p0000.png", "exif6.png");
    write_map("p0000.png", 34, 21, 1);
    copy_golden("p0001.png", "grey16.png");
    write_map("p0001.png", 21, 34, 1);
    struct set_prepare p = {0};
    struct dataset d;
    struct image im;
    CHECK_OK(prepare_to(&p, "set.h5"));
    CHECK_INT(p.damaged, 1);
    CHECK_HAS(p.what.at[0], "p0001.png: is grey of 16 bits");
    char *path = test_path("set.h5");
    CHECK_OK(set_open(&d, path));
    CHECK(d.size[0] == 34 && d.size[1] == 21);
    CHECK_OK(d.source->image(&d, 0, &im)); /* which compares */
    image_free(&im);
    dataset_close(&d);
    set_prepare_free(&p);
    free(path);
}

TEST(what_was_skipped_is_told_again_after_a_stop) {
    write_folder(N);
    damage("images", "p0003.png", "not a picture");
    struct set_prepare p = {.stop = stop_later};
    calls_left = 1;
    CHECK_ERROR(prepare_to(&p, "set.h5"), ERR_AGAIN, "stopped");
    struct set_prepare again = {0};
    CHECK_OK(prepare_to(&again, "set.h5"));
    CHECK_INT(again.damaged, 1);
    CHECK_HAS(again.what.at[0], "p0003.png");
    set_prepare_free(&p);
    set_prepare_free(&again);
}

TEST(what_was_done_before_damage_is_kept_when_damage_may_be_skipped) {
    write_folder(N);
    damage("images", "p0012.png", "not a picture");
    struct set_prepare stop = {.stop_on_damage = true}, skip = {0},
                       again = {.stop_on_damage = true};
    CHECK_ERROR(prepare_to(&stop, "set.h5"), ERR_DATA, "p0012.png");
    char *block = test_path("set.h5.part/blocks/000000.h5"), *mark = test_path("mark");
    CHECK(link(block, mark) == 0); /* the same file for as long as it is not made anew */
    skip.stop = stop_later;
    calls_left = 1;
    CHECK_ERROR(prepare_to(&skip, "set.h5"), ERR_AGAIN, "stopped");
    struct stat a, b;
    CHECK(stat(block, &a) == 0 && stat(mark, &b) == 0);
    CHECK(a.st_ino == b.st_ino);
    CHECK_ERROR(prepare_to(&again, "set.h5"), ERR_DATA, "p0012.png"); /* of a block that is done */
    set_prepare_free(&stop);
    set_prepare_free(&skip);
    set_prepare_free(&again);
    free(block);
    free(mark);
}

TEST(a_name_of_two_lines_is_one_damaged_picture_after_a_stop_too) {
    write_folder(N);
    damage("images", "p00\n00.png", "not a picture");
    write_map("p00\n00.png", 4, 4, 1);
    struct set_prepare p = {.stop = stop_later}, again = {0};
    calls_left = 1;
    CHECK_ERROR(prepare_to(&p, "set.h5"), ERR_AGAIN, "stopped");
    CHECK_OK(prepare_to(&again, "set.h5"));
    CHECK_INT(again.damaged, 1);
    CHECK_INT(again.empty, 0);
    set_prepare_free(&p);
    set_prepare_free(&again);
}

/* Sparse files, three times which are more than the disk has. */
TEST(a_set_that_the_disk_has_no_room_for_is_not_begun) {
    enum { BYTES = FILE_SET_BYTES_MAX, MOST = 20000 };
    char *dir = test_path("images"), *part = test_path("set.h5.part/blocks/000000.h5");
    char *masks = test_path("masks"), *map = test_path("masks/p0000.png");
    write_folder(2);
    int64_t files = disk_free(dir) / BYTES / 3 + 1;
    if (files > MOST) test_skip("a disk of many terabytes");
    for (int64_t i = 2; i < files + 2; i++) {
        char *name = mem_format("%s/p%04lld.png", dir, (long long)i);
        int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        CHECK(fd >= 0 && ftruncate(fd, BYTES) == 0 && close(fd) == 0);
        free(name);
        name = mem_format("%s/p%04lld.png", masks, (long long)i);
        CHECK(link(map, name) == 0);
        free(name);
    }
    struct set_prepare p = {0};
    CHECK_ERROR(prepare_to(&p, "set.h5"), ERR_IO, "GB are free: make room");
    CHECK(!file_exists(part));
    free(dir);
    free(part);
    free(masks);
    free(map);
}

TEST(nothing_left_is_an_error) {
    write_folder(2);
    damage("images", "p0000.png", "x");
    damage("images", "p0001.png", "x");
    struct set_prepare p = {0};
    CHECK_ERROR(prepare_to(&p, "set.h5"), ERR_DATA, "none of 2 pictures is left");
    set_prepare_free(&p);
}

TEST(a_value_that_no_class_has_is_damage) {
    write_folder(3);
    struct labels l;
    struct bytes png;
    CHECK_OK(labels_alloc(&l, 7, 6));
    l.at[8] = 9;
    CHECK_OK(labels_encode_png(&l, &png));
    write_in("masks", "p0001.png", &png);
    struct set_prepare p = {.stop_on_damage = true};
    CHECK_ERROR(prepare_to(&p, "set.h5"), ERR_DATA, "value 9 at row 1, column 2");
    set_prepare_free(&p);
    bytes_free(&png);
    labels_free(&l);
}

/* ---- indices ---- */

static void index_to(const char *name) {
    struct dataset d;
    char *path = test_path(name);
    struct set_prepare p = {.path = path, .config_hash = "", .drop_empty = true};
    open_folder(&d);
    CHECK_OK(set_index_write(&p, &d));
    set_prepare_free(&p);
    dataset_close(&d);
    free(path);
}

TEST(an_index_has_the_pictures_that_a_set_has) {
    write_folder(20);
    damage("images", "p0003.png", "not a picture");
    struct set_prepare p = {.drop_empty = true};
    struct dataset set, index;
    CHECK_OK(prepare_to(&p, "set.h5"));
    index_to("index.h5");
    char *path = test_path("set.h5");
    CHECK_OK(set_or_index_open(&set, path));
    free(path);
    path = test_path("index.h5");
    CHECK_OK(set_or_index_open(&index, path));
    CHECK_INT(index.n_images, set.n_images);
    CHECK_INT(index.n_classes, CLASSES);
    for (int64_t i = 0; i < set.n_images; i++) {
        struct image a, b;
        CHECK_INT(index.image_id[i], set.image_id[i]);
        CHECK_TEXT(index.image_name[i], set.image_name[i]);
        CHECK_OK(set.source->image(&set, i, &a));
        CHECK_OK(index.source->image(&index, i, &b));
        CHECK(a.h == b.h && !memcmp(a.at, b.at, (size_t)(a.h * a.w * 3)));
        image_free(&a);
        image_free(&b);
    }
    for (int64_t i = 0; i < 2 * set.n_images; i++) CHECK_INT(index.size[i], set.size[i]);
    struct set_prepare of_set = {.path = path, .config_hash = ""};
    CHECK_ERROR(set_index_write(&of_set, &set), ERR_USAGE, "make a set of it");
    char *gone = test_path("images/p0000.png");
    struct image im;
    CHECK_OK(file_remove(gone));
    CHECK_ERROR(index.source->image(&index, 0, &im), ERR_MISSING, "p0000.png");
    dataset_close(&set);
    dataset_close(&index);
    set_prepare_free(&p);
    free(gone);
    free(path);
}

/* ---- looking ---- */

TEST(a_check_counts_every_pixel_and_names_what_is_wrong) {
    struct dataset d;
    struct set_check c;
    struct strings known = {0};
    strings_add(&known, "traffic light");
    write_folder(20);
    damage("images", "p0003.png", "not a picture");
    write_map("p0004.png", 4, 4, 1);
    open_folder(&d);
    CHECK_OK(set_check_run(&c, &d, &known, NULL));
    CHECK_INT(c.unreadable, 1);
    CHECK_INT(c.misfits, 1);
    CHECK_INT(c.empty, 2);
    int64_t sum = c.ignored, want = 0;
    for (int k = 0; k < CLASSES; k++) sum += c.pixels[k];
    for (int64_t i = 0; i < 20; i++) want += i == 3 || i == 4 ? 0 : SIDE * (SIDE + i % 3);
    CHECK_INT(sum, want);
    CHECK_INT(c.all, want);
    CHECK_INT(c.names.n, 1);
    CHECK_HAS(c.names.at[0], "\"trafficlight\": looks joined");
    struct str text = {0};
    set_check_print(&c, &d, &text);
    CHECK_HAS(text.at, "unreadable       1\n");
    CHECK_HAS(text.at, "p0003.png: is not an image");
    struct image sheet;
    CHECK_OK(set_check_sheet(&d, &sheet));
    CHECK_INT(sheet.w, 8 + 2 * (480 + 8));
    CHECK(sheet.h > 4 * 480);
    image_free(&sheet);
    str_free(&text);
    set_check_free(&c);
    strings_free(&known);
    dataset_close(&d);
}
