#include "data/set_prepare.h"

#include <fcntl.h>
#include <omp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "data/file_set.h"
#include "data/set.h"
#include "data/set_check.h"
#include "data/set_index.h"
#include "data/set_split.h"
#include "data/vocabulary.h"
#include "tests/test.h"

enum { BLOCK = 8, N = 2 * BLOCK + 5, CLASSES = 3, SIDE = 6 };

/* ---- a folder of pictures and maps ---- */

static void write_in(const char *folder, const char *name, const struct bytes *b) {
    char *dir = test_path(folder), *path = path_join(dir, name);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, b->at, b->n));
    free(path);
    free(dir);
}

static void write_map(const char *name, int64_t h, int64_t w, int64_t i) {
    struct labels l;
    struct bytes png;
    CHECK_OK(labels_alloc(&l, h, w));
    for (int64_t k = 0; k < h * w; k++) {
        l.at[k] = (uint16_t)((k / w + i) % (CLASSES + 1));
        if (l.at[k] == CLASSES || i % 12 == 7) l.at[k] = 255; /* 7, 19: nothing labelled */
    }
    CHECK_OK(labels_encode_png(&l, &png));
    write_in("masks", name, &png);
    bytes_free(&png);
    labels_free(&l);
}

static void write_picture(int64_t i) {
    struct image im;
    struct bytes png;
    char *name = mem_format("p%04lld.png", (long long)i);
    CHECK_OK(image_alloc(&im, SIDE + i % 3, SIDE, 3));
    for (int64_t k = 0; k < im.h * im.w * 3; k++) im.at[k] = (uint8_t)(k * 7 + i);
    CHECK_OK(image_encode_png(&im, &png));
    write_in("images", name, &png);
    write_map(name, im.h, im.w, i);
    bytes_free(&png);
    image_free(&im);
    free(name);
}

static void write_folder(int64_t n) {
    static const char names[] = "sky\nroad\ntrafficlight\n";
    char *path = test_path("names.txt");
    for (int64_t i = 0; i < n; i++) write_picture(i);
    CHECK_OK(file_write(path, names, sizeof names - 1));
    free(path);
}

static void open_folder(struct dataset *d) {
    char *images = test_path("images"), *masks = test_path("masks"),
         *names = test_path("names.txt");
    struct file_set_options o = {
        .images = images, .maps = masks, .names = names, .map_suffix = ".png", .kind = MAPS_PNG};
    CHECK_OK(file_set_open(d, &o));
    free(images);
    free(masks);
    free(names);
}

static uint64_t hash_of(const char *name) {
    char *path = test_path(name);
    uint64_t hash;
    CHECK_OK(hash_file(path, &hash));
    free(path);
    return hash;
}

static int prepare_to(struct set_prepare *p, const char *name) {
    struct dataset d;
    char *path = test_path(name);
    open_folder(&d);
    p->path = path;
    p->config_hash = "";
    p->block = BLOCK;
    int status = set_prepare_run(p, &d);
    dataset_close(&d);
    free(path);
    return status;
}

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

/* ---- parts ---- */

TEST(parts_are_counts_shares_and_the_rest) {
    struct split_part p[SPLIT_PARTS_MAX];
    int n;
    CHECK_OK(set_split_parse("train=0.8,val=15%,test=rest", 41, p, &n));
    CHECK_INT(n, 3);
    CHECK(p[0].n == 33 && p[1].n == 6 && p[2].n == 2);
    CHECK_OK(set_split_parse("a=7", 41, p, &n));
    CHECK_INT(p[0].n, 7);
    CHECK_ERROR(set_split_parse("a=0.8,b=0.3", 10, p, &n), ERR_USAGE,
                "take 11 pictures; there are 10");
    CHECK_ERROR(set_split_parse("a=rest,b=rest", 10, p, &n), ERR_USAGE, "one part only");
    CHECK_ERROR(set_split_parse("a=1,a=1", 10, p, &n), ERR_USAGE, "twice");
    CHECK_ERROR(set_split_parse("../a=1", 10, p, &n), ERR_USAGE, "NAME=AMOUNT");
    CHECK_ERROR(set_split_parse("a=x", 10, p, &n), ERR_USAGE, "\"x\" is no part");
    CHECK_ERROR(set_split_parse("a=10,b=rest", 10, p, &n), ERR_USAGE, "part b has no picture");
}

static void split_to(const char *name, uint64_t seed, struct dataset part[2]) {
    struct split_part p[SPLIT_PARTS_MAX];
    struct dataset d;
    int n;
    char *dir = test_path(name);
    open_folder(&d);
    CHECK_OK(set_split_parse("a=30,b=rest", d.n_images, p, &n));
    CHECK_OK(set_split(&d, p, n, seed, dir, NULL));
    for (int i = 0; i < 2; i++) {
        char *file = mem_format("%s/%s.h5", dir, p[i].name);
        CHECK_OK(set_open(&part[i], file));
        free(file);
    }
    dataset_close(&d);
    free(dir);
}

TEST(a_seed_deals_every_picture_to_one_part) {
    struct dataset first[2], again[2], other[2];
    bool seen[50] = {false}, differs = false;
    write_folder(50);
    split_to("first", 1, first);
    split_to("again", 1, again);
    split_to("other", 2, other);
    CHECK(hash_of("first/a.h5") == hash_of("again/a.h5"));
    for (int i = 0; i < 2; i++) {
        CHECK_INT(first[i].n_images, i ? 20 : 30);
        for (int64_t k = 0; k < first[i].n_images; k++) {
            CHECK(!seen[first[i].image_id[k]]);
            seen[first[i].image_id[k]] = true;
            CHECK(!k || first[i].image_id[k] > first[i].image_id[k - 1]);
            differs |= first[i].image_id[k] != other[i].image_id[k];
        }
    }
    CHECK(differs);
    for (int i = 0; i < 2; i++) {
        dataset_close(&first[i]);
        dataset_close(&again[i]);
        dataset_close(&other[i]);
    }
}

TEST(what_is_exported_is_prepared_again_to_the_same_set) {
    struct dataset d;
    struct set_prepare p = {0}, again = {0};
    write_folder(20);
    CHECK_OK(prepare_to(&p, "set.h5"));
    char *path = test_path("set.h5"), *dir = test_path("plain");
    CHECK_OK(set_open(&d, path));
    CHECK_OK(set_export(&d, INT64_MAX, INT64_MAX, dir, NULL));
    CHECK_ERROR(set_export(&d, 1, 1, dir, NULL), ERR_IO, "is not empty");
    dataset_close(&d);
    char *images = path_join(dir, "images"), *masks = path_join(dir, "masks");
    char *names = path_join(dir, "names.txt"), *to = test_path("again.h5");
    struct file_set_options o = {
        .images = images, .maps = masks, .names = names, .map_suffix = ".png", .kind = MAPS_PNG};
    CHECK_OK(file_set_open(&d, &o));
    again.path = to;
    again.config_hash = "";
    CHECK_OK(set_prepare_run(&again, &d));
    CHECK(hash_of("again.h5") == hash_of("set.h5"));
    dataset_close(&d);
    free(images);
    free(masks);
    free(names);
    free(to);
    free(path);
    free(dir);
}

TEST(an_export_keeps_names_that_a_line_does_not_hold_and_which_classes_are_unseen) {
    struct dataset d;
    struct vocabulary v;
    write_folder(3);
    char *path = test_path("names.yaml"), *images = test_path("images"),
         *masks = test_path("masks");
    static const char text[] = "- \"# sky\"\n- {name: road, split: unseen}\n- light\n";
    CHECK_OK(file_write(path, text, sizeof text - 1));
    struct file_set_options o = {
        .images = images, .maps = masks, .names = path, .map_suffix = ".png", .kind = MAPS_PNG};
    CHECK_OK(file_set_open(&d, &o));
    char *dir = test_path("plain"), *names = path_join(dir, "names.yaml");
    CHECK_OK(set_export(&d, INT64_MAX, INT64_MAX, dir, NULL));
    CHECK_OK(vocabulary_read(&v, names));
    CHECK_INT(v.n, 3);
    CHECK_TEXT(v.at[0].name, "# sky");
    CHECK(!v.at[0].unseen && v.at[1].unseen && !v.at[2].unseen);
    vocabulary_close(&v);
    dataset_close(&d);
    char *const owned[] = {path, images, masks, dir, names};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_line_of_captions_holds_one_object_and_ids_are_whole) {
    static const struct {
        const char *text, *says;
    } bad[] = {{"{\"image\": \"p0000.png\", \"caption\": \"a\"}{\"image\": \"p0001.png\"}\n",
                "line 1: is not one JSON object"},
               {"\n{\"image\": \"p0000.png\", \"captions\": [\"a\"], \"ids\": [1.5]}\n",
                "line 2: \"ids\" are whole numbers"}};
    write_folder(2);
    char *path = test_path("captions.jsonl"), *images = test_path("images");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dataset d;
        struct file_set_options o = {.images = images, .captions = path};
        CHECK_OK(file_write(path, bad[i].text, strlen(bad[i].text)));
        CHECK_ERROR(file_set_open(&d, &o), ERR_DATA, bad[i].says);
    }
    free(path);
    free(images);
}

TEST(an_export_stops_at_the_numbers_that_are_asked_for) {
    struct dataset d;
    struct strings names;
    write_folder(20);
    open_folder(&d);
    char *dir = test_path("plain"), *images = path_join(dir, "images");
    char *masks = path_join(dir, "masks");
    CHECK_OK(set_export(&d, 5, 2, dir, NULL));
    CHECK_OK(dir_list(images, &names));
    CHECK_INT(names.n, 5);
    strings_free(&names);
    CHECK_OK(dir_list(masks, &names));
    CHECK_INT(names.n, 2);
    strings_free(&names);
    dataset_close(&d);
    free(images);
    free(masks);
    free(dir);
}
