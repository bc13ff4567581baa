#include "data/coco.h"

#include <cjson/cJSON.h>

#include "base/file.h"
#include "base/hash.h"
#include "data/polygon.h"
#include "data/rle.h"
#include "tests/json_of.h"
#include "tests/test.h"

static void open_mini(struct dataset *d) {
    char *dir = test_coco_mini("train2017");
    char *captions = test_coco_mini("annotations/captions_train2017.json");
    char *instances = test_coco_mini("annotations/instances_train2017.json");
    CHECK_OK(dataset_open_coco(d, dir, captions, instances));
    free(dir);
    free(captions);
    free(instances);
}

TEST(the_80_photographs_open_with_captions_and_classes) {
    struct dataset d;
    open_mini(&d);
    CHECK_INT(d.n_images, 80);
    CHECK_INT(d.n_captions, 400);
    CHECK_INT(d.n_classes, 80);
    CHECK(d.has_labels && d.ignore == 255 && d.hash);
    CHECK_TEXT(d.class_name[0], "person");
    CHECK_TEXT(d.class_name[79], "toothbrush");
    for (int64_t i = 0; i < d.n_images; i++) {
        CHECK_INT(d.caption_at[i + 1] - d.caption_at[i], 5);
        if (i) CHECK(d.image_id[i] > d.image_id[i - 1]);
        for (int64_t k = d.caption_at[i] + 1; k < d.caption_at[i + 1]; k++)
            CHECK(d.caption_id[k] > d.caption_id[k - 1]);
    }
    bool found = false;
    for (int64_t k = 0; k < d.n_captions; k++)
        if (d.caption_id[k] == 88366) {
            found = true;
            CHECK_HAS(d.caption[k], "An airport filled with large passenger jets");
            CHECK(k >= d.caption_at[0]);
        }
    CHECK(found);
    dataset_close(&d);
}

TEST(label_maps_equal_pycocotools_painted_by_area) {
    struct dataset d;
    open_mini(&d);
    char *path = test_source("tests/golden/coco_labels.txt");
    FILE *f = fopen(path, "r");
    CHECK(f);
    for (int64_t i = 0; i < d.n_images; i++) {
        long long id;
        char hex[17];
        uint64_t want;
        CHECK_INT(fscanf(f, "%lld %16s", &id, hex), 2);
        CHECK_INT(id, d.image_id[i]);
        CHECK_OK(hash_parse(hex, &want));
        struct labels l;
        struct image im;
        CHECK_OK(d.source->labels(&d, i, &l));
        CHECK_OK(d.source->image(&d, i, &im));
        CHECK(l.h == im.h && l.w == im.w);
        uint8_t *narrow = mem_alloc((size_t)(l.h * l.w), 1);
        for (int64_t p = 0; p < l.h * l.w; p++) narrow[p] = (uint8_t)l.at[p];
        if (hash_bytes(narrow, (size_t)(l.h * l.w)) != want)
            test_fail(__FILE__, __LINE__, "label map of image %lld differs", id);
        free(narrow);
        labels_free(&l);
        image_free(&im);
    }
    fclose(f);
    free(path);
    dataset_close(&d);
}

static void fill_segmentation(const cJSON *s, struct mask *m) {
    if (cJSON_IsObject(s)) { /* a crowd of the photographs: plain counts */
        struct coco_rle r = {.h = m->h, .w = m->w};
        for (const cJSON *c = cJSON_GetObjectItem(s, "counts")->child; c; c = c->next)
            coco_rle_add(&r, (uint32_t)c->valuedouble);
        CHECK_OK(coco_rle_fill(r.count, r.n, m));
        coco_rle_free(&r);
        return;
    }
    for (const cJSON *p = s->child; p; p = p->next) {
        size_t n = (size_t)cJSON_GetArraySize(p), i = 0;
        int32_t *xy = mem_alloc(n, sizeof *xy);
        for (const cJSON *v = p->child; v; v = v->next)
            CHECK(polygon_snap(v->valuedouble, &xy[i++]));
        CHECK_OK(polygon_fill(xy, n / 2, m));
        free(xy);
    }
}

static const cJSON *by_id(const cJSON *list, long long id) {
    for (const cJSON *a = list->child; a; a = a->next)
        if ((long long)cJSON_GetObjectItem(a, "id")->valuedouble == id) return a;
    return NULL;
}

/* The mask, its area, and its RLE string both ways. */
static void check_annotation(const cJSON *a, long long h, long long w, long long area,
                             uint64_t want, uint64_t want_string) {
    struct mask m, back;
    struct coco_rle r, parsed;
    struct str s = {0};
    CHECK_OK(mask_alloc(&m, h, w));
    fill_segmentation(cJSON_GetObjectItem(a, "segmentation"), &m);
    CHECK_INT(mask_area(&m), area);
    CHECK(hash_bytes(m.at, (size_t)(h * w)) == want);
    CHECK_OK(coco_rle_encode(&m, &r));
    coco_rle_print(&r, &s);
    CHECK(hash_bytes(s.at, s.n) == want_string);
    CHECK_OK(coco_rle_parse(s.at, s.n, &parsed));
    parsed.h = h;
    parsed.w = w;
    CHECK_OK(coco_rle_decode(&parsed, &back));
    CHECK(!memcmp(m.at, back.at, (size_t)(h * w)));
    mask_free(&m);
    mask_free(&back);
    coco_rle_free(&r);
    coco_rle_free(&parsed);
    str_free(&s);
}

TEST(every_annotation_of_the_photographs_equals_pycocotools) {
    char *json_path = test_coco_mini("annotations/instances_train2017.json");
    cJSON *json = json_of(json_path);
    char *path = test_source("tests/golden/coco_masks.txt");
    FILE *f = fopen(path, "r");
    CHECK(f);
    long long id, h, w, area;
    char hex[17], string_hex[17];
    int n = 0;
    while (fscanf(f, "%lld %lld %lld %lld %16s %16s", &id, &h, &w, &area, hex, string_hex) == 6) {
        uint64_t want, want_string;
        CHECK_OK(hash_parse(hex, &want));
        CHECK_OK(hash_parse(string_hex, &want_string));
        const cJSON *a = by_id(cJSON_GetObjectItem(json, "annotations"), id);
        CHECK(a);
        check_annotation(a, h, w, area, want, want_string);
        n++;
    }
    CHECK_INT(n, 739);
    fclose(f);
    free(path);
    free(json_path);
    cJSON_Delete(json);
}

/* A small data set of our own, with room for mistakes. */
static const char *const head =
    "{\"images\": [{\"id\": 9, \"file_name\": \"b.png\", \"height\": 4, \"width\": 5},\n"
    "             {\"id\": 3, \"file_name\": \"a.png\", \"height\": 4, \"width\": 5}],\n"
    " \"categories\": [{\"id\": 7, \"name\": \"cat\"}, {\"id\": 2, \"name\": \"dog\"}],\n"
    " \"annotations\": [";

static int open_text(struct dataset *d, const char *captions, const char *instances) {
    char *c = captions ? test_path("captions.json") : NULL;
    char *i = instances ? test_path("instances.json") : NULL;
    if (c) CHECK_OK(file_write(c, captions, strlen(captions)));
    if (i) CHECK_OK(file_write(i, instances, strlen(instances)));
    int status = dataset_open_coco(d, test_dir(), c, i);
    free(c);
    free(i);
    return status;
}

static int open_annotations(struct dataset *d, const char *annotations) {
    char *text = mem_format("%s%s]}", head, annotations);
    int status = open_text(d, NULL, text);
    free(text);
    return status;
}

TEST(runs_strings_and_polygons_paint_small_over_large) {
    struct dataset d;
    /* All of image 3 is dog by a string (0 and 20 pixels), its middle column cat by counts, one
     * pixel dog by a polygon; equal areas: the later id. Keys in another order, unknown keys. */
    CHECK_OK(open_annotations(
        &d,
        "{\"id\": 4, \"extra\": {\"id\": [1, {\"a\": null}]}, \"image_id\": 3,"
        "  \"category_id\": 7, \"segmentation\": {\"counts\": [8, 4, 8], \"size\": [4, 5]}},"
        "{\"id\": 5, \"image_id\": 3, \"category_id\": 2, \"iscrowd\": 1,"
        "  \"segmentation\": {\"size\": [4, 5], \"counts\": \"0d0\"}},"
        "{\"id\": 2, \"image_id\": 3, \"category_id\": 7,"
        "  \"segmentation\": [[2, 1, 3, 1, 3, 2, 2, 2]]},"
        "{\"id\": 6, \"image_id\": 3, \"category_id\": 2,"
        "  \"segmentation\": [[2.0, 1, 3, 1, 3, 2, 2, 2]]},"
        "{\"id\": 1, \"image_id\": 3, \"category_id\": 7, \"segmentation\": []}"));
    CHECK_INT(d.n_images, 2);
    CHECK_INT(d.image_id[0], 3);
    CHECK_TEXT(d.class_name[0], "dog");
    CHECK_TEXT(d.class_name[1], "cat");
    struct labels l;
    CHECK_OK(d.source->labels(&d, 0, &l));
    for (int64_t i = 0; i < 20; i++) CHECK_INT(l.at[i], i % 5 == 2 && i != 7);
    labels_free(&l);
    CHECK_OK(d.source->labels(&d, 1, &l));
    for (int64_t i = 0; i < 20; i++) CHECK_INT(l.at[i], 255);
    labels_free(&l);
    dataset_close(&d);
}

TEST(mistakes_name_the_file_and_the_place) {
    static const struct {
        const char *text, *what;
    } bad[] = {
        {"{\"id\": 1, \"category_id\": 2}", "instances.json:4: byte 255: an annotation without"},
        {"{\"image_id\": 3, \"category_id\": 2}", "annotation without \"id\""},
        {"{\"id\": 1, \"image_id\": 3}",
         "annotation 1: has neither \"caption\" nor \"category_id\": write one, or take it out"},
        {"{\"id\": 7, \"image_id\": 3, \"caption\": null}",
         "annotation 7: its \"caption\" is no text: write it, or take the annotation out"},
        {"{\"id\": 7, \"image_id\": 3, \"caption\": 8}",
         "annotation 7: \"caption\" in \"annotations\" must be text, not a number"},
        {"{\"id\": \"x\"}", "\"id\" in \"annotations\" must be a number"},
        {"{\"id\": 1.5}", "must be a whole number"},
        {"{\"id\": 99999999999999999999}", "must be a whole number"},
        {"{\"id\": [1]}", "must not be a list"},
        {"{\"id\": {}}", "must not be an object"},
        {"{\"id\": 1, \"image_id\": 4, \"category_id\": 2}", "annotation 1 is of image 4"},
        {"[1]", "must be a list of objects"},
        {"{\"id\": tru}", "is not JSON"},
        {"{\"a\": 1e999999999999999999999999999999999999999999}", "digits"},
    };
    struct dataset d;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int status = open_annotations(&d, bad[i].text);
        if (status != ERR_DATA || !strstr(error_message(), bad[i].what) ||
            !strstr(error_message(), "instances.json"))
            test_fail(__FILE__, __LINE__, "%s: %d \"%s\"", bad[i].text, status, error_message());
        error_clear();
        CHECK(!d.source && !d.state);
    }
}

TEST(a_mistake_in_an_annotation_is_its_pictures_alone) {
    static const struct {
        const char *text, *what;
    } bad[] = {
        {"\"category_id\": 3", "is of category 3, which is not listed"},
        {"\"category_id\": \"cat\"", "\"category_id\" in \"annotations\" must be a number"},
        {"\"category_id\": 2, \"segmentation\": [[1, 2, 3, 4, 5]]", "three whole corners"},
        {"\"category_id\": 2, \"segmentation\": [[1, 2, 3, 4]]",
         "three whole corners, x and y of each: draw it again, or take it out"},
        {"\"category_id\": 2, \"segmentation\": [[1, 2, 3, 4, 1e99, 2]]", "far outside"},
        {"\"category_id\": 2, \"segmentation\": [1, 2]", "must be lists of numbers"},
        {"\"category_id\": 2, \"segmentation\": [[[1]]]", "nested too deep"},
        {"\"category_id\": 2, \"segmentation\": [{\"a\": [1]}]", "nested too deep"},
        {"\"category_id\": 2, \"segmentation\": [[null]]", "is no number"},
        {"\"category_id\": 2, \"segmentation\": {\"counts\": [-1], \"size\": [4, 5]}", "cannot be"},
        {"\"category_id\": 2, \"segmentation\": {\"counts\": \"!\"}", "damaged mask string"},
        {"\"category_id\": 2, \"segmentation\": {\"counts\": [1]}", "needs \"size\""},
        {"\"category_id\": 2, \"segmentation\": {\"counts\": [1], \"size\": [4, 5]}",
         "mask runs of 1 pixels"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = mem_format(
            "{\"id\": 1, \"image_id\": 3, %s}, {\"id\": 2, \"image_id\": 9, "
            "\"category_id\": 2, \"segmentation\": [[0, 0, 3, 0, 3, 3]]}",
            bad[i].text);
        struct dataset d;
        struct labels l;
        CHECK_OK(open_annotations(&d, text));
        CHECK_OK(d.source->labels(&d, 1, &l));
        CHECK_INT(l.at[1], 0);
        labels_free(&l);
        CHECK(d.source->labels(&d, 0, &l) == ERR_DATA);
        CHECK_HAS(error_message(), "instances.json: image 3: annotation 1: ");
        CHECK_HAS(error_message(), bad[i].what);
        error_clear();
        dataset_close(&d);
        free(text);
    }
}

TEST(a_caption_of_no_image_is_a_mistake_of_the_captions) {
    static const char captions[] =
        "{\"images\": [], \"annotations\": [{\"id\": 1, \"image_id\": 4, \"caption\": \"a\"}]}";
    struct dataset d;
    char *instances = mem_format("%s]}", head);
    CHECK_ERROR(open_text(&d, captions, instances), ERR_DATA,
                "captions.json: caption 1 is of image 4");
    free(instances);
}

TEST(files_that_are_not_coco_are_refused) {
    struct dataset d;
    CHECK_ERROR(open_text(&d, NULL, "[]"), ERR_DATA, "no object at the top");
    CHECK_ERROR(open_text(&d, NULL, "7"), ERR_DATA, "instances.json");
    CHECK_ERROR(open_text(&d, NULL, "{}"), ERR_DATA, "has no \"images\"");
    CHECK_ERROR(open_text(&d, NULL, "{\"images\": []}"), ERR_DATA, "has no \"annotations\"");
    CHECK_ERROR(open_text(&d, NULL, "{\"images\": {}}"), ERR_DATA, "list of objects");
    CHECK_ERROR(open_text(&d, NULL, ""), ERR_DATA, "is not JSON");
    CHECK_ERROR(open_text(&d, NULL, "{\"images\": [{\"id\": 1"), ERR_DATA, "is not JSON");
    CHECK_ERROR(open_text(&d, "{\"images\": [], \"annotations\": []}", NULL), ERR_DATA,
                "has no captions");
    CHECK_ERROR(open_text(&d, NULL, "{\"images\": [{\"id\": 1, \"file_name\": \"a/../../b\"}]}"),
                ERR_DATA, "leads out of the folder");
    CHECK_ERROR(open_text(&d, NULL,
                          "{\"images\": [{\"id\": 1, \"file_name\": \"a\", \"height\": 70000,"
                          "\"width\": 1}]}"),
                ERR_DATA, "are too many");
    CHECK_ERROR(open_text(&d, NULL, "{\"images\": [], \"annotations\": []}"), ERR_DATA,
                "has no categories");
    CHECK_ERROR(open_text(&d, NULL,
                          "{\"images\": [], \"annotations\": "
                          "[{\"id\": 1, \"image_id\": 1, \"caption\": \"c\"}]}"),
                ERR_DATA, "holds captions");
    CHECK_ERROR(dataset_open_coco(&d, "/nonexistent", "x", NULL), ERR_MISSING, "/nonexistent");
    CHECK_ERROR(dataset_open_coco(&d, test_dir(), "/nonexistent.json", NULL), ERR_MISSING,
                "/nonexistent.json");
    struct str deep = {0};
    str_add(&deep, "{\"x\": ");
    for (int i = 0; i < 4000; i++) str_add(&deep, "[");
    CHECK_ERROR(open_text(&d, NULL, deep.at), ERR_DATA, "nested deeper than 64");
    str_free(&deep);
}

TEST(keys_of_other_sections_mean_nothing) {
    struct dataset d;
    CHECK_OK(open_text(&d, NULL,
                       "{\"images\": [{\"id\": 1, \"file_name\": \"a\", \"segmentation\": \"x\"},"
                       "{\"id\": 2, \"file_name\": \"b\", \"segmentation\": {\"counts\": 3}}],"
                       "\"annotations\": [],"
                       "\"categories\": [{\"id\": 1, \"name\": \"n\", \"segmentation\": [7]}]}"));
    CHECK_INT(d.n_images, 2);
    dataset_close(&d);
}

TEST(a_sample_that_cannot_be_read_is_an_error_of_its_own) {
    struct dataset d;
    CHECK_OK(open_annotations(&d,
                              "{\"id\": 1, \"image_id\": 9, \"category_id\": 2,"
                              "\"segmentation\": {\"size\": [4, 6], \"counts\": [24]}},"
                              "{\"id\": 2, \"image_id\": 3, \"category_id\": 2,"
                              "\"segmentation\": {\"size\": [4, 5], \"counts\": [24]}}"));
    struct labels l;
    struct image im;
    CHECK_ERROR(d.source->labels(&d, 1, &l), ERR_DATA, "image 9: annotation 1: runs for 6 x 4");
    CHECK_ERROR(d.source->labels(&d, 0, &l), ERR_DATA, "image 3: annotation 2: mask runs of");
    CHECK_ERROR(d.source->image(&d, 0, &im), ERR_MISSING, "a.png");
    char *path = test_path("a.png");
    struct image small = {0};
    struct bytes png;
    CHECK_OK(image_alloc(&small, 4, 4, 3));
    CHECK_OK(image_encode_png(&small, &png));
    CHECK_OK(file_write(path, png.at, png.n));
    CHECK_ERROR(d.source->image(&d, 0, &im), ERR_DATA, "a.png: is 4 x 4");
    image_free(&small);
    bytes_free(&png);
    free(path);
    dataset_close(&d);
}

TEST(captions_alone_make_a_data_set_without_labels) {
    struct dataset d;
    CHECK_OK(open_text(&d,
                       "{\"annotations\": [{\"id\": 2, \"image_id\": 5, \"caption\": \"b\"},"
                       "{\"caption\": \"a\\u00e9\", \"image_id\": 5, \"id\": 1}],"
                       "\"images\": [{\"id\": 5, \"file_name\": \"sub/x.jpg\"}]}",
                       NULL));
    CHECK_INT(d.n_captions, 2);
    CHECK_TEXT(d.caption[0], "a\xc3\xa9");
    CHECK_TEXT(d.caption[1], "b");
    CHECK(!d.has_labels && d.n_classes == 0);
    struct labels l;
    CHECK_ERROR(d.source->labels(&d, 0, &l), ERR_MISSING, "has no annotations");
    dataset_close(&d);
}
