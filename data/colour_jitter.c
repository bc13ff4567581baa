#include "data/colour_jitter.h"

#include <math.h>

enum { HUES = 180, SHIFT = 12 }; /* of the fixed point that OpenCV divides in */

static int divide(int x, int numerator, int by) { /* x * numerator / by */
    int step = (int)lrint((double)(numerator << SHIFT) / by);
    return (x * step + (1 << (SHIFT - 1))) >> SHIFT;
}

static int max_of(int a, int b) { return a > b ? a : b; }
static int min_of(int a, int b) { return a < b ? a : b; }

void colour_to_hsv(const uint8_t rgb[3], uint8_t hsv[3]) {
    int r = rgb[0], g = rgb[1], b = rgb[2];
    int v = max_of(max_of(r, g), b), span = v - min_of(min_of(r, g), b), h = 0;
    if (span) {
        int sixth = v == r ? g - b : v == g ? b - r + 2 * span : r - g + 4 * span;
        int step = (int)lrint((double)(HUES << SHIFT) / (6.0 * span));
        h = (sixth * step + (1 << (SHIFT - 1))) >> SHIFT;
    }
    hsv[0] = (uint8_t)(h < 0 ? h + HUES : h);
    hsv[1] = (uint8_t)(v ? divide(span, 255, v) : 0);
    hsv[2] = (uint8_t)v;
}

void colour_from_hsv(const uint8_t hsv[3], uint8_t rgb[3]) {
    static const int sector[6][3] = {{0, 3, 1}, {2, 0, 1}, {1, 0, 3},
                                     {1, 2, 0}, {3, 1, 0}, {0, 1, 2}};
    float h = (float)hsv[0] * (6.0F / HUES);
    float s = (float)hsv[1] * (1.0F / 255), v = (float)hsv[2] * (1.0F / 255);
    int k = (int)h % 6;
    h -= floorf(h);
    const float level[4] = {v, v * (1 - s), v * (1 - s * h), v * (1 - s * (1 - h))};
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(255 * (hsv[1] ? level[sector[k][c]] : v));
}

static uint8_t scaled(uint8_t x, float by, float plus) {
    float y = (float)x * by + plus;
    return (uint8_t)(y < 0 ? 0 : y > 255 ? 255 : y);
}

static void scale_all(struct image *im, float by, float plus) {
    uint8_t to[256];
    for (int x = 0; x < 256; x++) to[x] = scaled((uint8_t)x, by, plus);
    for (int64_t i = 0; i < im->h * im->w * 3; i++) im->at[i] = to[im->at[i]];
}

static void contrast(struct image *im, struct rng *r) {
    if (rng_chance(r, 0.5)) scale_all(im, (float)rng_range(r, 0.5, 1.5), 0);
}

static void saturation_and_hue(struct image *im, struct rng *r) {
    bool saturate = rng_chance(r, 0.5);
    float by = saturate ? (float)rng_range(r, 0.5, 1.5) : 1;
    bool turn = rng_chance(r, 0.5);
    int angle = turn ? (int)rng_below(r, 37) - 18 : 0;
    if (!saturate && !turn) return;
    for (int64_t i = 0; i < im->h * im->w; i++) {
        uint8_t hsv[3], *rgb = im->at + 3 * i;
        if (saturate) {
            colour_to_hsv(rgb, hsv);
            hsv[1] = scaled(hsv[1], by, 0);
            colour_from_hsv(hsv, rgb);
        }
        if (turn) { /* from bytes again: the reference goes back and forth for each */
            colour_to_hsv(rgb, hsv);
            hsv[0] = (uint8_t)((hsv[0] + angle + HUES) % HUES);
            colour_from_hsv(hsv, rgb);
        }
    }
}

void colour_jitter(struct image *im, struct rng *r) {
    if (rng_chance(r, 0.5)) scale_all(im, 1, (float)rng_range(r, -32, 32));
    bool first = rng_chance(r, 0.5);
    if (first) contrast(im, r);
    saturation_and_hue(im, r);
    if (!first) contrast(im, r);
}
