/* Functions of the host's fused losses, written out so that the loops around them become vector
 * code; those of the C library would not. */
#pragma once

#include <stdint.h>

/* exp(-a) for a >= 0, relative error 2e-7. */
static inline float vector_exp_minus(float a) {
    a = a < 87.0F ? a : 87.0F;
    int32_t n = (int32_t)(a * 1.44269504F + 0.5F);
    float r = (float)n * 0.693359375F - a; /* ln 2 in two parts, |r| <= ln 2 / 2 */
    r += (float)n * -2.12194440e-4F;
    float y = 1.0F / 720;
    y = y * r + 1.0F / 120;
    y = y * r + 1.0F / 24;
    y = y * r + 1.0F / 6;
    y = y * r + 0.5F;
    y = y * r + 1;
    y = y * r + 1;
    union {
        int32_t i;
        float f;
    } power = {(127 - n) * (1 << 23)};
    return y * power.f;
}

/* log(1 + e) for e in [0, 1], by the series of atanh. */
static inline float vector_log_one_plus(float e) {
    float s = e / (2 + e), t = s * s, y = 1.0F / 15;
    y = y * t + 1.0F / 13;
    y = y * t + 1.0F / 11;
    y = y * t + 1.0F / 9;
    y = y * t + 1.0F / 7;
    y = y * t + 1.0F / 5;
    y = y * t + 1.0F / 3;
    y = y * t + 1;
    return 2 * s * y;
}
