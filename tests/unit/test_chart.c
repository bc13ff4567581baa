/* The arithmetic of charts: whatever the numbers are, paths stay in the drawing. */
#include "tests/test.h"
#include "train/report/chart.h"

static char *path_of(const double *x, const double *y, size_t n) {
    struct chart_scale sx = chart_scale(x, n, 0, 100, 4), sy = chart_scale(y, n, 50, 0, 4);
    struct str out = {0};
    chart_path(x, y, n, &sx, &sy, &out);
    return out.at;
}

static void check_path(const double *x, const double *y, size_t n, const char *d) {
    char *path = path_of(x, y, n);
    CHECK_TEXT(path, d);
    free(path);
}

TEST(a_line_goes_from_end_to_end_of_its_scale_with_y_upwards) {
    check_path((double[]){0, 1, 2}, (double[]){5, 10, 7.5}, 3, "M0.0 50.0L50.0 0.0L100.0 25.0");
}

TEST(what_is_not_finite_is_a_gap_and_a_point_alone_is_a_dot) {
    check_path((double[]){0, 1, 2, 3, 4}, (double[]){0, 1, NAN, 1, INFINITY}, 5,
               "M0.0 50.0L25.0 0.0");
    check_path((double[]){0, NAN, 2}, (double[]){0, 1, 1}, 3, "");
    check_path((double[]){1, 2}, (double[]){NAN, -INFINITY}, 2, "");
    check_path(NULL, NULL, 0, "");
    const double x[] = {0, 1, 2, 3, 4}, y[] = {0, 1, NAN, 1, INFINITY};
    for (size_t i = 0; i < 5; i++) CHECK(chart_alone(x, y, 5, i) == (i == 3));
}

TEST(one_point_and_equal_numbers_stand_in_the_middle) {
    struct chart_scale s = chart_scale((double[]){3}, 1, 50, 0, 4);
    CHECK_NEAR(chart_at(&s, 3), 25, 0);
    check_path((double[]){0, 1}, (double[]){0.2, 0.2}, 2, "M0.0 25.0L100.0 25.0");
    check_path((double[]){0, 1}, (double[]){0, 0}, 2, "M0.0 25.0L100.0 25.0");
    check_path((double[]){0, 1}, (double[]){-4, -4}, 2, "M0.0 25.0L100.0 25.0");
}

/* Every number of the path lies in the drawing, and is one. */
static void check_inside(const char *path) {
    for (const char *at = path; *at;) {
        char *end;
        CHECK(*at == 'M' || *at == 'L');
        double x = strtod(at + 1, &end), y = strtod(end, &end);
        CHECK(x >= 0 && x <= 100 && y >= 0 && y <= 50);
        at = end;
    }
}

TEST(huge_and_tiny_numbers_stay_inside) {
    static const double values[] = {0,    1,     -1,    1e308, -1e308, 5e-324,   1e-40,
                                    1e30, 1e300, 1e-12, 1e12,  NAN,    1 + 1e-12};
    enum { N = sizeof values / sizeof *values };
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++) {
            const double x[] = {values[i], values[k]}, y[] = {values[k], values[i]};
            char *path = path_of(x, y, 2);
            check_inside(path);
            free(path);
            struct chart_scale s = chart_scale(x, 2, 0, 100, 4);
            CHECK(s.lo < s.hi && s.step > 0 && isfinite(s.step));
            CHECK((s.hi - s.lo) / s.step < 12);
            chart_scale_round(&s);
            CHECK(s.lo < s.hi && isfinite(s.hi - s.lo));
            char text[32];
            chart_tick_text(chart_first_tick(&s), s.step, text);
            CHECK(*text);
        }
}

static void check_tick(double x, double step, const char *wanted) {
    char text[32];
    chart_tick_text(x, step, text);
    CHECK_TEXT(text, wanted);
}

TEST(ticks_are_1_2_or_5_and_say_no_more_than_their_step) {
    struct chart_scale s = chart_scale((double[]){0.3, 9.7}, 2, 0, 1, 4);
    CHECK_NEAR(s.step, 5, 0);
    s = chart_scale((double[]){0, 0.0008}, 2, 0, 1, 4);
    CHECK_NEAR(s.step, 0.0002, 1e-12);
    check_tick(0.0004, 0.0002, "0.0004");
    check_tick(1e-17, 0.1, "0");
    check_tick(0.30000000000000004, 0.1, "0.3");
    check_tick(40, 20, "40");
    check_tick(40000, 20000, "40k");
    check_tick(2e6, 1e6, "2M");
    check_tick(1.5e-5, 5e-6, "1.5e-05");
    check_tick(-2.5, 0.5, "-2.5");
}

TEST(a_long_line_is_thinned_and_keeps_its_peaks) {
    enum { N = 10001 };
    double *x = mem_alloc(N, sizeof *x), *y = mem_alloc(N, sizeof *y);
    for (int i = 0; i < N; i++) {
        x[i] = i;
        y[i] = i % 7;
    }
    y[5000] = 99;
    y[5001] = -99;
    y[5002] = NAN;
    size_t n = chart_thin(x, y, N, 100);
    bool top = false, low = false;
    CHECK(n <= 200 && n > 150);
    for (size_t i = 0; i < n; i++) {
        CHECK(i == 0 || x[i] > x[i - 1]);
        top |= y[i] == 99;
        low |= y[i] == -99;
    }
    CHECK(top && low);
    CHECK_INT(chart_thin(x, y, n, 100), n);
    free(x);
    free(y);
}

TEST(charts_of_nothing_are_whole) {
    struct str out = {0};
    struct chart_line line = {.name = "<none>", .x = NULL, .y = NULL, .n = 0};
    chart_lines("a & b", &line, 1, &out);
    chart_lines("no line", NULL, 0, &out);
    chart_bars("no bar", NULL, 0, &out);
    chart_rows("no row", NULL, 0, &out);
    CHECK_HAS(out.at, "<title>&lt;none&gt;</title>");
    CHECK_HAS(out.at, "aria-label=\"a &amp; b\"");
    CHECK(!strstr(out.at, "nan") && !strstr(out.at, "inf"));
    str_free(&out);
}

/* "GT masks, GT names" is 117 units wide in DejaVu Sans of 11. */
TEST(names_beside_rows_have_room_for_what_is_left_of_them) {
    struct str out = {0};
    const double point[] = {31.6, 40};
    chart_rows("rows", &(struct chart_row){"GT masks, GT names", point, 2, 35.8, 5.9}, 1, &out);
    chart_bars("bars", &(struct chart_bar){"GT masks, GT names, GT", 3, NAN, 0}, 1, &out);
    CHECK_HAS(out.at, "</title>GT masks, GT names</text>");
    CHECK_HAS(out.at, "</title>GT masks, GT name…</text>");
    const char *end = out.at;
    for (int i = 0; i < 2; i++) {
        end = strstr(end, "class=\"end name\"");
        CHECK(end);
        const char *x = end;
        while (strncmp(x, "<text x=\"", 9) != 0) x--;
        CHECK(strtod(x + 9, NULL) >= 117);
        end++;
    }
    str_free(&out);
}
