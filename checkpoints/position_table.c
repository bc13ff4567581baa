#include "checkpoints/position_table.h"

#include <math.h>
#include <string.h>

enum { TAPS = 4 };

struct taps {
    int64_t at[TAPS]; /* rows or columns of the old grid, those outside being the border */
    float weight[TAPS];
};

/* Keys' cubic at distance x >= 0. */
static double cubic(double x) {
    const double a = -0.75;
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

static struct taps taps_of(int64_t i, int64_t g, int64_t h) {
    struct taps t;
    double x = h > 1 ? (double)i * (double)(g - 1) / (double)(h - 1) : 0, left = floor(x);
    for (int k = 0; k < TAPS; k++) {
        int64_t at = (int64_t)left + k - 1;
        t.at[k] = at < 0 ? 0 : at >= g ? g - 1 : at;
        t.weight[k] = (float)cubic(fabs(x - left - (double)(k - 1)));
    }
    return t;
}

void position_table_resize(const float *from, int64_t g, float *to, int64_t h, int64_t width) {
    memcpy(to, from, (size_t)width * sizeof *to);
    from += width;
    to += width;
    for (int64_t row = 0; row < h; row++) {
        struct taps y = taps_of(row, g, h);
        for (int64_t column = 0; column < h; column++, to += width) {
            struct taps x = taps_of(column, g, h);
            memset(to, 0, (size_t)width * sizeof *to);
            for (int j = 0; j < TAPS; j++)
                for (int i = 0; i < TAPS; i++) {
                    const float *tap = from + (y.at[j] * g + x.at[i]) * width;
                    float w = y.weight[j] * x.weight[i];
                    for (int64_t c = 0; c < width; c++) to[c] += w * tap[c];
                }
        }
    }
}

int64_t position_table_grid(int64_t rows) {
    if (rows < 2) return 0;
    int64_t g = llround(sqrt((double)(rows - 1)));
    return g * g == rows - 1 ? g : 0;
}
