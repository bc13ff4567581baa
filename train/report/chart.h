/* Charts as SVG that stands in a page: their colours are classes of its style, c0 .. c7, so that
 * they follow light and dark. What is not finite is a gap. The same numbers give the same bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum { CHART_COLOURS = 8 };

/* ---- the arithmetic of it ---- */

/* A range of numbers on a range of units of the drawing. */
struct chart_scale {
    double lo, hi, from, to;
    double step; /* of its ticks: 1, 2 or 5 times a power of ten */
};
/* That all finite numbers fit in; of one number, or of equal ones, a range around it; of none
 * 0 .. 1. About `ticks` ticks. */
struct chart_scale chart_scale(const double *x, size_t n, double from, double to, int ticks);
void chart_scale_round(struct chart_scale *s); /* widened to whole steps */
double chart_at(const struct chart_scale *s, double x);
double chart_first_tick(const struct chart_scale *s);
void chart_tick_text(double x, double step, char out[32]); /* "0.002", "40k" */

/* The d of a path: M and L, a new M behind each gap. "" when no two points stand together: one that
 * is alone is a dot. */
void chart_path(const double *x, const double *y, size_t n, const struct chart_scale *sx,
                const struct chart_scale *sy, struct str *out);

/* Whether point i is finite and has no such neighbour. */
bool chart_alone(const double *x, const double *y, size_t n, size_t i);

/* At most 2 * most points: of each stretch its least and its greatest y, in their order. Finite
 * points only, when there are more than that. Returns how many are left. */
size_t chart_thin(double *x, double *y, size_t n, size_t most);

/* ---- charts ---- */

struct chart_line {
    const char *name;
    double *x, *y; /* [n]; thinned in place */
    size_t n;
};
/* Lines over steps with a legend of the names; more than CHART_COLOURS of them are of one colour,
 * and counted. A figure of HTML. */
void chart_lines(const char *title, struct chart_line *line, size_t n, struct str *out);

struct chart_bar {
    const char *name;
    double value, before; /* percent; the second is a mark beside, NaN: none */
    int colour;
};
void chart_bars(const char *title, const struct chart_bar *bar, size_t n, struct str *out);

/* A row of points with their mean and deviation. */
struct chart_row {
    const char *name;
    const double *point; /* [n] */
    size_t n;
    double mean, deviation;
};
void chart_rows(const char *title, const struct chart_row *row, size_t n, struct str *out);
