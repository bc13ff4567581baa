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

/* The number of an attribute behind `at`, which is a <text. */
static double attribute(const char *at, const char *name) {
    char *wanted = mem_format(" %s=\"", name), *found = strstr(at, wanted);
    CHECK(found);
    double x = strtod(found + strlen(wanted), NULL);
    free(wanted);
    return x;
}

/* The <text of a name, by what is to be read there. */
static const char *name_at(const char *page, const char *shown) {
    char *wanted = mem_format("</title>%s</text>", shown);
    const char *at = strstr(page, wanted);
    if (!at) test_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", shown, page);
    while (strncmp(at, "<text", 5) != 0) at--;
    free(wanted);
    return at;
}

/* "GT masks, GT names" is 117 units wide in DejaVu Sans of 11. */
TEST(a_name_stands_beside_its_row_when_there_is_room_for_all_of_it) {
    struct str out = {0};
    const double point[] = {31.6, 40};
    chart_rows("rows", &(struct chart_row){"GT masks, GT names", point, 2, 35.8, 5.9}, 1, &out);
    const char *at = name_at(out.at, "GT masks, GT names");
    CHECK(strncmp(strstr(at, "class="), "class=\"end name\"", 16) == 0);
    CHECK(attribute(at, "x") >= 117);
    str_free(&out);
}

/* They may differ in their last letters alone. */
TEST(longer_names_stand_above_their_rows_as_a_whole) {
    static const char *const names[] = {"inputs.model=../mpt.yaml eval.lambda=0.7",
                                        "inputs.model=../mpt.yaml eval.lambda=0.8", "raw"};
    struct str rows = {0}, bars = {0};
    struct chart_row row[3];
    struct chart_bar bar[3];
    double last[2] = {0};
    for (int i = 0; i < 3; i++) {
        row[i] = (struct chart_row){.name = names[i], .mean = 30, .deviation = NAN};
        bar[i] = (struct chart_bar){names[i], 30, NAN, 0};
    }
    chart_rows("rows", row, 3, &rows);
    chart_bars("bars", bar, 3, &bars);
    const char *const page[] = {rows.at, bars.at};
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < 3; i++) {
            const char *at = name_at(page[p], names[i]);
            double y = attribute(at, "y"), x = attribute(at, "x");
            CHECK(y >= last[p] + 10); /* no name lies on another */
            CHECK(i == 2 ? x > 0 : x == 0);
            last[p] = y;
        }
    double height = strtod(strstr(rows.at, "viewBox=\"0 0 340 ") + 17, NULL);
    CHECK(height > last[0] + 18); /* the ticks are below all of them */
    str_free(&rows);
    str_free(&bars);
}

TEST(a_name_that_no_line_has_room_for_keeps_both_its_ends) {
    struct str out = {0};
    static const char name[] = "inputs.model=../finetune.yaml *:crop.fill=zero eval.lambda=0.75";
    chart_rows("rows", &(struct chart_row){.name = name, .mean = 1, .deviation = NAN}, 1, &out);
    name_at(out.at, "inputs.model=../finetune…l=zero eval.lambda=0.75");
    str_free(&out);
}
