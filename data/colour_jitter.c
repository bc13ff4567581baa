#include "data/colour_jitter.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    HUES = 180,
    SHIFT = 12, /* of the fixed point that OpenCV divides in */
    LANES = 32, /* pixels that its vector code converts at once */
};

/* What OpenCV divides by, and what it multiplies a value by on the way back: both are its float
 * arithmetic, computed once. A pixel then costs look-ups, a quarter of the time. */
static int32_t by_value[256], by_span[256]; /* 255 / v and 180 / (6 span), SHIFT bits */
static float share[HUES][256][3]; /* of the value: red, green, blue of a hue and saturation */
static float unit[256];           /* v / 255 */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_tables(void) {
    static const int sector[6][3] = {{0, 3, 1}, {2, 0, 1}, {1, 0, 3},
                                     {1, 2, 0}, {3, 1, 0}, {0, 1, 2}};
    for (int v = 0; v < 256; v++) {
        by_value[v] = v ? (int32_t)lrint((255 << SHIFT) / (double)v) : 0;
        by_span[v] = v ? (int32_t)lrint((HUES << SHIFT) / (6.0 * v)) : 0;
        unit[v] = (float)v * (1.0F / 255);
    }
    for (int hue = 0; hue < HUES; hue++) {
        float h = (float)hue * (6.0F / HUES);
        int k = (int)h % 6;
        h -= floorf(h);
        for (int s = 0; s < 256; s++) {
            /* Its compiler fuses these two products with their difference. */
            const float level[4] = {1, 1 - unit[s], fmaf(-unit[s], h, 1), fmaf(-unit[s], 1 - h, 1)};
            for (int c = 0; c < 3; c++) share[hue][s][c] = s ? level[sector[k][c]] : 1;
        }
    }
}

static int max_of(int a, int b) { return a > b ? a : b; }
static int min_of(int a, int b) { return a < b ? a : b; }

static void to_hsv(const uint8_t rgb[3], uint8_t hsv[3]) {
    int r = rgb[0], g = rgb[1], b = rgb[2];
    int v = max_of(max_of(r, g), b), span = v - min_of(min_of(r, g), b);
    int sixth = v == r ? g - b : v == g ? b - r + 2 * span : r - g + 4 * span;
    int h = (sixth * by_span[span] + (1 << (SHIFT - 1))) >> SHIFT;
    hsv[0] = (uint8_t)(h < 0 ? h + HUES : h);
    hsv[1] = (uint8_t)((span * by_value[v] + (1 << (SHIFT - 1))) >> SHIFT);
    hsv[2] = (uint8_t)v;
}

static void from_hsv(const uint8_t hsv[3], bool nearest, uint8_t rgb[3]) {
    const float *k = share[hsv[0]][hsv[1]];
    for (int c = 0; c < 3; c++) {
        float x = unit[hsv[2]] * k[c] * 255;
        rgb[c] = (uint8_t)(nearest ? lrintf(x) : (long)x);
    }
}

void colour_to_hsv(const uint8_t *rgb, int64_t n, uint8_t *hsv) {
    pthread_once(&once, fill_tables);
    for (int64_t i = 0; i < n; i++) to_hsv(rgb + 3 * i, hsv + 3 * i);
}

void colour_from_hsv(const uint8_t *hsv, int64_t n, uint8_t *rgb) {
    pthread_once(&once, fill_tables);
    int64_t whole = n - n % LANES;
    for (int64_t i = 0; i < whole; i++) from_hsv(hsv + 3 * i, false, rgb + 3 * i);
    for (int64_t i = whole; i < n; i++) from_hsv(hsv + 3 * i, true, rgb + 3 * i);
}

/* The picture's values through a table: x * by + plus, cut to a byte, rounded down. */
static void fill_scaled(uint8_t to[256], float by, float plus) {
    for (int x = 0; x < 256; x++) {
        float y = (float)x * by + plus;
        to[x] = (uint8_t)(y < 0 ? 0 : y > 255 ? 255 : y);
    }
}

static void scale_all(struct image *im, float by, float plus) {
    uint8_t to[256];
    fill_scaled(to, by, plus);
    for (int64_t i = 0; i < im->h * im->w * 3; i++) im->at[i] = to[im->at[i]];
}

static void contrast(struct image *im, struct rng *r) {
    if (rng_chance(r, 0.5)) scale_all(im, (float)rng_range(r, 0.5, 1.5), 0);
}

/* Channel c of HSV through a table. Row by row: where a row ends is part of OpenCV's result. */
static void change_hsv(struct image *im, int c, const uint8_t to[256]) {
    uint8_t *row = mem_alloc((size_t)im->w, 3);
    for (int64_t y = 0; y < im->h; y++) {
        uint8_t *rgb = im->at + y * im->w * 3;
        colour_to_hsv(rgb, im->w, row);
        for (int64_t x = 0; x < im->w; x++) row[3 * x + c] = to[row[3 * x + c]];
        colour_from_hsv(row, im->w, rgb);
    }
    free(row);
}

/* Back to bytes of RGB between the two, as the reference does. */
static void saturation_and_hue(struct image *im, struct rng *r) {
    uint8_t to[256];
    if (rng_chance(r, 0.5)) {
        fill_scaled(to, (float)rng_range(r, 0.5, 1.5), 0);
        change_hsv(im, 1, to);
    }
    if (rng_chance(r, 0.5)) {
        int angle = (int)rng_below(r, 37) - 18;
        for (int h = 0; h < HUES; h++) to[h] = (uint8_t)((h + angle + HUES) % HUES);
        change_hsv(im, 0, to);
    }
}

void colour_jitter(struct image *im, struct rng *r) {
    if (rng_chance(r, 0.5)) scale_all(im, 1, (float)rng_range(r, -32, 32));
    bool first = rng_chance(r, 0.5);
    if (first) contrast(im, r);
    saturation_and_hue(im, r);
    if (!first) contrast(im, r);
}
