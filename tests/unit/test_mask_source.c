#include "data/mask_source.h"

#include "base/file.h"
#include "data/image.h"
#include "data/polygon.h"
#include "data/rle.h"
#include "tests/test.h"

enum { H = 6, W = 8 };

/* Mask k of the tests: a block that moves with k. */
static void draw(struct mask *m, int k) {
    CHECK_OK(mask_alloc(m, H, W));
    for (int64_t y = 1; y < 4; y++)
        for (int64_t x = k; x < k + 3; x++) m->at[y * W + x] = 1;
}

static char *counts_of(int k) {
    struct mask m;
    struct coco_rle rle;
    struct str s = {0};
    draw(&m, k);
    CHECK_OK(coco_rle_encode(&m, &rle));
    coco_rle_print(&rle, &s);
    coco_rle_free(&rle);
    mask_free(&m);
    return s.at;
}

static char *put(const char *name, const char *text) {
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(path, text, strlen(text)));
    free(dir);
    return path;
}

static void put_png(const char *name, const struct labels *l) {
    struct bytes b;
    char *path = test_path(name), *dir = path_dir(path);
    CHECK_OK(dir_make(dir));
    CHECK_OK(labels_encode_png(l, &b));
    CHECK_OK(file_write(path, b.at, b.n));
    bytes_free(&b);
    free(dir);
    free(path);
}

/* The masks of a picture are those of `k` [n], in order. */
static void check_masks(const struct mask_source *s, int64_t id, const char *name, const int *k,
                        size_t n) {
    struct region_list l;
    CHECK_OK(mask_source_read(s, id, name, H, W, &l));
    CHECK_INT(l.n, n);
    for (size_t i = 0; i < n; i++) {
        struct mask want, got;
        draw(&want, k[i]);
        CHECK_OK(region_list_mask(&l, i, &got));
        CHECK(!memcmp(want.at, got.at, (size_t)H * W));
        mask_free(&want);
        mask_free(&got);
    }
    region_list_free(&l);
}

TEST(results_of_coco_are_read_by_image_in_the_order_of_the_file) {
    char *one = counts_of(1), *two = counts_of(2);
    /* \\ is a character of COCO's strings, written \\\\ in JSON; none of these has it. */
    char *text = mem_format(
        "[{\"image_id\":9,\"category_id\":1,\"score\":0.5,\"bbox\":[1,2,3,4],\"segmentation\":"
        "{\"size\":[6,8],\"counts\":\"%s\"}},\n"
        " {\"segmentation\":{\"counts\":\"%s\",\"size\":[6,8]},\"image_id\":7},\n"
        " {\"image_id\":9,\"segmentation\":{\"size\":[6,8],\"counts\":[1,3,3,3,3,3,32]},"
        "\"more\":{\"image_id\":3,\"a\":[{}]}}]",
        one, two);
    char *path = put("results.json", text);
    struct mask_source s;
    CHECK(mask_source_is(path));
    CHECK_OK(mask_source_open(&s, path));
    check_masks(&s, 9, NULL, (const int[]){1, 0}, 2);
    check_masks(&s, 7, NULL, (const int[]){2}, 1);
    check_masks(&s, 8, NULL, NULL, 0); /* results say of a picture that it has none by silence */
    check_masks(&s, -1, "000000000007", (const int[]){2}, 1);
    struct region_list l;
    CHECK_ERROR(mask_source_read(&s, -1, "cat", H, W, &l), ERR_MISSING, "picture cat: ");
    mask_source_close(&s);
    free(one);
    free(two);
    free(text);
    free(path);
}

TEST(instances_of_coco_are_read_by_name_or_id_polygons_and_runs) {
    char *path = put("instances.json",
                     "{\"info\":{\"id\":1},\"images\":[{\"id\":4,\"file_name\":\"a/cat.jpg\","
                     "\"height\":6,\"width\":8},{\"id\":5,\"file_name\":\"dog.png\"}],\n"
                     "\"annotations\":[{\"id\":1,\"image_id\":4,\"category_id\":2,\"segmentation\":"
                     "[[1,1,4,1,4,4,1,4]]},\n"
                     "{\"id\":2,\"image_id\":4,\"segmentation\":{\"size\":[6,8],\"counts\":"
                     "[13,3,3,3,3,3,20]}}]}");
    struct mask_source s;
    struct region_list l;
    CHECK_OK(mask_source_open(&s, path));
    check_masks(&s, -1, "cat", (const int[]){1, 2}, 2);
    check_masks(&s, 4, NULL, (const int[]){1, 2}, 2);
    check_masks(&s, 5, NULL, NULL, 0);
    CHECK_ERROR(mask_source_read(&s, 6, NULL, H, W, &l), ERR_MISSING, "picture 6: ");
    mask_source_close(&s);
    free(path);
}

TEST(sams_files_are_a_list_or_the_annotations_of_one_picture) {
    char *one = counts_of(1), *three = counts_of(3);
    char *list = mem_format(
        "[{\"segmentation\":{\"size\":[6,8],\"counts\":\"%s\"},\"area\":9,\"bbox\":[1,1,2,2],"
        "\"predicted_iou\":0.98,\"point_coords\":[[2.5,1.0]],\"stability_score\":0.97,"
        "\"crop_box\":[0,0,8,6]},{\"segmentation\":{\"size\":[6,8],\"counts\":\"%s\"}}]",
        three, one);
    char *sa1b = mem_format(
        "\xEF\xBB\xBF" /* masks are read again where they begin, behind the mark */
        "{\"image\":{\"image_id\":12,\"width\":8,\"height\":6,\"file_name\":\"sa_12.jpg\"},"
        "\"annotations\":[{\"id\":3,\"segmentation\":{\"size\":[6,8],\"counts\":\"%s\"}}]}",
        one);
    char *a = put("sam/photo.json", list), *b = put("sam/000000000012.json", sa1b);
    char *dir = test_path("sam");
    struct mask_source s;
    struct region_list l;
    CHECK(mask_source_is(dir));
    CHECK_OK(mask_source_open(&s, dir));
    check_masks(&s, -1, "photo", (const int[]){3, 1}, 2);
    check_masks(&s, 12, NULL, (const int[]){1}, 1);
    check_masks(&s, -1, "12", (const int[]){1}, 1);
    CHECK_ERROR(mask_source_read(&s, 13, NULL, H, W, &l), ERR_MISSING, "picture 13: ");
    mask_source_close(&s);
    char *const owned[] = {one, three, list, sa1b, a, b, dir};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_folder_of_pictures_is_a_mask_each_and_a_picture_of_values_a_mask_a_value) {
    struct labels l, many;
    struct mask m;
    CHECK_OK(labels_alloc(&l, H, W));
    CHECK_OK(labels_alloc(&many, H, W));
    for (int k = 0; k < 3; k++) {
        draw(&m, k);
        for (int64_t i = 0; i < (int64_t)H * W; i++) l.at[i] = m.at[i] ? (uint16_t)255 : 0;
        char *name = mem_format("png/cat/%d.png", k);
        put_png(name, &l);
        free(name);
        mask_free(&m);
    }
    char *table = put("png/cat/metadata.csv", "id,area\n");
    /* Values 300 and 2 lie apart, 7 ends with the last pixel. */
    for (int64_t i = 0; i < (int64_t)H * W; i++)
        many.at[i] = (uint16_t)(i >= 41 ? 7 : i % W < 3 ? 300 : i / W == 2 ? 2 : 0);
    put_png("png/000000000005.png", &many);
    char *dir = test_path("png");
    struct mask_source s;
    CHECK(mask_source_is(dir));
    CHECK_OK(mask_source_open(&s, dir));
    check_masks(&s, -1, "cat", (const int[]){0, 1, 2}, 3);
    struct region_list r;
    CHECK_OK(mask_source_read(&s, 5, NULL, H, W, &r));
    static const int64_t values[] = {2, 7, 300};
    CHECK_INT(r.n, 3);
    for (size_t i = 0; i < r.n; i++) {
        CHECK_INT(r.at[i].id, values[i]);
        CHECK_OK(region_list_mask(&r, i, &m));
        for (int64_t p = 0; p < (int64_t)H * W; p++) CHECK_INT(m.at[p], many.at[p] == values[i]);
        mask_free(&m);
    }
    region_list_free(&r);
    mask_source_close(&s);
    labels_free(&l);
    labels_free(&many);
    free(table);
    free(dir);
}

TEST(masks_of_another_size_are_resized_unless_they_are_of_another_shape) {
    char *path = put("one.json",
                     "[{\"image_id\":1,\"segmentation\":{\"size\":[6,8],\"counts\":[0,24,24]}}]");
    struct mask_source s;
    struct region_list l;
    CHECK_OK(mask_source_open(&s, path));
    CHECK_OK(mask_source_read(&s, 1, NULL, 12, 16, &l));
    CHECK_INT(l.h, 12);
    CHECK_INT(l.at[0].area, 96);
    CHECK_INT(l.at[0].box.x1, 8);
    region_list_free(&l);
    CHECK_ERROR(mask_source_read(&s, 1, NULL, 16, 12, &l), ERR_DATA, "picture 1: ");
    region_list_free(&l);
    CHECK_ERROR(mask_source_read(&s, 1, NULL, 12, 20, &l), ERR_DATA,
                "its masks are 8 x 6, the picture is 20 x 12");
    region_list_free(&l);
    mask_source_close(&s);
    free(path);
}

/* Of files that cannot be opened, and of masks that cannot be read: what is said. */
TEST(damaged_files_are_refused_with_their_place) {
    static const struct {
        const char *text, *says;
        bool opens; /* and the mask of picture 1 is refused */
    } bad[] = {
        {"", "is not JSON", false},
        {"[{\"image_id\":1", "is not JSON", false},
        {"7", "neither a list of masks", false},
        {"null", "neither a list of masks", false},
        {"{}", "neither a list of masks nor \"annotations\"", false},
        {"{\"annotations\":{\"image_id\":1}}", "masks must be a list", false},
        {"[[{\"image_id\":1}]]", "no object", false},
        {"[1]", "no object", false},
        {"[\"x\"]", "no object", false},
        {"{\"annotations\":[null]}", "no object", false},
        {"[{}]", "a mask without \"image_id\"", false},
        {"[{\"image_id\":\"1\"}]", "is text, not a number", false},
        {"[{\"image_id\":1.5}]", "no whole number", false},
        {"[{\"image_id\":99999999999999999999999}]", "no whole number", false},
        {"{\"images\":[{\"file_name\":\"a\"}],\"annotations\":[]}", "a picture without", false},
        {"{\"images\":[{\"id\":1,\"height\":99999,\"width\":4}],\"annotations\":[]}", "99999",
         false},
        {"[{\"image_id\":1}]", "has no \"segmentation\"", true},
        {"[{\"image_id\":1,\"segmentation\":5}]", "has no \"segmentation\"", true},
        {"[{\"image_id\":1,\"segmentation\":{}}]", "needs \"size\"", true},
        {"[{\"image_id\":1,\"segmentation\":{\"size\":[6,8]}}]", "needs \"counts\"", true},
        {"[{\"image_id\":1,\"segmentation\":{\"size\":[0,8],\"counts\":[]}}]", "a mask", true},
        {"[{\"image_id\":1,\"segmentation\":{\"size\":[-6,8],\"counts\":[48]}}]", "a mask", true},
        {"[{\"image_id\":1,\"segmentation\":{\"size\":[600000,800000],\"counts\":[1]}}]", "a mask",
         true},
        {"[{\"image_id\":1,\"segmentation\":{\"size\":[6,8],\"counts\":[1,2]}}]", "mask runs of 3",
         true},
        {"[{\"image_id\":1,\"segmentation\":{\"size\":[6,8],\"counts\":[1,-2,49]}}]",
         "a run that cannot be", true},
        {"[{\"image_id\":1,\"segmentation\":{\"size\":[6,8],\"counts\":[0.5,47.5]}}]",
         "a run that cannot be", true},
        {"[{\"image_id\":1,\"segmentation\":{\"size\":[6,8],\"counts\":\"\\u0001\"}}]",
         "damaged mask string", true},
        {"[{\"image_id\":1,\"segmentation\":[[1,1,4,1,4,4]]}]", "no \"images\" say how large",
         true},
        {"{\"images\":[{\"id\":1,\"height\":6,\"width\":8}],\"annotations\":[{\"image_id\":1,"
         "\"segmentation\":[[1,1,4,1]]}]}",
         "three whole corners", true},
        {"{\"images\":[{\"id\":1,\"height\":6,\"width\":8}],\"annotations\":[{\"image_id\":1,"
         "\"segmentation\":[[1,1,4,1,1e300,1]]}]}",
         "far outside", true},
        {"{\"images\":[{\"id\":1,\"height\":6,\"width\":8}],\"annotations\":[{\"image_id\":1,"
         "\"segmentation\":{\"size\":[8,6],\"counts\":[0,48]}}]}",
         "its picture of 8 x 6", true},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *path = put("bad.json", bad[i].text);
        struct mask_source s;
        struct region_list l;
        int status = mask_source_open(&s, path);
        bool opened = !status;
        if (opened) {
            status = mask_source_read(&s, 1, NULL, H, W, &l);
            region_list_free(&l);
        }
        if (opened != bad[i].opens || status != ERR_DATA || !strstr(error_message(), bad[i].says) ||
            !strstr(error_message(), "bad.json") ||
            (opened && !strstr(error_message(), "picture 1: ")))
            test_fail(__FILE__, __LINE__, "%s: %d \"%s\", expected \"%s\"", bad[i].text, status,
                      error_message(), bad[i].says);
        error_clear();
        mask_source_close(&s);
        free(path);
    }
}

TEST(what_is_no_mask_source_is_told) {
    struct mask_source s;
    char *file = put("masks.txt", "x"), *empty = test_path("empty"), *none = test_path("none.json");
    CHECK_OK(dir_make(empty));
    CHECK(!mask_source_is(file));
    CHECK(!mask_source_is(empty));
    CHECK_ERROR(mask_source_open(&s, file), ERR_DATA, "a .json file, or a folder");
    mask_source_close(&s);
    CHECK_ERROR(mask_source_open(&s, none), ERR_MISSING, "none.json");
    mask_source_close(&s);
    struct region_list l;
    CHECK_OK(mask_source_open(&s, empty));
    CHECK_ERROR(mask_source_read(&s, 3, "cat", H, W, &l), ERR_MISSING, "picture cat: ");
    mask_source_close(&s);
    char *dir = test_path("damaged"), *png = put("damaged/cat.png", "no png");
    CHECK_OK(mask_source_open(&s, dir));
    CHECK_ERROR(mask_source_read(&s, 3, "cat", H, W, &l), ERR_DATA, "damaged/cat.png");
    char *outside = path_join(dir, "cat"); /* what a set calls its pictures leads nowhere else */
    CHECK_ERROR(mask_source_read(&s, -1, "../damaged/cat", H, W, &l), ERR_MISSING, "no NAME.json");
    CHECK_ERROR(mask_source_read(&s, -1, outside, H, W, &l), ERR_MISSING, "no NAME.json");
    free(outside);
    region_list_free(&l);
    mask_source_close(&s);
    free(file);
    free(empty);
    free(none);
    free(dir);
    free(png);
}
