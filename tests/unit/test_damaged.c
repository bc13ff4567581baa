/* Damaged pictures, label maps and annotations in training: each kind is named, counted, and either
 * replaced, whereby no other sample changes, or ends the run. What ends it always is named, too. */
#include "base/file.h"
#include "data/coco.h"
#include "data/label_maps.h"
#include "data/set.h"
#include "tests/unit/batches_seen.h"
#include "tests/unit/damage_made.h"

enum { N = 14, BAD = 4, WITH_MAPS = 1 };

static char *path_of(const char *folder, int64_t id, const char *end) {
    char *name = mem_format("%s/%012lld%s", folder, (long long)id, end), *path = test_path(name);
    free(name);
    return path;
}

/* Pictures 1 .. N of 32 x 32, or a little wider, each other than all others. */
static void make_picture(int64_t id, struct image *im, struct labels *l) {
    int64_t w = id == BAD ? 32 : 32 + id % 3 * 8;
    CHECK_OK(image_alloc(im, 32, w, 3));
    CHECK_OK(labels_alloc(l, 32, w));
    for (int64_t i = 0; i < 32 * w; i++) {
        for (int64_t c = 0; c < 3; c++)
            im->at[3 * i + c] = (uint8_t)((i % w) * (3 + c) + id * 23 + (i / w) * 5);
        l->at[i] = (uint16_t)(1 + (i / 100 + id) % 2);
    }
}

static void write_pictures(void) {
    char *images = test_path("images"), *maps = test_path("maps");
    CHECK_OK(dir_make(images));
    CHECK_OK(dir_make(maps));
    free(images);
    free(maps);
    for (int64_t id = 1; id <= N; id++) {
        char *image = path_of("images", id, ".jpg"), *map = path_of("maps", id, ".png");
        struct image im;
        struct labels l;
        struct bytes jpeg, png;
        make_picture(id, &im, &l);
        CHECK_OK(image_encode_jpeg(&im, 90, &jpeg));
        CHECK_OK(labels_encode_png(&l, &png));
        CHECK_OK(file_write(image, jpeg.at, jpeg.n));
        CHECK_OK(file_write(map, png.at, png.n));
        image_free(&im);
        labels_free(&l);
        bytes_free(&jpeg);
        bytes_free(&png);
        free(image);
        free(map);
    }
}

static void write_text(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
}

static const char good_annotation[] =
    "\"category_id\": 2, \"segmentation\": [[2, 2, 30, 3, 20, 29]]";

/* Each picture has one annotation; the one of picture BAD says this. */
static void write_annotations(const char *of_bad) {
    struct str s = {0};
    str_add(&s,
            "{\"categories\": [{\"id\": 2, \"name\": \"dog\"}, {\"id\": 3, \"name\": \"cat\"}],\n");
    str_add(&s, "\"images\": [");
    for (int64_t id = 1; id <= N; id++)
        str_add(&s,
                "%s{\"id\": %lld, \"file_name\": \"%012lld.jpg\", \"height\": 32, \"width\": %lld}",
                id > 1 ? ",\n" : "", (long long)id, (long long)id,
                (long long)(id == BAD ? 32 : 32 + id % 3 * 8));
    str_add(&s, "],\n\"annotations\": [");
    for (int64_t id = 1; id <= N; id++)
        str_add(&s, "%s{\"id\": %lld, \"image_id\": %lld, %s}", id > 1 ? ",\n" : "",
                (long long)(100 + id), (long long)id, id == BAD ? of_bad : good_annotation);
    str_add(&s, "]}");
    write_text("instances.json", s.at);
    write_text("names.yaml", "- {name: dog, raw: 1}\n- {name: cat, raw: 2}\n");
    str_free(&s);
}

static int open_coco(struct dataset *d, int with_maps) {
    char *images = test_path("images"), *instances = test_path("instances.json");
    char *maps = test_path("maps"), *names = test_path("names.yaml");
    int status = dataset_open_coco(d, images, NULL, instances);
    if (!status && with_maps) status = dataset_use_maps(d, maps, names);
    free(images);
    free(instances);
    free(maps);
    free(names);
    return status;
}

static int64_t sizes[] = {26, 40};
static const struct segment_data_options sample = {.sizes = {sizes, 2},
                                                   .crop = SEEN_SIDE,
                                                   .single_area = 1,
                                                   .colour = true,
                                                   .mirror = true,
                                                   .group = true};
static const uint16_t name_of[] = {0, 1};

/* All steps; how many samples were damaged. */
static int64_t see(const struct dataset *d, int64_t threads, struct seen *seen) {
    struct segment_batches b;
    seen_open(&b, d, &sample, name_of, (struct damage_options){.most = 1});
    CHECK_OK(segment_batches_start(&b, (struct loader_options){threads, 2}, 0, SEEN_STEPS));
    seen_take(&b, 0, SEEN_STEPS, seen);
    int64_t damaged = damage_count(&b.damage);
    segment_batches_close(&b);
    return damaged;
}

/* data.damaged: stop. The message names the sample and what is wrong. */
static void check_stops(const struct dataset *d, const char *kind, const char *says,
                        const char *file) {
    struct segment_batches b;
    struct segment_batch batch;
    int status = 0;
    seen_open(&b, d, &sample, name_of, (struct damage_options){.stop = true});
    CHECK_OK(segment_batches_start(&b, (struct loader_options){1, 2}, 0, SEEN_STEPS));
    for (int64_t step = 0; !status && step < SEEN_STEPS; step++)
        status = segment_batches_next(&b, &batch);
    segment_batches_close(&b);
    if ((status != ERR_DATA && status != ERR_MISSING) || !strstr(error_message(), says) ||
        !strstr(error_message(), file) || !strstr(error_message(), "picture 4: "))
        test_fail(__FILE__, __LINE__, "%s: %d \"%s\"", kind, status, error_message());
    error_clear();
}

/* data.damaged: skip and stop, of a set that is like `good` but for its picture BAD. */
static void check_set(const struct dataset *d, const struct seen *good, const char *kind,
                      const char *says, const char *file) {
    struct seen seen;
    bool bad[N] = {false};
    bad[BAD - 1] = true;
    int64_t damaged = see(d, 2, &seen);
    if (damaged != 1) test_fail(__FILE__, __LINE__, "%s: %d damaged", kind, (int)damaged);
    CHECK(seen_check(good, &seen, bad) >= 5);
    check_stops(d, kind, says, file);
}

static void damage_file(const char *path, const struct damage_kind *k) {
    struct bytes b;
    CHECK_OK(file_read(path, 1 << 20, &b));
    if (k->damage) {
        k->damage(&b);
        CHECK_OK(file_write(path, b.at, b.n));
    } else {
        CHECK_OK(file_remove(path));
    }
    bytes_free(&b);
}

static void check_files(const struct damage_kind *kinds, size_t n, const char *folder,
                        const char *end, const char *file) {
    struct dataset d;
    struct seen good;
    write_pictures();
    write_annotations(good_annotation);
    CHECK_OK(open_coco(&d, WITH_MAPS));
    CHECK_INT(see(&d, 1, &good), 0);
    char *path = path_of(folder, BAD, end);
    struct bytes whole;
    CHECK_OK(file_read(path, 1 << 20, &whole));
    for (size_t i = 0; i < n; i++) {
        damage_file(path, &kinds[i]);
        check_set(&d, &good, kinds[i].name, kinds[i].says, file);
        CHECK_OK(file_write(path, whole.at, whole.n));
    }
    bytes_free(&whole);
    free(path);
    dataset_close(&d);
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

TEST(a_damaged_picture_of_any_kind_is_named_counted_and_replaced_or_ends_the_run) {
    check_files(damaged_pictures, COUNT(damaged_pictures), "images", ".jpg", "000000000004.jpg");
}

TEST(a_damaged_label_map_of_any_kind_is_named_counted_and_replaced_or_ends_the_run) {
    check_files(damaged_maps, COUNT(damaged_maps), "maps", ".png", "");
}

TEST(a_damaged_annotation_of_any_kind_is_named_counted_and_replaced_or_ends_the_run) {
    struct dataset d;
    struct seen good;
    write_pictures();
    write_annotations(good_annotation);
    CHECK_OK(open_coco(&d, 0));
    CHECK_INT(see(&d, 1, &good), 0);
    dataset_close(&d);
    for (size_t i = 0; i < COUNT(damaged_annotations); i++) {
        write_annotations(damaged_annotations[i].text);
        CHECK_OK(open_coco(&d, 0));
        check_set(&d, &good, damaged_annotations[i].text, damaged_annotations[i].says,
                  "instances.json: image 4: annotation 104: ");
        dataset_close(&d);
    }
}

TEST(a_file_of_annotations_that_cannot_be_read_is_named) {
    write_pictures();
    for (size_t i = 0; i < COUNT(damaged_files); i++) {
        struct dataset d;
        write_text("instances.json", damaged_files[i].text);
        int status = open_coco(&d, 0);
        if (status != ERR_DATA || !strstr(error_message(), damaged_files[i].says) ||
            !strstr(error_message(), "instances.json"))
            test_fail(__FILE__, __LINE__, "%s: %d \"%s\"", damaged_files[i].text, status,
                      error_message());
        error_clear();
    }
}

TEST(there_are_forty_kinds_of_damage_and_more) {
    CHECK(COUNT(damaged_pictures) + COUNT(damaged_maps) + COUNT(damaged_annotations) +
              COUNT(damaged_files) >=
          60);
}

/* A set of the pictures; the bytes of picture BAD are damaged so. */
static void write_set(const struct damage_kind *k) {
    char *path = test_path("seen.h5"), *names[] = {"dog", "cat"};
    struct set_writer w;
    struct set_info info = {names, (const bool[]){true, true}, 2, 255, ""};
    CHECK_OK(set_create(&w, path, &info));
    for (int64_t id = 1; id <= N; id++) {
        struct image im;
        struct labels l;
        struct bytes jpeg;
        make_picture(id, &im, &l);
        for (int64_t i = 0; i < l.h * l.w; i++) l.at[i]--;
        CHECK_OK(image_encode_jpeg(&im, 90, &jpeg));
        if (id == BAD && k) k->damage(&jpeg);
        const struct set_item item = {
            .id = id, .h = im.h, .w = im.w, .bytes = jpeg.at, .n = jpeg.n, .labels = &l};
        CHECK_OK(set_add(&w, &item));
        bytes_free(&jpeg);
        image_free(&im);
        labels_free(&l);
    }
    CHECK_OK(set_finish(&w));
    set_drop(&w);
    free(path);
}

TEST(a_damaged_picture_inside_a_set_is_too) {
    struct dataset d;
    struct seen good;
    char *path = test_path("seen.h5");
    write_set(NULL);
    CHECK_OK(set_open(&d, path));
    CHECK_INT(see(&d, 1, &good), 0);
    dataset_close(&d);
    for (size_t i = 1; i < COUNT(damaged_pictures); i++) {
        write_set(&damaged_pictures[i]);
        CHECK_OK(set_open(&d, path));
        check_set(&d, &good, damaged_pictures[i].name, damaged_pictures[i].says,
                  "seen.h5: image 4");
        dataset_close(&d);
    }
    free(path);
}

/* ---- batches of damaged samples alone ---- */

enum { SAMPLES = 9 };
static const bool lost[SAMPLES] = {[3] = true, [4] = true, [5] = true};

static int read_number(void *ctx, int64_t i, struct rng *r, int64_t place, void *slot) {
    const bool *bad = ctx;
    if (bad[i]) return error_set(ERR_DATA, "sample %lld is cut short", (long long)i);
    ((uint64_t *)slot)[place] = (uint64_t)rng_below(r, 1 << 30);
    return 0;
}

static int make_two(const bool *bad, const int64_t planned[2], int64_t used[2], uint64_t out[2]) {
    struct damage d;
    const struct batch_maker m = {.ctx = (void *)bad, .sample = read_number, .purpose = "place"};
    damage_open(&d, (struct damage_options){.most = 1}, SAMPLES);
    int status = batch_make(&m, &d, 7, planned, 2, (struct batch_part){0, 2}, used, out);
    damage_close(&d);
    return status;
}

TEST(a_batch_of_damaged_samples_alone_takes_the_next_ones_of_the_set) {
    static const bool all[SAMPLES] = {true, true, true, true, true, true, true, true, true};
    static const bool none[SAMPLES] = {false};
    int64_t used[2];
    uint64_t whole[2], drawn[2];
    CHECK_OK(make_two(none, (const int64_t[]){1, 2}, used, whole));
    CHECK_OK(make_two(lost, (const int64_t[]){3, 5}, used, drawn));
    CHECK_INT(used[0], 6);
    CHECK_INT(used[1], 6);
    CHECK(memcmp(whole, drawn, sizeof whole) == 0); /* the random numbers are the place's */
    CHECK_INT(make_two(all, (const int64_t[]){3, 5}, used, drawn), ERR_DATA);
    CHECK_HAS(error_message(), "none of all 9 samples can be read");
    error_clear();
}
