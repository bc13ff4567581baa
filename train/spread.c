#include "train/spread.h"

#include <math.h>

struct spread spread_of(const double *x, size_t n) {
    struct spread s = {0};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        s.n += isfinite(x[i]);
        sum += isfinite(x[i]) ? x[i] : 0;
    }
    s.mean = s.n ? sum / (double)s.n : NAN;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i])) squares += (x[i] - s.mean) * (x[i] - s.mean);
    s.deviation = s.n > 1 ? sqrt(squares / (double)(s.n - 1)) : NAN;
    return s;
}
