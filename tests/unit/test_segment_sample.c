/* Training samples of the proposal network, and the colours they are given. */
#include "data/segment_sample.h"

#include <cjson/cJSON.h>

#include "base/file.h"
#include "data/colour_jitter.h"
#include "data/resize.h"
#include "tests/test.h"

static cJSON *golden(void) {
    char *path = test_source("tests/golden/colour.json");
    struct bytes text;
    CHECK_OK(file_read(path, 1 << 20, &text));
    cJSON *json = cJSON_ParseWithLength((const char *)text.at, text.n);
    CHECK(json);
    bytes_free(&text);
    free(path);
    return json;
}

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
    uint8_t got[3];
    cJSON *json = golden();
    numbers(json, "rgb", rgb);
    numbers(json, "hsv", hsv);
    numbers(json, "rgb_to_hsv", to);
    numbers(json, "hsv_to_rgb", back);
    cJSON_Delete(json);
    int off = 0;
    for (int i = 0; i < 512; i++) {
        colour_to_hsv(rgb[i], got);
        CHECK(memcmp(got, to[i], 3) == 0);
        colour_from_hsv(hsv[i], got);
        for (int c = 0; c < 3; c++) {
            off += got[c] != back[i][c];
            CHECK(abs(got[c] - back[i][c]) <= 1);
        }
    }
    CHECK(off <= 3);
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
    struct segment_data_options o = {.mirror = true};
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
    struct segment_data_options o = {.sizes = {sizes, 2}, .longest = 40};
    int64_t largest_x = 0, largest_y = 0, seen[2] = {0, 0};
    for (uint64_t i = 0; i < 400; i++) {
        struct rng r = rng_stream(2, "sample", i);
        struct image im = {0}, whole = {0};
        struct labels l = {0};
        uint8_t pixels[8 * 8 * 3];
        uint16_t map[8 * 8];
        make(16, 24, &im, &l);
        CHECK_OK(segment_sample(&o, &r, &im, &l, 8, 8, 255, pixels, map));
        bool small = im.h == 16 && im.w == 24;
        seen[small]++;
        if (small) {
            check_place(pixels, map[0], map[0] / 100, map[0] % 100);
            largest_x = map[0] % 100 > largest_x ? map[0] % 100 : largest_x;
            largest_y = map[0] / 100 > largest_y ? map[0] / 100 : largest_y;
        } else { /* 32 x 48, whose long side is too long */
            CHECK(im.h == 27 && im.w == 40 && l.h == 27 && l.w == 40);
            struct image again = {0};
            struct labels unused = {0};
            make(16, 24, &again, &unused);
            CHECK_OK(image_resize(&again, NULL, 27, 40, RESIZE_BILINEAR, &whole));
            CHECK(memcmp(whole.at, im.at, 27 * 40 * 3) == 0);
            image_free(&again);
            labels_free(&unused);
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
    struct segment_data_options o = {.sizes = {&size, 1}, .longest = 16};
    for (int tall = 0; tall < 2; tall++) {
        struct rng r = rng_stream(4, "sample", 0);
        struct image im = {0};
        struct labels l = {0};
        uint8_t pixels[8 * 8 * 3];
        uint16_t map[8 * 8];
        make(tall ? 200 : 1, tall ? 1 : 200, &im, &l);
        CHECK_OK(segment_sample(&o, &r, &im, &l, 8, 8, 65535, pixels, map));
        CHECK(im.h == (tall ? 16 : 1) && im.w == (tall ? 1 : 16));
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
