#include "train/report/spread.h"

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

double spread_margin(const struct spread *s) {
    static const double t[] = {12.706, 4.303, 3.182, 2.776, 2.571,
                               2.447,  2.365, 2.306, 2.262, 2.228};
    enum { KNOWN = sizeof t / sizeof *t };
    if (s->n < 2) return NAN;
    double factor = s->n - 1 <= KNOWN ? t[s->n - 2] : t[KNOWN - 1]; /* of more: a little too wide */
    return factor * s->deviation / sqrt((double)s->n);
}
