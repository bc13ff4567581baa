/* COCO: the JSON of captions and instances, and masks as run lengths. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/coco.h"
#include "data/rle.h"
#include "tests/fuzz/fuzz.h"

/* ---- both files, one behind the other, with a NUL between ---- */

static const char images[] =
    "\"images\":[{\"id\":7,\"file_name\":\"a.jpg\",\"height\":48,\"width\":64},"
    "{\"id\":9,\"file_name\":\"b.jpg\",\"height\":40,\"width\":30,\"license\":[1,{\"x\":null}]}]";

static void add_seed(struct corpus *c, const char *captions, const char *instances) {
    char *a = mem_format("{%s,\"annotations\":[%s]}", images, captions);
    char *b = mem_format(
        "{%s,\"categories\":[{\"id\":1,\"name\":\"cat\"},{\"id\":3,\"name\":"
        "\"dog\"}],\"annotations\":[%s]}",
        images, instances);
    struct str both = {0};
    str_put(&both, a, strlen(a) + 1);
    str_put(&both, b, strlen(b));
    corpus_add(c, both.at, both.n);
    str_free(&both);
    free(a);
    free(b);
}

static void put_picture(const char *from, const char *to) {
    char *a = path_join(TEST_SOURCE_DIR, from), *b = fuzz_path(to);
    struct bytes bytes;
    REQUIRE(!file_read(a, FUZZ_MAX, &bytes) && !file_write(b, bytes.at, bytes.n), "%s",
            error_message());
    bytes_free(&bytes);
    free(a);
    free(b);
}

static void coco_seeds(struct corpus *c) {
    put_picture("tests/golden/images/photo.jpg", "a.jpg");
    put_picture("tests/golden/images/grey.jpg", "b.jpg");
    add_seed(c,
             "{\"id\":1,\"image_id\":7,\"caption\":\"A cat.\"},"
             "{\"image_id\":9,\"id\":2,\"caption\":\"a d\\u00f6g \\\"x\\\"\"}",
             "{\"id\":1,\"image_id\":7,\"category_id\":3,\"area\":6.5,\"iscrowd\":0,"
             "\"segmentation\":[[1,1,10.5,1,10.5,8.25,1,8],[20,20,30,20,25,30]]},"
             "{\"id\":2,\"image_id\":9,\"category_id\":1,\"iscrowd\":1,\"segmentation\":"
             "{\"size\":[40,30],\"counts\":[100,50,1050]}}");
    add_seed(c, "{\"id\":5,\"image_id\":7,\"caption\":\"\"}",
             "{\"id\":4,\"image_id\":9,\"category_id\":1,\"segmentation\":"
             "{\"counts\":\"Yc3h0\",\"size\":[40,30]}},"
             "{\"id\":3,\"image_id\":7,\"category_id\":1,\"segmentation\":[]}");
}

static int run_coco(const uint8_t *data, size_t n) {
    const uint8_t *nul = n ? memchr(data, 0, n) : NULL;
    size_t first = nul ? (size_t)(nul - data) : n, rest = nul ? n - first - 1 : 0;
    char *captions = fuzz_path("captions.json"), *instances = fuzz_path("instances.json");
    struct dataset d;
    int status = file_write(captions, data, first);
    if (!status && nul) status = file_write(instances, nul + 1, rest);
    if (!status) status = dataset_open_coco(&d, fuzz_dir(), captions, nul ? instances : NULL);
    if (!status) {
        fuzz_dataset(&d);
        dataset_close(&d);
    }
    free(captions);
    free(instances);
    return status;
}

FUZZ(coco, .seeds = coco_seeds, .run = run_coco, .codes = {ERR_DATA, ERR_MISSING});

/* ---- run lengths: height, width, then COCO's string, or ours behind an odd height ---- */

static void draw(struct mask *m, int64_t h, int64_t w) {
    REQUIRE(!mask_alloc(m, h, w), "%s", error_message());
    for (int64_t y = h / 4; y < h / 2; y++) memset(m->at + y * w + w / 3, 1, (size_t)(w / 2));
}

static void rle_seeds(struct corpus *c) {
    struct mask m;
    struct str text = {0};
    struct coco_rle r = {0};
    draw(&m, 40, 30);
    REQUIRE(!coco_rle_encode(&m, &r), "%s", error_message());
    str_put(&text, "\x28\x1e", 2);
    coco_rle_print(&r, &text);
    corpus_add(c, text.at, text.n);
    coco_rle_free(&r);
    mask_free(&m);

    struct bytes packed;
    draw(&m, 41, 200);
    REQUIRE(!rle_pack(&m, &packed), "%s", error_message());
    text.n = 0;
    str_put(&text, "\x29\xc8", 2);
    str_put(&text, packed.at, packed.n);
    corpus_add(c, text.at, text.n);
    bytes_free(&packed);
    mask_free(&m);
    str_free(&text);
}

static int run_string(const uint8_t *data, size_t n, int64_t h, int64_t w) {
    struct coco_rle r = {0}, again = {0};
    struct mask m;
    int status = coco_rle_parse((const char *)data, n, &r);
    if (!status) {
        r.h = h;
        r.w = w;
        status = coco_rle_decode(&r, &m);
    }
    if (!status) {
        struct mask same;
        REQUIRE(!coco_rle_encode(&m, &again) && !coco_rle_decode(&again, &same), "%s",
                error_message());
        REQUIRE(memcmp(m.at, same.at, (size_t)(h * w)) == 0, "reads differently");
        mask_free(&same);
        mask_free(&m);
    }
    coco_rle_free(&again);
    coco_rle_free(&r);
    return status;
}

static int run_packed(const uint8_t *data, size_t n, int64_t h, int64_t w) {
    struct mask m;
    int64_t area;
    struct box box, tight;
    int measured = rle_measure(data, n, h, w, &area, &box);
    error_clear();
    int status = rle_unpack(data, n, h, w, &m);
    REQUIRE(status == measured, "unpacking says %d, measuring %d", status, measured);
    if (status) return status;
    REQUIRE(area == mask_area(&m), "an area of %lld", (long long)area);
    if (mask_box(&m, &tight)) REQUIRE(memcmp(&box, &tight, sizeof box) == 0, "another box");
    mask_free(&m);
    return 0;
}

static int run_rle(const uint8_t *data, size_t n) {
    if (n < 2) return error_set(ERR_DATA, "too short");
    int64_t h = data[0] ? data[0] : 1, w = data[1] ? data[1] : 1;
    return (h % 2 ? run_packed : run_string)(data + 2, n - 2, h, w);
}

FUZZ(rle, .seeds = rle_seeds, .run = run_rle, .codes = {ERR_DATA});
