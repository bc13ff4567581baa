#include "data/resize.h"

#include <cjson/cJSON.h>

#include "base/hash.h"
#include "base/rng.h"
#include "data/resize_cv.h"
#include "tests/json_of.h"
#include "tests/test.h"

/* The source of tests/golden/make_resize.py. */
static void noise(struct image *im, int64_t h, int64_t w, int64_t c) {
    CHECK_OK(image_alloc(im, h, w, c));
    for (int64_t i = 0; i < h * w * c; i++) {
        uint32_t x = (uint32_t)i * 2654435761U;
        x ^= x >> 16;
        x *= 0x45d9f3bU;
        x ^= x >> 16;
        im->at[i] = (uint8_t)x;
    }
}

static enum resize_filter filter_of(const char *name) {
    return !strcmp(name, "nearest")    ? RESIZE_NEAREST
           : !strcmp(name, "bilinear") ? RESIZE_BILINEAR
                                       : RESIZE_BICUBIC;
}

static uint64_t hash_of(const struct image *im) {
    return hash_bytes(im->at, (size_t)(im->h * im->w * im->c));
}

TEST(every_resize_equals_pillow_bit_for_bit) {
    char *path = test_source("tests/golden/resize.txt");
    FILE *f = fopen(path, "r");
    CHECK(f);
    long long c, h, w, oh, ow;
    char name[16], hex[17];
    struct resize_box box;
    int n = 0;
    while (fscanf(f, "%lld %lld %lld %15s %lld %lld %f %f %f %f %16s", &c, &h, &w, name, &oh, &ow,
                  &box.x0, &box.y0, &box.x1, &box.y1, hex) == 11) {
        struct image in, out;
        uint64_t want;
        CHECK_OK(hash_parse(hex, &want));
        noise(&in, h, w, c);
        CHECK_OK(image_resize(&in, &box, oh, ow, filter_of(name), &out));
        if (hash_of(&out) != want)
            test_fail(__FILE__, __LINE__, "line %d: %s %lldx%lldx%lld -> %lldx%lld differs", n + 1,
                      name, c, h, w, oh, ow);
        image_free(&in);
        image_free(&out);
        n++;
    }
    fclose(f);
    free(path);
    CHECK_INT(n, 210);
}

/* Of many sizes, a part from anywhere: what the whole has there. */
static void check_part(const struct image *in, enum resize_filter filter, struct rng *r) {
    int64_t h = 1 + rng_below(r, 90), w = 1 + rng_below(r, 90);
    if (rng_chance(r, 0.2)) h = in->h; /* a pass that has nothing to do is left out */
    if (rng_chance(r, 0.2)) w = in->w;
    int64_t y = rng_below(r, h), x = rng_below(r, w);
    struct box part = {x, y, x + 1 + rng_below(r, w - x), y + 1 + rng_below(r, h - y)};
    struct image all, want, got;
    CHECK_OK(image_resize(in, NULL, h, w, filter, &all));
    CHECK_OK(image_crop(&all, part, &want));
    CHECK_OK(image_resize_part(in, h, w, filter, part, &got));
    CHECK_INT(got.h, want.h);
    CHECK_INT(got.w, want.w);
    CHECK(memcmp(got.at, want.at, (size_t)(want.h * want.w * want.c)) == 0);
    image_free(&all);
    image_free(&want);
    image_free(&got);
}

TEST(a_part_that_is_resized_alone_is_that_part_of_the_whole) {
    struct rng r = rng_stream(1, "parts", 0);
    for (int i = 0; i < 400; i++) {
        struct image in;
        noise(&in, 1 + rng_below(&r, 60), 1 + rng_below(&r, 60), i % 5 ? 3 : 1);
        check_part(&in, i % 2 ? RESIZE_BILINEAR : RESIZE_BICUBIC, &r);
        image_free(&in);
    }
}

TEST(a_part_of_a_label_map_is_that_part_of_the_whole) {
    struct rng r = rng_stream(2, "parts", 0);
    for (int i = 0; i < 200; i++) {
        int64_t h = 1 + rng_below(&r, 150), w = 1 + rng_below(&r, 150);
        int64_t y = rng_below(&r, h), x = rng_below(&r, w);
        struct box part = {x, y, x + 1 + rng_below(&r, w - x), y + 1 + rng_below(&r, h - y)};
        struct labels in, all, got;
        CHECK_OK(labels_alloc(&in, 1 + rng_below(&r, 99), 1 + rng_below(&r, 99)));
        for (int64_t k = 0; k < in.h * in.w; k++) in.at[k] = (uint16_t)k;
        CHECK_OK(labels_resize_nearest_torch(&in, h, w, &all));
        CHECK_OK(labels_resize_part(&in, h, w, part, &got));
        for (int64_t v = 0; v < got.h; v++)
            CHECK(memcmp(got.at + v * got.w, all.at + (y + v) * w + x, (size_t)got.w * 2) == 0);
        labels_free(&in);
        labels_free(&all);
        labels_free(&got);
    }
}

static bool same_nearest_cv(const struct image *bytes, int64_t h, int64_t w, int64_t oh, int64_t ow,
                            uint64_t want) {
    struct labels in, out;
    CHECK_OK(labels_alloc(&in, h, w));
    memcpy(in.at, bytes->at, (size_t)(h * w) * 2);
    CHECK_OK(labels_resize_cv_nearest(&in, oh, ow, &out));
    bool same = hash_bytes(out.at, (size_t)(oh * ow) * 2) == want;
    labels_free(&in);
    labels_free(&out);
    return same;
}

TEST(every_resize_of_opencvs_equals_opencv_bit_for_bit) {
    char *path = test_source("tests/golden/resize_cv.txt");
    FILE *f = fopen(path, "r");
    CHECK(f);
    long long c, h, w, oh, ow;
    char name[16], hex[17];
    int n = 0;
    while (fscanf(f, "%15s %lld %lld %lld %lld %lld %16s", name, &c, &h, &w, &oh, &ow, hex) == 7) {
        bool linear = !strcmp(name, "linear"), same;
        struct image in, out = {0};
        uint64_t want;
        CHECK_OK(hash_parse(hex, &want));
        noise(&in, h, w, linear ? c : 2);
        if (linear) CHECK_OK(image_resize_cv_linear(&in, oh, ow, &out));
        same = linear ? hash_of(&out) == want : same_nearest_cv(&in, h, w, oh, ow, want);
        if (!same)
            test_fail(__FILE__, __LINE__, "line %d: %s %lldx%lldx%lld -> %lldx%lld differs", n + 1,
                      name, c, h, w, oh, ow);
        image_free(&in);
        image_free(&out);
        n++;
    }
    fclose(f);
    free(path);
    CHECK_INT(n, 200);
}

TEST(no_box_means_the_whole_image) {
    struct image in, a, b;
    struct resize_box all = {0, 0, 37, 21};
    noise(&in, 21, 37, 3);
    for (int f = RESIZE_NEAREST; f <= RESIZE_BICUBIC; f++) {
        CHECK_OK(image_resize(&in, NULL, 30, 19, (enum resize_filter)f, &a));
        CHECK_OK(image_resize(&in, &all, 30, 19, (enum resize_filter)f, &b));
        CHECK(hash_of(&a) == hash_of(&b));
        image_free(&a);
        image_free(&b);
    }
    image_free(&in);
}

static cJSON *vectors(void) { return json_of_source("tests/golden/reference-vectors.json"); }

TEST(one_row_agrees_with_the_reference_vectors_v10) {
    static const struct {
        const char *name;
        enum resize_filter filter;
        int64_t w;
    } cases[] = {{"V10_pil_bilinear_5to3", RESIZE_BILINEAR, 3},
                 {"V10_pil_bilinear_5to8", RESIZE_BILINEAR, 8},
                 {"V10_pil_bicubic_5to3", RESIZE_BICUBIC, 3}};
    cJSON *v = vectors();
    uint8_t row[] = {0, 50, 100, 150, 250};
    struct image in = {.h = 1, .w = 5, .c = 1, .at = row};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image out;
        CHECK_OK(image_resize(&in, NULL, 1, cases[i].w, cases[i].filter, &out));
        const cJSON *want = cJSON_GetArrayItem(cJSON_GetObjectItem(v, cases[i].name), 0);
        for (int k = 0; k < (int)cases[i].w; k++)
            CHECK_INT(out.at[k], cJSON_GetArrayItem(want, k)->valueint);
        image_free(&out);
    }
    cJSON_Delete(v);
}

TEST(label_maps_take_the_rows_that_torch_takes_v10) {
    static const char *names[] = {"V10_nearest_5to8", "V10_nearest_5to3"};
    cJSON *v = vectors();
    uint16_t row[] = {0, 1, 2, 3, 4};
    struct labels in = {.h = 1, .w = 5, .at = row}, out;
    for (int i = 0; i < 2; i++) {
        const cJSON *want = cJSON_GetObjectItem(v, names[i]);
        int n = cJSON_GetArraySize(want);
        CHECK_OK(labels_resize_nearest_torch(&in, 1, n, &out));
        for (int k = 0; k < n; k++) CHECK_INT(out.at[k], cJSON_GetArrayItem(want, k)->valueint);
        labels_free(&out);
    }
    cJSON_Delete(v);
    /* Pillow takes 0, 2, 4 of 5 to 3. */
    uint8_t bytes[] = {0, 1, 2, 3, 4};
    struct image pil = {.h = 1, .w = 5, .c = 1, .at = bytes}, small;
    CHECK_OK(image_resize(&pil, NULL, 1, 3, RESIZE_NEAREST, &small));
    CHECK_INT(small.at[1], 2);
    image_free(&small);
}

TEST(torch_nearest_of_float32_is_not_exact_arithmetic) {
    CHECK_INT(nearest_index_f32(112, 62, 224), 30); /* reference-spec 1.4: 31 exactly */
    CHECK_INT(nearest_index_f64(112, 62, 224), 31);
    CHECK_INT(nearest_index_f32(223, 7, 224), 6);
}

TEST(shortest_edge_sizes_equal_v15) {
    cJSON *v = vectors();
    int n = 0;
    for (const cJSON *c = cJSON_GetObjectItem(v, "V15_rse")->child; c; c = c->next, n++) {
        long long h, w, lo, hi;
        CHECK_INT(sscanf(c->string, "%lldx%lld@%lld/%lld", &h, &w, &lo, &hi), 4);
        int64_t oh, ow;
        resize_shortest_edge(h, w, lo, hi, &oh, &ow);
        CHECK_INT(oh, cJSON_GetArrayItem(c, 0)->valueint);
        CHECK_INT(ow, cJSON_GetArrayItem(c, 1)->valueint);
    }
    CHECK_INT(n, 5);
    cJSON_Delete(v);
}
