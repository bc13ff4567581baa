#include "train/report/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "train/report/html.h"

/* Units of a drawing, which a phone shows one to one: what is written in it can be read there. */
enum { WIDTH = 340, LINES_HEIGHT = 180, ROW_HEIGHT = 18, POINTS = 200 };
/* A name of so many letters stands beside its row; one of 11 units is up to 7 wide, in wide fonts,
 * on average. A longer one stands above, on a line of its own, and is cut where that ends. */
enum { NAME_LETTERS = 18, NAME_WIDTH = NAME_LETTERS * 7 + 6, LINE_LETTERS = WIDTH / 7 };
enum { NAME_HEIGHT = 15 };

static void begin(const char *title, double height, struct str *out) {
    str_add(out, "<figure><figcaption>");
    html_text(out, title);
    str_add(out, "</figcaption><svg viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"", WIDTH,
            height);
    html_text(out, title);
    str_add(out, "\">\n");
}

static void text_at(double x, double y, const char *anchor, const char *text, struct str *out) {
    str_add(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, anchor);
    html_text(out, text);
    str_add(out, "</text>\n");
}

/* ---- lines ---- */

static void grid_across(const struct chart_scale *s, double x0, double x1, struct str *out) {
    char text[32];
    double first = chart_first_tick(s);
    for (int k = 0; k < 12 && first + k * s->step <= s->hi + s->step * 1e-6; k++) {
        double y = chart_at(s, first + k * s->step);
        str_add(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", x0, y, x1);
        chart_tick_text(first + k * s->step, s->step, text);
        text_at(x0 - 5, y + 3.5, "end", text, out);
    }
}

static void ticks_below(const struct chart_scale *s, double y, struct str *out) {
    char text[32];
    double first = chart_first_tick(s);
    for (int k = 0; k < 12 && first + k * s->step <= s->hi + s->step * 1e-6; k++) {
        double x = chart_at(s, first + k * s->step);
        str_add(out, "<path class=\"axis\" d=\"M%.1f %.1fv4\"/>", x, y);
        chart_tick_text(first + k * s->step, s->step, text);
        text_at(x, y + 15, "middle", text, out);
    }
}

static struct chart_scale scale_of(const struct chart_line *line, size_t n, bool of_x, double from,
                                   double to, int ticks) {
    size_t all = of_x, at = of_x; /* steps begin at 0 */
    for (size_t i = 0; i < n; i++) all += line[i].n;
    double *x = mem_alloc(all, sizeof *x);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < line[i].n; k++) x[at++] = of_x ? line[i].x[k] : line[i].y[k];
    struct chart_scale s = chart_scale(x, all, from, to, ticks);
    free(x);
    return s;
}

static void line_of(const struct chart_line *line, size_t colour, bool faint,
                    const struct chart_scale *sx, const struct chart_scale *sy, struct str *out) {
    str_add(out, "<path class=\"line c%zu%s\" d=\"", colour, faint ? " faint" : "");
    chart_path(line->x, line->y, line->n, sx, sy, out);
    str_add(out, "\"><title>");
    html_text(out, line->name);
    str_add(out, "</title></path>\n");
    for (size_t k = 0; k < line->n; k++)
        if (chart_alone(line->x, line->y, line->n, k))
            str_add(out, "<circle class=\"bar c%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", colour,
                    chart_at(sx, line->x[k]), chart_at(sy, line->y[k]));
}

static void legend(const struct chart_line *line, size_t n, struct str *out) {
    str_add(out, "<p class=\"legend\">");
    for (size_t i = 0; i < n && n <= CHART_COLOURS; i++) {
        str_add(out, "<span><i class=\"c%zu\"></i>", i);
        html_text(out, line[i].name);
        str_add(out, "</span> ");
    }
    if (n > CHART_COLOURS) str_add(out, "<span><i class=\"c0\"></i>%zu runs</span>", n);
    str_add(out, "</p>");
}

void chart_lines(const char *title, struct chart_line *line, size_t n, struct str *out) {
    const double left = 44, right = WIDTH - 10, top = 10, bottom = LINES_HEIGHT - 22;
    bool many = n > CHART_COLOURS;
    for (size_t i = 0; i < n; i++) line[i].n = chart_thin(line[i].x, line[i].y, line[i].n, POINTS);
    struct chart_scale sx = scale_of(line, n, true, left, right, 4);
    struct chart_scale sy = scale_of(line, n, false, bottom, top, 4);
    chart_scale_round(&sy);
    begin(title, LINES_HEIGHT, out);
    grid_across(&sy, left, right, out);
    str_add(out, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>", left, bottom, right);
    ticks_below(&sx, bottom, out);
    for (size_t i = 0; i < n; i++) line_of(&line[i], many ? 0 : i, many, &sx, &sy, out);
    str_add(out, "</svg>");
    if (n > 1) legend(line, n, out);
    str_add(out, "</figure>\n");
}

/* ---- rows with names ---- */

/* What the row of a name takes above itself. */
static double above(const char *name) {
    return html_letters(name) > NAME_LETTERS ? NAME_HEIGHT : 0;
}

/* Its row begins at y. */
static void row_name(const char *name, double y, struct str *out) {
    bool long_one = above(name) > 0;
    str_add(out, "<text x=\"%d\" y=\"%.1f\" class=\"%sname\"><title>",
            long_one ? 0 : NAME_WIDTH - 6, long_one ? y - 3 : y + 13, long_one ? "" : "end ");
    html_text(out, name);
    str_add(out, "</title>");
    html_text_short(out, name, long_one ? LINE_LETTERS : NAME_LETTERS);
    str_add(out, "</text>");
}

void chart_bars(const char *title, const struct chart_bar *bar, size_t n, struct str *out) {
    double bottom = (double)(n * ROW_HEIGHT) + 4, y = 2;
    for (size_t i = 0; i < n; i++) bottom += above(bar[i].name);
    const struct chart_scale s = {0, 100, NAME_WIDTH, WIDTH - 38, 25};
    begin(title, bottom + 18, out);
    for (int k = 0; k <= 100; k += 25) {
        char text[32];
        chart_tick_text(k, s.step, text);
        str_add(out, "<path class=\"grid\" d=\"M%.1f 2V%.1f\"/>", chart_at(&s, k), bottom);
        text_at(chart_at(&s, k), bottom + 13, "middle", text, out);
    }
    for (size_t i = 0; i < n; i++, y += ROW_HEIGHT) {
        char text[32] = "–";
        y += above(bar[i].name);
        row_name(bar[i].name, y, out);
        if (isfinite(bar[i].value)) {
            snprintf(text, sizeof text, "%.1f", bar[i].value);
            str_add(out,
                    "<rect class=\"bar c%d\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"12\"/>",
                    bar[i].colour, NAME_WIDTH, y + 3, chart_at(&s, bar[i].value) - NAME_WIDTH);
        }
        if (isfinite(bar[i].before))
            str_add(out, "<path class=\"mark\" d=\"M%.1f %.1fv14\"/>", chart_at(&s, bar[i].before),
                    y + 2);
        text_at(WIDTH - 2, y + 13, "end", text, out);
    }
    str_add(out, "</svg></figure>\n");
}

static void whisker(const struct chart_row *row, const struct chart_scale *s, double y,
                    struct str *out) {
    double at = chart_at(s, row->mean);
    if (isfinite(row->deviation)) {
        double from = chart_at(s, row->mean - row->deviation),
               to = chart_at(s, row->mean + row->deviation);
        str_add(out, "<path class=\"whisker\" d=\"M%.1f %.1fv8m0 -4H%.1fm0 -4v8\"/>", from, y - 4,
                to);
    }
    for (size_t k = 0; k < row->n; k++)
        if (isfinite(row->point[k]))
            str_add(out, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>",
                    chart_at(s, row->point[k]), y);
    str_add(out, "<circle class=\"mean\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>", at, y);
}

static struct chart_scale scale_of_rows(const struct chart_row *row, size_t n) {
    size_t all = 0, at = 0;
    for (size_t i = 0; i < n; i++) all += row[i].n + 2;
    double *x = mem_alloc(all, sizeof *x);
    for (size_t i = 0; i < n; i++) {
        double half = isfinite(row[i].deviation) ? row[i].deviation : 0;
        for (size_t k = 0; k < row[i].n; k++) x[at++] = row[i].point[k];
        x[at++] = row[i].mean - half;
        x[at++] = row[i].mean + half;
    }
    struct chart_scale s = chart_scale(x, all, NAME_WIDTH + 8, WIDTH - 46, 4);
    chart_scale_round(&s);
    free(x);
    return s;
}

void chart_rows(const char *title, const struct chart_row *row, size_t n, struct str *out) {
    const double height = 22;
    double bottom = (double)n * height + 4, y = 2;
    for (size_t i = 0; i < n; i++) bottom += above(row[i].name);
    struct chart_scale s = scale_of_rows(row, n);
    double first = chart_first_tick(&s);
    begin(title, bottom + 18, out);
    for (int k = 0; k < 12 && first + k * s.step <= s.hi + s.step * 1e-6; k++) {
        char text[32];
        double x = chart_at(&s, first + k * s.step);
        chart_tick_text(first + k * s.step, s.step, text);
        str_add(out, "<path class=\"grid\" d=\"M%.1f 2V%.1f\"/>", x, bottom);
        text_at(x, bottom + 13, "middle", text, out);
    }
    for (size_t i = 0; i < n; i++, y += height) {
        char text[32] = "–";
        y += above(row[i].name);
        row_name(row[i].name, y + 1, out);
        if (isfinite(row[i].mean)) {
            snprintf(text, sizeof text, "%.1f", row[i].mean);
            whisker(&row[i], &s, y + height / 2, out);
        }
        text_at(WIDTH - 2, y + 14, "end", text, out);
    }
    str_add(out, "</svg></figure>\n");
}
