#include "nn/models/position.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

static const double TWO_PI = 6.283185307179586;

/* The waves of one axis: out [n, F]. */
static void axis_waves(float *out, int64_t n, int64_t F) {
    for (int64_t i = 0; i < n; i++) {
        double at = (double)(i + 1) / ((double)n + 1e-6) * TWO_PI;
        for (int64_t f = 0; f < F; f += 2) {
            double angle = at / pow(10000, (double)f / (double)F);
            out[i * F + f] = (float)sin(angle);
            out[i * F + f + 1] = (float)cos(angle);
        }
    }
}

tensor *position_sine(int64_t H, int64_t W, int64_t C) {
    REQUIRE(C % 4 == 0, "a position encoding needs a multiple of 4 channels, not %ld", (long)C);
    int64_t F = C / 2;
    float *rows = mem_alloc((size_t)(H * F), sizeof *rows);
    float *cols = mem_alloc((size_t)(W * F), sizeof *cols);
    axis_waves(rows, H, F);
    axis_waves(cols, W, F);

    int scope = t_scope_open("position", T_NO_GRAD);
    tensor *y = t_expand(t_from_data(rows, SHAPE(H, 1, F), T_F32), SHAPE(H, W, F)); /* [H, W, F] */
    tensor *x = t_expand(t_from_data(cols, SHAPE(1, W, F), T_F32), SHAPE(H, W, F)); /* [H, W, F] */
    tensor *both[2] = {y, x};
    tensor *pos = t_reshape(t_cat(both, 2, -1), SHAPE(H * W, C)); /* [HW, C] */
    free(rows);
    free(cols);
    return t_scope_close(scope, pos);
}
