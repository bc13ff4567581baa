#include <math.h>
#include <stdio.h>

#include "train/report/chart.h"

static double step_of(double span, int ticks) {
    double raw = span / ticks, unit = pow(10, floor(log10(raw))), n = raw / unit;
    return unit * (n <= 1 ? 1 : n <= 2 ? 2 : n <= 5 ? 5 : 10);
}

/* Numbers whose differences and logarithms a double can still hold. */
static double limited(double x) { return fabs(x) < 1e-30 ? 0 : fmin(fmax(x, -1e30), 1e30); }

struct chart_scale chart_scale(const double *x, size_t n, double from, double to, int ticks) {
    struct chart_scale s = {.lo = INFINITY, .hi = -INFINITY, .from = from, .to = to};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        s.lo = fmin(s.lo, limited(x[i]));
        s.hi = fmax(s.hi, limited(x[i]));
    }
    if (s.lo > s.hi) {
        s.lo = 0;
        s.hi = 1;
    }
    double least = fmax(fabs(s.lo), fabs(s.hi)) * 1e-9;
    if (!(s.hi - s.lo > least)) { /* around one number */
        double half = s.lo != 0 ? fabs(s.lo) * 0.1 : 0.5;
        s.lo -= half;
        s.hi += half;
    }
    s.step = step_of(s.hi - s.lo, ticks);
    return s;
}

void chart_scale_round(struct chart_scale *s) {
    s->lo = floor(s->lo / s->step + 1e-9) * s->step;
    s->hi = ceil(s->hi / s->step - 1e-9) * s->step;
}

double chart_at(const struct chart_scale *s, double x) {
    double at = s->from + (limited(x) - s->lo) / (s->hi - s->lo) * (s->to - s->from);
    double least = fmin(s->from, s->to), most = fmax(s->from, s->to);
    return fmin(fmax(at, least), most);
}

double chart_first_tick(const struct chart_scale *s) {
    return ceil(s->lo / s->step - 1e-9) * s->step;
}

/* That x needs behind its first one, to be told from its neighbours. */
static int digits_between(double x, double step) {
    double n = floor(log10(fabs(x)) + 1e-9) - floor(log10(step) + 1e-9);
    return n < 0 ? 0 : n > 6 ? 6 : (int)n;
}

void chart_tick_text(double x, double step, char out[32]) {
    if (fabs(x) < step * 1e-6) x = 0;
    if (x == 0)
        snprintf(out, 32, "0");
    else if (step >= 1e9 || step < 1e-4)
        snprintf(out, 32, "%.*e", digits_between(x, step), x);
    else if (step >= 1e6)
        snprintf(out, 32, "%.0fM", x / 1e6);
    else if (step >= 1e3)
        snprintf(out, 32, "%.0fk", x / 1e3);
    else
        snprintf(out, 32, "%.*f", step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9), x);
}

static bool shown(const double *x, const double *y, size_t i, size_t n) {
    return i < n && isfinite(x[i]) && isfinite(y[i]);
}

bool chart_alone(const double *x, const double *y, size_t n, size_t i) {
    return shown(x, y, i, n) && (i == 0 || !shown(x, y, i - 1, n)) && !shown(x, y, i + 1, n);
}

void chart_path(const double *x, const double *y, size_t n, const struct chart_scale *sx,
                const struct chart_scale *sy, struct str *out) {
    for (size_t i = 0; i < n; i++) {
        if (!shown(x, y, i, n) || chart_alone(x, y, n, i)) continue;
        bool begins = i == 0 || !shown(x, y, i - 1, n);
        str_add(out, "%c%.1f %.1f", begins ? 'M' : 'L', chart_at(sx, x[i]), chart_at(sy, y[i]));
    }
    str_put(out, "", 0);
}

size_t chart_thin(double *x, double *y, size_t n, size_t most) {
    if (n <= 2 * most || !most) return n;
    size_t finite = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        if (shown(x, y, i, n)) {
            x[finite] = x[i];
            y[finite++] = y[i];
        }
    if (finite <= 2 * most) return finite;
    for (size_t k = 0; k < most; k++) {
        size_t from = finite * k / most, end = finite * (k + 1) / most, lo = from, hi = from;
        for (size_t i = from; i < end; i++) {
            if (y[i] < y[lo]) lo = i;
            if (y[i] > y[hi]) hi = i;
        }
        size_t pair[2] = {lo < hi ? lo : hi, lo < hi ? hi : lo};
        for (size_t p = 0; p < (lo == hi ? 1 : 2); p++) { /* never behind what is yet to be read */
            x[kept] = x[pair[p]];
            y[kept++] = y[pair[p]];
        }
    }
    return kept;
}
