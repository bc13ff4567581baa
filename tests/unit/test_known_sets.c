/* Miniatures of every data set (tests/data/make_sets.py) go through `prepare`: from folders, from
 * archives, as the reference's scripts left them, and as an index. Every pixel is compared with
 * what the script's own rules say. */
#include "data/known_open.h"

#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "data/file_set_internal.h"
#include "data/set.h"
#include "data/set_index.h"
#include "data/vocabulary.h"
#include "tests/test.h"
#include "tests/unit/zip_named.h"

#define SETS "tests/data/sets/"

struct way {
    const char *set, *split, *expected;
    const char *root; /* below SETS */
    bool original, prepared, index, keep_empty, training;
};

static char *in_sets(const char *path) {
    char *below = mem_format(SETS "%s", path), *full = test_source(below);
    free(below);
    return full;
}

/* Prepares, and opens what was made. */
static void prepare(const struct way *w, struct dataset *made) {
    char *root = in_sets(w->root), *path = test_path("set.h5"), *work = test_path("unpacked");
    struct known_source s = {.set = known_set_find(w->set),
                             .root = root,
                             .original = w->original,
                             .prepared = w->prepared,
                             .work = w->index ? NULL : work};
    struct dataset d;
    CHECK(s.set);
    CHECK((s.split = known_split_find(s.set, w->split)));
    CHECK_OK(known_open(&d, &s));
    struct set_prepare p = {.path = path,
                            .config_hash = "",
                            .training = w->training,
                            .drop_empty = !w->keep_empty,
                            .stop_on_damage = true};
    CHECK_OK(w->index ? set_index_write(&p, &d) : set_prepare_run(&p, &d));
    CHECK_OK(set_or_index_open(made, path));
    CHECK_INT(made->n_images, p.n);
    CHECK(set_index_is(path) == w->index && set_is(path) != w->index);
    set_prepare_free(&p);
    dataset_close(&d);
    free(root);
    free(path);
    free(work);
}

/* Grey PNG of 16 bits -> labels. */
static void read_expected(const char *set, const char *name, struct labels *out) {
    char *below = mem_format("expected/%s/%s.png", set, name), *path = in_sets(below);
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 24, &b));
    CHECK_OK(labels_decode_png(b.at, b.n, path, out));
    bytes_free(&b);
    free(path);
    free(below);
}

static void check_maps(const struct way *w, const struct dataset *d) {
    char *below = mem_format("expected/%s", w->expected), *dir = in_sets(below);
    struct strings names;
    int64_t n = 0;
    CHECK_OK(dir_list(dir, &names));
    for (int64_t i = 0; i < d->n_images; i++) {
        struct labels want, l;
        struct image im;
        char *file = mem_format("%s.png", d->image_name[i]);
        for (size_t k = 0; k < names.n; k++) n += strcmp(names.at[k], file) == 0;
        free(file);
        read_expected(w->expected, d->image_name[i], &want);
        CHECK_OK(d->source->labels(d, i, &l));
        CHECK_OK(d->source->image(d, i, &im));
        CHECK(l.h == want.h && l.w == want.w && im.h == l.h && im.w == l.w);
        for (int64_t k = 0; k < l.h * l.w; k++)
            if (l.at[k] != want.at[k])
                test_fail(__FILE__, __LINE__, "%s, %s, pixel %lld: %u, expected %u", w->set,
                          d->image_name[i], (long long)k, l.at[k], want.at[k]);
        labels_free(&want);
        labels_free(&l);
        image_free(&im);
    }
    CHECK_INT(n, d->n_images);
    if (!w->split) CHECK(n == (int64_t)names.n || strcmp(w->set, "coco-stuff") == 0);
    strings_free(&names);
    free(dir);
    free(below);
}

static void check_way(const struct way *w, int64_t n, int64_t classes, uint16_t ignore) {
    struct dataset d;
    prepare(w, &d);
    CHECK_INT(d.n_images, n);
    CHECK_INT(d.n_classes, classes);
    CHECK_INT(d.ignore, ignore);
    check_maps(w, &d);
    dataset_close(&d);
}

/* What must come out of each set, whichever way it goes in. */
static const struct {
    const char *set, *split, *expected;
    int64_t n, classes;
    uint16_t ignore;
} sets[] = {
    {"coco-stuff", "train", "coco-stuff", 4, 171, 255},
    {"coco-stuff", "val", "coco-stuff", 2, 171, 255},
    {"coco-stuff-156-15", "train", "coco-stuff", 4, 171, 255},
    {"ade20k-150", "val", "ade20k-150", 3, 150, 255},
    {"ade20k-847", "val", "ade20k-847", 3, 847, 65535},
    {"pascal-context-59", "val", "pascal-context-59", 3, 59, 255},
    {"pascal-context-459", "val", "pascal-context-459", 3, 459, 65535},
    {"voc-20", "val", "voc-20", 2, 20, 255},
};

enum { N_SETS = sizeof sets / sizeof *sets };

static void check_all(const struct way *like) {
    for (int i = 0; i < N_SETS; i++) {
        struct way w = *like;
        w.set = sets[i].set;
        w.split = sets[i].split;
        w.expected = sets[i].expected;
        char *part = test_path("set.h5.part"), *unpacked = test_path("unpacked");
        CHECK_OK(dir_remove(part));
        CHECK_OK(dir_remove(unpacked));
        free(part);
        free(unpacked);
        check_way(&w, sets[i].n, sets[i].classes, sets[i].ignore);
    }
}

TEST(every_set_comes_out_of_its_folders_to_the_pixel) { check_all(&(struct way){.root = "tree"}); }

TEST(every_set_comes_out_of_its_archives_to_the_pixel) {
    check_all(&(struct way){.root = "archives"});
}

TEST(an_index_reads_the_same_maps_where_they_lie) {
    check_all(&(struct way){.root = "tree", .index = true});
}

TEST(what_the_references_scripts_made_is_read_as_well) {
    for (int i = 0; i < N_SETS; i++) {
        struct way w = {.set = sets[i].set,
                        .split = sets[i].split,
                        .expected = sets[i].expected,
                        .root = "tree",
                        .prepared = true};
        /* of the full ADE20K only the small picture lies there */
        check_way(&w, strcmp(w.set, "ade20k-847") ? sets[i].n : 1, sets[i].classes, sets[i].ignore);
    }
}

TEST(a_folder_of_the_users_own_is_taken_as_it_is) {
    struct way w = {.set = "folder", .expected = "folder", .root = "tree/own"};
    struct dataset d;
    prepare(&w, &d);
    CHECK_INT(d.n_images, 3);
    CHECK_TEXT(d.class_name[1], "cupboard, closet");
    CHECK_INT(d.n_captions, 3);
    CHECK_TEXT(d.caption[1], "a kitchen");
    check_maps(&w, &d);
    dataset_close(&d);
}

/* In the locale of C, where programs are that do not ask for another. */
TEST(pictures_of_a_zip_keep_names_that_are_not_ascii_and_their_captions) {
    static const char *const name[] = {"\xc3\xbc.png", "\xe6\x97\xa5.png", "\xe6\x9c\xac.png"};
    static const char captions[] =
        "{\"image\": \"\xe6\x9c\xac.png\", \"caption\": \"third\"}\n"
        "{\"image\": \"\xc3\xbc.png\", \"caption\": \"first\"}\n"
        "{\"image\": \"\xe6\x97\xa5.png\", \"caption\": \"second\"}\n";
    struct zip_file file[3];
    struct bytes png[3];
    for (int i = 0; i < 3; i++) {
        struct image im;
        CHECK_OK(image_alloc(&im, 4, 5 + i, 3));
        CHECK_OK(image_encode_png(&im, &png[i]));
        file[i] = (struct zip_file){name[i], png[i].at, png[i].n, true};
        image_free(&im);
    }
    char *root = test_path("own"), *zip = test_path("own/pictures.zip");
    char *lines = test_path("own/captions.jsonl"), *work = test_path("unpacked");
    char *path = test_path("set.h5");
    CHECK_OK(dir_make(root));
    zip_write(zip, file, 3);
    CHECK_OK(file_write(lines, captions, strlen(captions)));
    struct known_source s = {
        .set = known_set_find("folder"), .root = root, .images = zip, .work = work};
    struct dataset d, made;
    CHECK((s.split = known_split_find(s.set, NULL)));
    CHECK_OK(known_open(&d, &s));
    struct set_prepare p = {.path = path, .config_hash = "", .stop_on_damage = true};
    CHECK_OK(set_prepare_run(&p, &d));
    CHECK_OK(set_open(&made, path));
    CHECK_INT(made.n_images, 3);
    CHECK_INT(made.n_captions, 3);
    static const char *const stem[] = {"\xc3\xbc", "\xe6\x97\xa5", "\xe6\x9c\xac"};
    static const char *const says[] = {"first", "second", "third"};
    for (int i = 0; i < 3; i++) {
        CHECK_TEXT(made.image_name[i], stem[i]);
        CHECK_TEXT(made.caption[i], says[i]);
        bytes_free(&png[i]);
    }
    dataset_close(&made);
    dataset_close(&d);
    set_prepare_free(&p);
    char *const owned[] = {root, zip, lines, work, path};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* ---- pixels ---- */

static uint32_t crc_of(const struct dataset *d, int64_t i, int64_t *h, int64_t *w) {
    struct image im;
    CHECK_OK(d->source->image(d, i, &im));
    *h = im.h;
    *w = im.w;
    uint32_t sum = (uint32_t)crc32(0, im.at, (uInt)(im.h * im.w * 3));
    image_free(&im);
    return sum;
}

/* Lines of expected/pixels.txt: set, picture, height, width, CRC-32. */
static int check_pixels(const char *set, const struct dataset *d) {
    char *path = in_sets("expected/pixels.txt");
    struct bytes b;
    int n = 0;
    CHECK_OK(file_read(path, 1 << 16, &b));
    for (const char *at = (const char *)b.at; *at; at += strcspn(at, "\n") + 1) {
        char of[64], name[64];
        long long h, w;
        unsigned sum;
        if (sscanf(at, "%63s %63s %lld %lld %x", of, name, &h, &w, &sum) != 5) continue;
        for (int64_t i = 0; i < d->n_images && !strcmp(of, set); i++) {
            if (strcmp(d->image_name[i], name) != 0) continue;
            int64_t got_h, got_w;
            CHECK_INT(crc_of(d, i, &got_h, &got_w), sum);
            CHECK(got_h == h && got_w == w);
            n++;
        }
    }
    bytes_free(&b);
    free(path);
    return n;
}

TEST(ade_847_is_shrunk_as_opencv_does_and_saved_as_pillow_does) {
    for (int index = 0; index < 2; index++) {
        struct way w = {
            .set = "ade20k-847", .expected = "ade20k-847", .root = "tree", .index = index == 1};
        struct dataset d;
        prepare(&w, &d);
        CHECK_INT(check_pixels("ade20k-847", &d), 3);
        dataset_close(&d);
    }
}

TEST(ade_847_keeps_its_own_pixels_when_asked) {
    struct way w = {
        .set = "ade20k-847", .expected = "ade20k-847-original", .root = "tree", .original = true};
    struct dataset d;
    prepare(&w, &d);
    CHECK_INT(check_pixels("ade20k-847-original", &d), 3);
    check_maps(&w, &d);
    dataset_close(&d);
}

/* ---- what is left out ---- */

TEST(pictures_without_a_labelled_pixel_stay_when_asked) {
    struct way w = {.set = "voc-20", .expected = "voc-20", .root = "tree", .keep_empty = true};
    struct dataset d;
    prepare(&w, &d);
    CHECK_INT(d.n_images, 3);
    CHECK_INT(d.image_id[2], 2007000061);
    dataset_close(&d);
}

TEST(of_the_156_15_split_no_mask_of_an_unseen_class_is_trained_on) {
    struct way w = {.set = "coco-stuff-156-15", .root = "tree", .training = true};
    struct dataset d, all;
    int64_t unseen = 0, hidden = 0;
    prepare(&w, &d);
    for (int64_t k = 0; k < d.n_classes; k++) unseen += !d.class_seen[k];
    CHECK_INT(unseen, 15);
    struct way plain = {.set = "coco-stuff-156-15", .root = "tree"};
    prepare(&plain, &all);
    for (int64_t i = 0; i < d.n_images; i++) {
        struct labels l, was;
        CHECK_OK(d.source->labels(&d, i, &l));
        CHECK_OK(all.source->labels(&all, i, &was));
        for (int64_t k = 0; k < l.h * l.w; k++) {
            bool gone = was.at[k] != 255 && !d.class_seen[was.at[k]];
            hidden += gone;
            CHECK_INT(l.at[k], gone ? 255 : was.at[k]);
        }
        labels_free(&l);
        labels_free(&was);
    }
    CHECK(hidden > 0); /* frisbee, tree */
    dataset_close(&d);
    dataset_close(&all);
}

/* MaskFormer's script puts all that is no "val" into training: ADE_frame_*, too. */
TEST(pictures_of_the_full_ade_are_for_training_unless_they_are_for_validation) {
    static const char *const names[] = {"ADE_train_00000001.jpg", "ADE_val_00000001.jpg",
                                        "ADE_frame_00000001.jpg", "other.jpg"};
    const struct known_set *set = known_set_find("ade20k-847");
    char *dir = test_path("images");
    CHECK_OK(dir_make(dir));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_join(dir, names[i]);
        CHECK_OK(file_write(path, "", 0));
        free(path);
    }
    struct found_files val, train;
    struct file_filter filter = {
        .suffix = ".jpg", .middle = known_split_find(set, "val")->middle, .deep = true};
    CHECK_OK(found_files_list(&val, dir, &filter, NULL));
    filter.middle = known_split_find(set, "train")->middle;
    CHECK_OK(found_files_list(&train, dir, &filter, NULL));
    CHECK_INT(val.n, 1);
    CHECK_TEXT(val.at[0].stem, "ADE_val_00000001");
    CHECK_INT(train.n, 3);
    CHECK_TEXT(train.at[0].stem, "ADE_frame_00000001");
    found_files_free(&val);
    found_files_free(&train);
    free(dir);
}

/* A table of the user's in the place of ours. */
TEST(unseen_classes_that_the_names_do_not_have_are_told) {
    static const char others[] = "- {name: dog, raw: 1}\n- {name: cat, raw: 2}\n";
    static const char own[] = "- {name: dog, raw: 1}\n- {name: cat, raw: 2, split: unseen}\n";
    char *root = in_sets("tree"), *names = test_path("coco_stuff_171.yaml"), *dir = test_path("");
    struct known_source s = {.set = known_set_find("coco-stuff-156-15"), .root = root};
    struct dataset d;
    s.split = known_split_find(s.set, NULL);
    CHECK_OK(file_write(names, others, sizeof others - 1));
    CHECK(setenv("OVSEG_LABELS", dir, 1) == 0);
    CHECK_ERROR(known_open(&d, &s), ERR_DATA, "has no class \"frisbee\"");
    CHECK(unsetenv("OVSEG_LABELS") == 0);
    s.names = names;
    CHECK_ERROR(known_open(&d, &s), ERR_DATA, "has no class \"frisbee\"");
    CHECK_OK(file_write(names, own, sizeof own - 1));
    CHECK_OK(known_open(&d, &s));
    CHECK(d.class_seen[0] && !d.class_seen[1]);
    dataset_close(&d);
    free(root);
    free(names);
    free(dir);
}

TEST(coco_captions_come_with_their_pictures) {
    static const char *const roots[] = {"tree", "archives"};
    for (int i = 0; i < 2; i++) {
        struct way w = {.set = "coco-captions", .root = roots[i]};
        struct dataset d;
        char *unpacked = test_path("unpacked");
        CHECK_OK(dir_remove(unpacked));
        free(unpacked);
        prepare(&w, &d);
        CHECK_INT(d.n_images, 6);
        CHECK_INT(d.n_captions, 9);
        CHECK(!d.has_labels && !d.n_classes);
        CHECK_INT(d.image_id[1], 25);
        CHECK_INT(d.caption_at[2] - d.caption_at[1], 2);
        CHECK_TEXT(d.caption[d.caption_at[1] + 1], "caption 1 of picture 25");
        CHECK_INT(d.caption_id[d.caption_at[1] + 1], 251);
        dataset_close(&d);
    }
}

TEST(what_is_missing_is_named_with_where_it_was_looked_for) {
    char *empty = test_path("");
    struct known_source s = {.set = known_set_find("voc-20"), .root = empty};
    struct dataset d;
    s.split = known_split_find(s.set, NULL);
    CHECK_ERROR(known_open(&d, &s), ERR_MISSING, "VOCdevkit/VOC2012/JPEGImages");
    CHECK(!known_set_find("voc"));
    CHECK_HAS(error_message(), "ade20k-847");
    error_clear();
    CHECK(!known_split_find(s.set, "test"));
    CHECK_HAS(error_message(), "val");
    error_clear();
    free(empty);
}

/* ---- the tables ---- */

static void check_table(const char *tsv, const char *yaml) {
    char *below = mem_format("../shared/labels/%s", tsv), *path = test_source(below);
    char *ours = known_labels_path(yaml);
    struct vocabulary v;
    struct bytes b;
    if (!file_exists(path)) test_skip("../shared/labels is not there");
    CHECK_OK(vocabulary_read(&v, ours));
    CHECK_OK(file_read(path, 1 << 20, &b));
    const char *line = (const char *)b.at;
    size_t k = 0;
    for (line += strcspn(line, "\n") + 1; *line; line += strcspn(line, "\n") + 1, k++) {
        size_t n = strcspn(line, "\n");
        char *end;
        CHECK(k < v.n);
        CHECK_INT(strtol(line, &end, 10), k);
        CHECK_INT(strtol(end, NULL, 10), v.at[k].raw);
        const char *name = line + n;
        while (name[-1] != '\t') name--;
        CHECK_INT(strlen(v.at[k].name), line + n - name);
        CHECK(strncmp(name, v.at[k].name, strlen(v.at[k].name)) == 0);
    }
    CHECK_INT(k, v.n);
    vocabulary_close(&v);
    bytes_free(&b);
    free(ours);
    free(path);
    free(below);
}

TEST(our_tables_of_classes_are_those_of_the_facts) {
    check_table("coco_stuff_171.tsv", "coco_stuff_171.yaml");
    check_table("ade20k_150.tsv", "ade20k_150.yaml");
    check_table("ade20k_full_847.tsv", "ade20k_847.yaml");
    check_table("pascal_context_59.tsv", "pascal_context_59.yaml");
    check_table("pascal_context_459.tsv", "pascal_context_459.yaml");
    check_table("pascal_voc_20.tsv", "pascal_voc_20.yaml");
}

TEST(every_set_that_is_known_has_its_table_and_a_split) {
    const struct known_set *set;
    for (size_t i = 0; (set = known_set_at(i)); i++) {
        CHECK(set->split[0].name && set->split[0].images[0]);
        CHECK(known_set_find(set->name) == set);
        if (!set->labels) continue;
        char *path = known_labels_path(set->labels);
        CHECK(file_exists(path));
        free(path);
    }
}
