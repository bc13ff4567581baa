#include "data/region.h"

#include <cjson/cJSON.h>

#include "data/resize.h"
#include "tests/json_of.h"
#include "tests/torch.h"

/* u(i, k) of reference-spec annex B. */
static double u(uint32_t i, uint32_t k) {
    uint32_t h = i * 2654435761U + k * 40503U;
    h ^= h >> 16;
    h *= 0x45d9f3bU;
    h ^= h >> 16;
    return (double)h / 2147483648.0 - 1;
}

/* The picture and mask of vector V9. */
static void draw_v9(struct image *im, struct mask *m) {
    CHECK_OK(image_alloc(im, 20, 30, 3));
    CHECK_OK(mask_alloc(m, 20, 30));
    for (uint32_t c = 0; c < 3; c++)
        for (uint32_t i = 0; i < 600; i++)
            im->at[i * 3 + c] = (uint8_t)floorf((float)((u(c * 600 + i, 1040) + 1) / 2 * 256));
    for (uint32_t i = 0; i < 600; i++) {
        uint32_t y = i / 30, x = i % 30;
        m->at[i] = y >= 3 && y <= 16 && x >= 5 && x <= 25 && u(i, 1041) > -0.6;
    }
}

static cJSON *vector(const char *name) {
    cJSON *all = json_of_source("tests/golden/reference-vectors.json");
    cJSON *v = cJSON_DetachItemFromObject(all, name);
    CHECK(v);
    cJSON_Delete(all);
    return v;
}

/* First 5, middle 3, last 3, sum and sum of squares, as annex B reports a tensor. */
static void check_report(const cJSON *want, const float *x, int n, double tol) {
    static const struct {
        const char *name;
        int count;
    } parts[] = {{"first", 5}, {"mid", 3}, {"last", 3}};
    const int start[] = {0, n / 2, n - 3};
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < parts[p].count; i++) {
            const cJSON *v = cJSON_GetArrayItem(cJSON_GetObjectItem(want, parts[p].name), i);
            CHECK_NEAR(x[start[p] + i], v->valuedouble, tol);
        }
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    /* seven digits are written */
    CHECK_NEAR(sum, cJSON_GetObjectItem(want, "sum")->valuedouble, 0.02);
    CHECK_NEAR(squares, cJSON_GetObjectItem(want, "sumsq")->valuedouble, 0.1);
}

static int blank_free_patches(const uint8_t *mask, int side, int patch) {
    int n = 0;
    for (int py = 0; py < side / patch; py++)
        for (int px = 0; px < side / patch; px++) {
            bool any = false;
            for (int i = 0; i < patch * patch; i++)
                any |= mask[(py * patch + i / patch) * side + px * patch + i % patch] != 0;
            n += any;
        }
    return n;
}

#define HARD(m) ((struct region_mask){.hard = (m)})

TEST(the_crop_of_vector_v9) {
    struct image im;
    struct mask m;
    struct box b;
    draw_v9(&im, &m);
    cJSON *want = vector("V9_crop");
    CHECK(region_box(&m, 1, &b));
    const cJSON *box = cJSON_GetObjectItem(want, "box");
    int64_t got[] = {b.x0, b.y0, b.x1, b.y1};
    for (int i = 0; i < 4; i++) CHECK_INT(got[i], cJSON_GetArrayItem(box, i)->valueint);
    float *region = mem_alloc(3 * 224 * 224, sizeof *region);
    uint8_t *mask = mem_alloc(224 * 224, 1);
    struct region_options o = {.side = 224, .expand = 1, .fill = REGION_FILL_MEAN};
    CHECK_OK(region_crop(&im, HARD(&m), b, &o, region, mask));
    check_report(cJSON_GetObjectItem(want, "bicubic224"), region, 3 * 224 * 224, 2e-6);
    int set = 0;
    for (int i = 0; i < 224 * 224; i++) set += mask[i];
    CHECK_INT(set, 41440);
    for (int patch = 14; patch <= 16; patch += 2) {
        cJSON *n = vector(patch == 14 ? "V9_maskgrid14" : "V9_maskgrid16");
        CHECK_INT(blank_free_patches(mask, 224, patch), cJSON_GetArrayItem(n, 0)->valueint);
        cJSON_Delete(n);
    }
    free(region);
    free(mask);
    cJSON_Delete(want);
    image_free(&im);
    mask_free(&m);
}

TEST(boxes_grow_about_their_centre_and_stay_inside) {
    struct mask m;
    struct box b;
    CHECK_OK(mask_alloc(&m, 20, 30));
    CHECK(!region_box(&m, 1, &b));
    m.at[4 * 30 + 3] = m.at[11 * 30 + 9] = 1; /* (3, 4, 10, 12): reference-spec 8.2 */
    CHECK(region_box(&m, 1, &b));
    CHECK(b.x0 == 3 && b.y0 == 4 && b.x1 == 10 && b.y1 == 12);
    CHECK(region_box(&m, 1.5, &b));
    CHECK(b.x0 == 1 && b.y0 == 2 && b.x1 == 11 && b.y1 == 14);
    CHECK(region_box(&m, 9, &b));
    CHECK(b.x0 == 0 && b.y0 == 0 && b.x1 == 30 && b.y1 == 20);
    CHECK(region_box(&m, 0.5, &b)); /* 4.75 .. 8.25, 6 .. 10 */
    CHECK(b.x0 == 4 && b.y0 == 6 && b.x1 == 8 && b.y1 == 10);
    m.at[11 * 30 + 9] = 0;
    CHECK(region_box(&m, 0.5, &b)); /* one pixel, of which nothing would be left */
    CHECK(b.x0 == 3 && b.y0 == 4 && b.x1 == 4 && b.y1 == 5);
    mask_free(&m);
}

/* The same by tensor operations, as the reference does it. */
static tensor *torch_region(const struct image *im, const struct mask *m, struct box b,
                            const struct region_options *o, bool normalise) {
    int64_t h = b.y1 - b.y0, w = b.x1 - b.x0;
    float *x = mem_alloc((size_t)(3 * h * w), sizeof *x);
    for (int64_t c = 0; c < 3; c++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t i = 0; i < w; i++) {
                int64_t p = (b.y0 + y) * im->w + b.x0 + i;
                float mean = 255 * REGION_MEAN[c], std = 255 * REGION_STD[c];
                float v = m->at[p] || o->whole_box      ? (float)im->at[p * 3 + c]
                          : o->fill == REGION_FILL_MEAN ? mean
                                                        : 0;
                x[(c * h + y) * w + i] = normalise ? (v - mean) / std : v;
            }
    tensor *t = t_from_data(x, SHAPE(1, 3, h, w), T_F32);
    free(x);
    return t_resize_bicubic(t, o->side, o->side); /* [1, 3, S, S] */
}

/* Noise of all grey levels: the steepest slopes that a photograph could have, and a mask of holes.
 */
static void draw(struct rng *r, struct image *im, struct mask *m) {
    int64_t h = 1 + rng_below(r, rng_chance(r, 0.1) ? 900 : 90);
    int64_t w = 1 + rng_below(r, rng_chance(r, 0.1) ? 900 : 90);
    CHECK_OK(image_alloc(im, h, w, 3));
    CHECK_OK(mask_alloc(m, h, w));
    for (int64_t i = 0; i < h * w * 3; i++) im->at[i] = (uint8_t)rng_next(r);
    for (int64_t i = 0; i < h * w; i++) m->at[i] = rng_chance(r, 0.8);
    m->at[h * w / 2] = 1;
}

TEST(random_crops_equal_torchs_bicubic_and_nearest) {
    struct rng r = rng_stream(1, "test.region", 0);
    double worst = 0;
    for (int round = 0; round < 60; round++) {
        struct image im;
        struct mask m;
        struct box b;
        struct region_options o = {
            .side = rng_chance(&r, 0.5) ? 224 : 1 + rng_below(&r, 100),
            .expand = 1,
            .whole_box = rng_chance(&r, 0.2),
            .fill = rng_chance(&r, 0.3) ? REGION_FILL_ZERO : REGION_FILL_MEAN};
        draw(&r, &im, &m);
        CHECK(region_box(&m, 1, &b));
        size_t n = (size_t)(o.side * o.side);
        float *ours = mem_alloc(3 * n, sizeof *ours);
        uint8_t *mask = mem_alloc(n, 1);
        CHECK_OK(region_crop(&im, HARD(&m), b, &o, ours, mask));
        tensor *want = torch_region(&im, &m, b, &o, true);
        tensor *got = t_from_data(ours, SHAPE(1, 3, o.side, o.side), T_F32);
        worst = fmax(worst, test_max_diff(got, want));

        int64_t h = b.y1 - b.y0, w = b.x1 - b.x0;
        float *flat = mem_alloc((size_t)(h * w), sizeof *flat);
        for (int64_t i = 0; i < h * w; i++) {
            int64_t at = (b.y0 + i / w) * m.w + b.x0 + i % w;
            flat[i] = m.at[at];
        }
        tensor *mt = t_resize_nearest(t_from_data(flat, SHAPE(1, 1, h, w), T_F32), o.side, o.side);
        float *wm = mem_alloc(n, sizeof *wm);
        CHECK_OK(t_copy_out(mt, wm, n * sizeof *wm));
        for (size_t i = 0; i < n; i++) CHECK_INT(mask[i], (int)wm[i]);
        free(flat);
        free(wm);
        free(ours);
        free(mask);
        image_free(&im);
        mask_free(&m);
    }
    /* DESIGN section 5. Measured 4e-6; 1.2e-4 where torch runs without fused multiply-add. */
    CHECK_NEAR(worst, 0, 1e-4);
}

/* Both kernels of torch: results of 128 rows and columns together, and larger ones. */
TEST(label_maps_equal_torchs_nearest_of_doubles) {
    struct rng r = rng_stream(4, "test.region", 0);
    for (int round = 0; round < 400; round++) {
        struct labels in, out;
        int64_t most =
            round % 2 ? 130 : 700; /* sides with common factors: whole-number positions */
        int64_t h = 1 + rng_below(&r, most), w = 1 + rng_below(&r, most);
        int64_t oh = round == 0 ? 82 : round == 2 ? 127 : 1 + rng_below(&r, most);
        int64_t ow = round == 0 ? 46 : round == 2 ? 2 : 1 + rng_below(&r, most);
        if (round == 0) h = 32, w = 28;
        CHECK_OK(labels_alloc(&in, h, w));
        double *x = mem_alloc((size_t)(h * w), sizeof *x);
        double *y = mem_alloc((size_t)(oh * ow), sizeof *y);
        for (int64_t i = 0; i < h * w; i++) x[i] = in.at[i] = (uint16_t)rng_next(&r);
        int scope = t_scope_open("pair", T_NO_GRAD);
        tensor *t = t_resize_nearest(t_from_data(x, SHAPE(1, 1, h, w), T_F64), oh, ow);
        CHECK_OK(t_copy_out(t, y, (size_t)(oh * ow) * sizeof *y));
        t_scope_close(scope, NULL);
        CHECK_OK(labels_resize_nearest_torch(&in, oh, ow, &out));
        for (int64_t i = 0; i < oh * ow; i++)
            if (out.at[i] != y[i])
                test_fail(__FILE__, __LINE__, "%lldx%lld -> %lldx%lld at %lld", (long long)h,
                          (long long)w, (long long)oh, (long long)ow, (long long)i);
        free(x);
        free(y);
        labels_free(&in);
        labels_free(&out);
    }
}

/* b + 1 <= 128 is where the kernels change; the two rules differ on some pairs next to it. */
TEST(the_border_between_torchs_two_kernels_is_where_we_say) {
    enum { MAX = 400 };
    int telling = 0;
    double *x = mem_alloc(MAX, sizeof *x), *y = mem_alloc(MAX, sizeof *y);
    for (int i = 0; i < MAX; i++) x[i] = i;
    for (int64_t a = 1; a < MAX; a++)
        for (int64_t b = 126; b <= 129; b++) {
            int scope = t_scope_open("pair", T_NO_GRAD);
            tensor *t = t_resize_nearest(t_from_data(x, SHAPE(1, 1, a, 1), T_F64), b, 1);
            CHECK_OK(t_copy_out(t, y, (size_t)b * sizeof *y));
            for (int64_t i = 0; i < b; i++) {
                CHECK_INT((b + 1 <= 128 ? nearest_index_f32 : nearest_index_f64)(i, a, b), y[i]);
                telling += nearest_index_f32(i, a, b) != nearest_index_f64(i, a, b);
            }
            t_scope_close(scope, NULL);
        }
    CHECK(telling > 10);
    free(x);
    free(y);
}

TEST(the_form_for_training_is_rounded_and_clipped) {
    struct rng r = rng_stream(2, "test.region", 0);
    int clipped = 0;
    for (int round = 0; round < 20; round++) {
        struct image im, region;
        struct mask m, rm;
        struct box b;
        struct region_options o = {.side = 64, .expand = 1, .fill = REGION_FILL_MEAN};
        draw(&r, &im, &m);
        CHECK(region_box(&m, 1, &b));
        CHECK_OK(region_crop_u8(&im, &m, b, &o, &region, &rm));
        enum { N = 3 * 64 * 64 };
        float *want = mem_alloc(N, sizeof *want);
        CHECK_OK(t_copy_out(torch_region(&im, &m, b, &o, false), want, N * sizeof *want));
        for (int i = 0; i < N; i++) {
            double v = want[(i % 3) * 64 * 64 + i / 3];
            clipped += v < -0.5 || v > 255.5;
            v = fmin(fmax(v, 0), 255);
            CHECK_NEAR(region.at[i], v, 0.51); /* rounded; torch itself is off by 1e-2 at most */
        }
        free(want);
        image_free(&im);
        image_free(&region);
        mask_free(&m);
        mask_free(&rm);
    }
    CHECK(clipped > 100);
}

TEST(a_blank_region_is_clips_mean_colour) {
    struct image im, region;
    struct mask m, rm;
    CHECK_OK(image_alloc(&im, 8, 8, 3));
    CHECK_OK(mask_alloc(&m, 8, 8));
    m.at[0] = m.at[63] = 1;
    struct region_options o = {.side = 64, .expand = 1, .fill = REGION_FILL_MEAN};
    CHECK_OK(region_crop_u8(&im, &m, (struct box){0, 0, 8, 8}, &o, &region, &rm));
    const uint8_t *middle = region.at + (32 * 64 + 32) * 3; /* reference-spec 7.3 */
    CHECK(middle[0] == 123 && middle[1] == 117 && middle[2] == 104);
    float *x = mem_alloc(3 * 64 * 64, sizeof *x);
    CHECK_OK(region_crop(&im, HARD(&m), (struct box){0, 0, 8, 8}, &o, x, NULL));
    CHECK_NEAR(x[32 * 64 + 32], 0, 1e-6);
    free(x);
    image_free(&im);
    image_free(&region);
    mask_free(&m);
    mask_free(&rm);
}

TEST(drawn_crops_keep_to_their_range) {
    struct crop_range range = {0.9, 1, 3.0 / 4, 4.0 / 3};
    struct rng r = rng_stream(3, "test.region", 0);
    double least = 1, most = 0;
    int off_centre = 0;
    for (int i = 0; i < 2000; i++) {
        struct box b = crop_draw(&r, 224, 224, &range);
        CHECK(0 <= b.x0 && b.x0 < b.x1 && b.x1 <= 224 && 0 <= b.y0 && b.y0 < b.y1 && b.y1 <= 224);
        double area = (double)((b.x1 - b.x0) * (b.y1 - b.y0)) / (224 * 224);
        least = fmin(least, area);
        most = fmax(most, area);
        off_centre += b.x0 != (224 - (b.x1 - b.x0)) / 2;
    }
    CHECK(least >= 0.895 && least < 0.91 && most <= 1 && most > 0.98);
    CHECK(off_centre > 1000);
    /* A strip that no draw fits: the largest centred part of an aspect in range. */
    struct box b = crop_draw(&r, 30, 300, &range);
    CHECK(b.y0 == 0 && b.y1 == 30 && b.x1 - b.x0 == 40 && b.x0 == 130);
    b = crop_draw(&r, 300, 30, &range);
    CHECK(b.x0 == 0 && b.x1 == 30 && b.y1 - b.y0 == 40 && b.y0 == 130);
}

TEST(a_second_crop_sees_nothing_outside_itself) {
    struct image im, to;
    struct mask m, to_mask;
    CHECK_OK(image_alloc(&im, 32, 32, 3));
    CHECK_OK(mask_alloc(&m, 32, 32));
    for (int i = 0; i < 32 * 32; i++) {
        bool inside = i / 32 >= 4 && i / 32 < 20 && i % 32 >= 6 && i % 32 < 30;
        m.at[i] = inside;
        memset(im.at + 3 * i, inside ? 90 : 255, 3);
    }
    struct box b = {6, 4, 30, 20};
    CHECK_OK(region_recrop(&im, &m, b, 32, &to, &to_mask));
    for (int i = 0; i < 32 * 32 * 3; i++) CHECK_INT(to.at[i], 90);
    CHECK_INT(mask_area(&to_mask), 32 * 32);
    image_free(&to);
    mask_free(&to_mask);
    CHECK_OK(region_recrop(&im, NULL, (struct box){0, 0, 32, 32}, 32, &to, NULL));
    CHECK(!memcmp(to.at, im.at, 32 * 32 * 3));
    image_free(&im);
    image_free(&to);
    mask_free(&m);
}

TEST(a_soft_mask_blends_the_fill_in) {
    /* 4 x 4 of one colour, half of each pixel: the crop is the mean of colour and fill. */
    struct image im;
    struct mask m;
    float soft[16], region[3 * 16];
    uint8_t mask[16];
    CHECK_OK(image_alloc(&im, 4, 4, 3));
    CHECK_OK(mask_alloc(&m, 4, 4));
    memset(im.at, 200, 48);
    memset(m.at, 1, 16);
    for (int i = 0; i < 16; i++) soft[i] = 0.5F;
    struct region_options o = {.side = 4, .expand = 1, .fill = REGION_FILL_ZERO};
    struct region_mask half = {.hard = &m, .soft = soft};
    CHECK_OK(region_crop(&im, half, (struct box){0, 0, 4, 4}, &o, region, mask));
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 16; i++) {
            double want = (100 - 255 * (double)REGION_MEAN[k]) / (255 * (double)REGION_STD[k]);
            CHECK_NEAR(region[k * 16 + i], want, 1e-5); /* rounding of float32 */
            CHECK_INT(mask[i], 1);
        }
    image_free(&im);
    mask_free(&m);
}

TEST(an_antialiased_crop_is_pillows_resize_of_the_masked_box) {
    struct image im, want, got;
    struct mask m, all;
    CHECK_OK(image_alloc(&im, 40, 30, 3));
    CHECK_OK(mask_alloc(&m, 40, 30));
    for (int i = 0; i < 3600; i++) im.at[i] = (uint8_t)(i * 31 % 253);
    memset(m.at, 1, 1200);
    struct region_options o = {.side = 8, .expand = 1, .antialias = true};
    struct box box = {0, 0, 30, 40};
    CHECK_OK(region_crop_u8(&im, &m, box, &o, &got, &all));
    CHECK_OK(image_resize(&im, NULL, 8, 8, RESIZE_BICUBIC, &want));
    CHECK(!memcmp(got.at, want.at, 192));
    float region[192];
    CHECK_OK(region_crop(&im, HARD(&m), box, &o, region, NULL));
    double first = (want.at[0] - 255 * (double)REGION_MEAN[0]) / (255 * (double)REGION_STD[0]);
    CHECK_NEAR(region[0], first, 1e-5); /* rounding of float32 */
    image_free(&im);
    image_free(&want);
    image_free(&got);
    mask_free(&m);
    mask_free(&all);
}
