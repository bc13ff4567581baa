/* Training samples of the proposal network, and the colours they are given. */
#include "data/segment_sample.h"

#include <cjson/cJSON.h>

#include "base/hash.h"
#include "data/colour_jitter.h"
#include "data/resize.h"
#include "tests/json_of.h"
#include "tests/test.h"

static void numbers(const cJSON *json, const char *key, uint8_t to[512][3]) {
    const cJSON *list = cJSON_GetObjectItem(json, key), *x;
    int i = 0;
    CHECK_INT(cJSON_GetArraySize(list), 512 * 3);
    cJSON_ArrayForEach(x, list) {
        to[i / 3][i % 3] = (uint8_t)x->valueint;
        i++;
    }
}

TEST(colours_turn_as_opencvs_do) {
    uint8_t rgb[512][3] = {{0}}, hsv[512][3] = {{0}}, to[512][3] = {{0}}, back[512][3] = {{0}};
    uint8_t got[512][3];
    cJSON *json = json_of_source("tests/golden/colour.json");
    numbers(json, "rgb", rgb);
    numbers(json, "hsv", hsv);
    numbers(json, "rgb_to_hsv", to);
    numbers(json, "hsv_to_rgb", back);
    cJSON_Delete(json);
    colour_to_hsv(rgb[0], 512, got[0]);
    CHECK(memcmp(got, to, sizeof to) == 0);
    colour_from_hsv(hsv[0], 512, got[0]);
    CHECK(memcmp(got, back, sizeof back) == 0);
}

/* As tests/golden/make_colour.py walks them. */
TEST(every_colour_turns_as_opencvs_does) {
    static uint8_t in[1 << 16][3], out[1 << 16][3];
    struct hasher to, back;
    hasher_open(&to);
    hasher_open(&back);
    for (int a = 0; a < 256; a++) {
        for (int i = 0; i < 1 << 16; i++) {
            in[i][0] = (uint8_t)a;
            in[i][1] = (uint8_t)(i >> 8);
            in[i][2] = (uint8_t)i;
        }
        colour_to_hsv(in[0], 1 << 16, out[0]);
        hasher_add(&to, out, sizeof out);
        if (a >= 180) continue;
        colour_from_hsv(in[0], 1 << 16, out[0]);
        hasher_add(&back, out, sizeof out);
    }
    char hex[2][17];
    hash_hex(hasher_close(&to), hex[0]);
    hash_hex(hasher_close(&back), hex[1]);
    cJSON *json = json_of_source("tests/golden/colour.json");
    CHECK_TEXT(hex[0], cJSON_GetObjectItem(json, "all_to_hsv")->valuestring);
    CHECK_TEXT(hex[1], cJSON_GetObjectItem(json, "all_from_hsv")->valuestring);
    cJSON_Delete(json);
}

TEST(the_end_of_a_row_turns_as_opencvs_does) {
    uint8_t rgb[512][3] = {{0}}, got[512][3];
    cJSON *json = json_of_source("tests/golden/colour.json");
    numbers(json, "hsv", rgb);
    const cJSON *rows = cJSON_GetObjectItem(json, "rows"), *want;
    cJSON_ArrayForEach(want, rows) { /* of 1, 2, ... pixels */
        int64_t n = strtoll(want->string, NULL, 10);
        char hex[17];
        colour_from_hsv(rgb[0], n, got[0]);
        hash_hex(hash_bytes(got, (size_t)n * 3), hex);
        CHECK_TEXT(hex, want->valuestring);
    }
    cJSON_Delete(json);
}

/* A picture whose colours tell where a pixel was: red its column, green its row; labels too. */
static void make(int64_t h, int64_t w, struct image *im, struct labels *l) {
    CHECK_OK(image_alloc(im, h, w, 3));
    CHECK_OK(labels_alloc(l, h, w));
    for (int64_t i = 0; i < h * w; i++) {
        im->at[3 * i] = (uint8_t)(i % w);
        im->at[3 * i + 1] = (uint8_t)(i / w);
        l->at[i] = (uint16_t)(i % w + 100 * (i / w));
    }
}

static void check_place(const uint8_t *pixel, uint16_t label, int64_t y, int64_t x) {
    CHECK_INT(pixel[0], x);
    CHECK_INT(pixel[1], y);
    CHECK_INT(label, x + 100 * y);
}

TEST(a_small_picture_is_padded_on_the_right_and_below_also_when_mirrored) {
    struct segment_data_options o = {.single_area = 1, .mirror = true};
    bool seen[2] = {false, false};
    for (uint64_t i = 0; i < 20; i++) {
        struct rng r = rng_stream(1, "sample", i);
        struct image im = {0};
        struct labels l = {0};
        uint8_t pixels[7 * 6 * 3];
        uint16_t map[7 * 6];
        make(4, 5, &im, &l);
        CHECK_OK(segment_sample(&o, &r, &im, &l, 7, 6, 255, pixels, map));
        bool mirrored = pixels[0] != 0;
        seen[mirrored] = true;
        for (int64_t y = 0; y < 7; y++)
            for (int64_t x = 0; x < 6; x++) {
                const uint8_t *pixel = pixels + 3 * (y * 6 + x);
                uint16_t label = map[y * 6 + x];
                if (y < 4 && x < 5)
                    check_place(pixel, label, y, mirrored ? 4 - x : x);
                else
                    CHECK(label == 255 && pixel[0] == 128 && pixel[1] == 128 && pixel[2] == 128);
            }
        image_free(&im);
        labels_free(&l);
    }
    CHECK(seen[0] && seen[1]);
}

TEST(parts_come_from_everywhere_and_sizes_are_drawn) {
    int64_t sizes[] = {16, 32};
    struct segment_data_options o = {.sizes = {sizes, 2}, .longest = 40, .single_area = 1};
    int64_t largest_x = 0, largest_y = 0, seen[2] = {0, 0};
    for (uint64_t i = 0; i < 400; i++) {
        struct rng r = rng_stream(2, "sample", i);
        struct rng again = r;
        struct image im = {0}, whole = {0};
        struct labels l = {0};
        uint8_t pixels[8 * 8 * 3];
        uint16_t map[8 * 8];
        make(16, 24, &im, &l);
        CHECK_OK(segment_sample(&o, &r, &im, &l, 8, 8, 255, pixels, map));
        bool small = rng_below(&again, 2) == 0;
        seen[small]++;
        if (small) {
            check_place(pixels, map[0], map[0] / 100, map[0] % 100);
            largest_x = map[0] % 100 > largest_x ? map[0] % 100 : largest_x;
            largest_y = map[0] / 100 > largest_y ? map[0] / 100 : largest_y;
        } else { /* 32 x 48, whose long side is too long */
            int64_t y = rng_below(&again, 27 - 8 + 1), x = rng_below(&again, 40 - 8 + 1);
            CHECK_OK(image_resize(&im, NULL, 27, 40, RESIZE_BILINEAR, &whole));
            for (int64_t k = 0; k < 8; k++)
                CHECK(memcmp(whole.at + 3 * ((y + k) * 40 + x), pixels + 3 * 8 * k, 3 * 8) == 0);
        }
        image_free(&whole);
        image_free(&im);
        labels_free(&l);
    }
    CHECK(largest_x == 16 && largest_y == 8);
    CHECK(seen[0] > 150 && seen[1] > 150);
}

TEST(a_picture_of_one_line_is_shrunk_along_it_alone) {
    int64_t size = 8;
    struct segment_data_options o = {.sizes = {&size, 1}, .longest = 16, .single_area = 1};
    for (int tall = 0; tall < 2; tall++) {
        struct rng r = rng_stream(4, "sample", 0);
        struct image im = {0};
        struct labels l = {0};
        uint8_t pixels[8 * 8 * 3];
        uint16_t map[8 * 8];
        make(tall ? 200 : 1, tall ? 1 : 200, &im, &l);
        CHECK_OK(segment_sample(&o, &r, &im, &l, 8, 8, 65535, pixels, map));
        CHECK((map[tall ? 1 : 8] == 65535) && (map[tall ? 8 : 1] != 65535));
        image_free(&im);
        labels_free(&l);
    }
}

/* Mean over many draws of what a grey and a red become: each change comes half of the time. */
TEST(colours_are_changed_by_chance_and_stay_colours) {
    int64_t same = 0, hue = 0;
    for (uint64_t i = 0; i < 2000; i++) {
        struct rng r = rng_stream(3, "jitter", i);
        uint8_t at[6] = {200, 60, 60, 100, 100, 100};
        struct image im = {1, 2, 3, at};
        colour_jitter(&im, &r);
        same += at[0] == 200 && at[1] == 60 && at[2] == 60;
        hue += abs(at[1] - at[2]) > 4; /* only a turn of the hue tells green from blue */
        CHECK(abs(at[3] - at[4]) <= 1 && abs(at[4] - at[5]) <= 1); /* grey has no hue */
        CHECK(at[3] >= 32 && at[3] <= 200);
    }
    CHECK(same > 2000 / 16 - 60 && same < 2000 / 16 + 60);
    CHECK(hue > 600 && hue < 1000);
}

TEST(a_map_of_another_size_is_an_error) {
    struct segment_data_options o = {0};
    struct rng r = rng_stream(4, "sample", 0);
    struct image im = {0}, other = {0};
    struct labels l = {0}, taller = {0};
    uint8_t pixels[8 * 8 * 3];
    uint16_t map[8 * 8];
    make(4, 5, &im, &l);
    make(5, 5, &other, &taller);
    CHECK_ERROR(segment_sample(&o, &r, &im, &taller, 8, 8, 255, pixels, map), ERR_DATA, "5 x 4");
    image_free(&im);
    image_free(&other);
    labels_free(&l);
    labels_free(&taller);
}

/* ---- against Pillow, OpenCV and PyTorch ---- */

/* The source of tests/golden/make_samples.py. */
static void patches(int64_t h, int64_t w, struct image *im, struct labels *l) {
    CHECK_OK(image_alloc(im, h, w, 3));
    CHECK_OK(labels_alloc(l, h, w));
    for (int64_t i = 0; i < h * w; i++) {
        int64_t y = i / w, x = i % w;
        int64_t tone[3] = {y / 16 * 37 + x / 24 * 59, y / 24 * 83 + x, x / 16 * 101 + y};
        for (int64_t c = 0; c < 3; c++) {
            uint32_t grain = (uint32_t)(3 * i + c) * 2654435761U >> 24;
            im->at[3 * i + c] = (uint8_t)(tone[c] % 224 + grain % 32);
        }
        int64_t k = (y / 19 * 7 + x / 23 * 3) % 11;
        l->at[i] = (uint16_t)(k == 10 ? 255 : k);
    }
}

static int64_t sizes_512[] = {256, 307, 358, 409, 460, 512, 563, 614,
                              665, 716, 768, 819, 870, 921, 972, 1024};
static int64_t sizes_800[] = {800}, sizes_small[] = {48, 64, 96, 150}, sizes_odd[] = {41, 70, 111};
static int64_t sizes_single[] = {64, 96};

static const struct recipe {
    const char *name;
    struct segment_data_options o;
} recipes[] = {
    {"512", {{sizes_512, 16}, .longest = 2048, .crop = 512, .colour = true}},
    {"r101c-yaml", {{sizes_800, 1}, .longest = 1333, .crop = 512, .colour = true}},
    {"small", {{sizes_small, 4}, .longest = 180, .crop = 96, .colour = true}},
    {"odd", {{sizes_odd, 3}, .crop = 75, .pad = 90, .colour = true}},
    {"single", {{sizes_single, 2}, .crop = 32, .single_area = 0.4}},
    {"plain", {.crop = 40}},
};

static struct segment_data_options recipe_of(const char *name) {
    size_t i = 0;
    while (strcmp(recipes[i].name, name) != 0) CHECK(++i < sizeof recipes / sizeof *recipes);
    struct segment_data_options o = recipes[i].o;
    if (o.single_area == 0) o.single_area = 1;
    o.mirror = true;
    return o;
}

static void check_sample(const char *recipe, int64_t h, int64_t w, uint64_t number,
                         const char *pixels_hex, const char *map_hex) {
    struct segment_data_options o = recipe_of(recipe);
    struct rng r = rng_stream(11, "sample", number);
    int64_t side = segment_side(&o);
    struct image im;
    struct labels l;
    patches(h, w, &im, &l);
    uint8_t *pixels = mem_alloc((size_t)(side * side), 3);
    uint16_t *map = mem_alloc((size_t)(side * side), sizeof *map);
    char hex[2][17];
    CHECK_OK(segment_sample(&o, &r, &im, &l, side, side, 255, pixels, map));
    hash_hex(hash_bytes(pixels, (size_t)(side * side * 3)), hex[0]);
    hash_hex(hash_bytes(map, (size_t)(side * side) * sizeof *map), hex[1]);
    if (strcmp(hex[0], pixels_hex) != 0 || strcmp(hex[1], map_hex) != 0)
        test_fail(__FILE__, __LINE__, "%s of %lld x %lld, number %llu: %s differs", recipe,
                  (long long)w, (long long)h, (unsigned long long)number,
                  strcmp(hex[0], pixels_hex) != 0 ? "the picture" : "the label map");
    image_free(&im);
    labels_free(&l);
    free(pixels);
    free(map);
}

TEST(samples_equal_those_of_pillow_opencv_and_torch_with_the_same_draws) {
    char *path = test_source("tests/golden/samples.txt"), recipe[16], pixels[17], map[17];
    FILE *f = fopen(path, "r");
    CHECK(f);
    long long h, w;
    unsigned long long number;
    int n = 0;
    for (; fscanf(f, "%15s %lld %lld %llu %16s %16s", recipe, &h, &w, &number, pixels, map) == 6;
         n++)
        check_sample(recipe, h, w, number, pixels, map);
    fclose(f);
    free(path);
    CHECK_INT(n, 202);
}
