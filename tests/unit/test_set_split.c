#include "data/set_split.h"

#include "data/set.h"
#include "data/vocabulary.h"
#include "tests/unit/folder_made.h"

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
    CHECK_OK(set_export(&d, INT64_MAX, INT64_MAX, dir, NULL, NULL));
    CHECK_ERROR(set_export(&d, 1, 1, dir, NULL, NULL), ERR_IO, "is not empty");
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
    CHECK_OK(set_export(&d, INT64_MAX, INT64_MAX, dir, NULL, NULL));
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
    struct set_exported out;
    CHECK_OK(set_export(&d, 5, 2, dir, NULL, &out));
    CHECK_INT(out.images, 5);
    CHECK_INT(out.masks, 2);
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
