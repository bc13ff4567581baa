/* Sine position encoding of a feature map (reference-spec 1.7). */
#pragma once

#include "nn/torch/tensor.h"

/* One row a pixel, row-major: [H * W, C], f32. The first C/2 channels say the row, the others the
 * column, as sine and cosine of 1-based coordinates scaled to (0, 2 pi]; C divides by 4. */
tensor *position_sine(int64_t H, int64_t W, int64_t C);
