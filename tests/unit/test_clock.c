#include "base/clock.h"

#include "tests/test.h"

static double span(const char *text) {
    double s = -1;
    return clock_parse_span(text, &s) ? s : -1;
}

TEST(spans_are_read_as_slurm_writes_them) {
    CHECK_NEAR(span("90"), 90 * 60, 0);
    CHECK_NEAR(span("0:20"), 20, 0);
    CHECK_NEAR(span("10:30"), 10 * 60 + 30, 0);
    CHECK_NEAR(span("02:00:05"), 2 * 3600 + 5, 0);
    CHECK_NEAR(span("1-12"), 36 * 3600, 0);
    CHECK_NEAR(span("1-12:30"), 36 * 3600 + 30 * 60, 0);
    CHECK_NEAR(span("7-00:00:01"), 7 * 86400 + 1, 0);
}

TEST(what_is_no_span_is_refused) {
    static const char *const bad[] = {"",
                                      "0",
                                      "-5",
                                      "1-",
                                      "-",
                                      "1:2:3:4",
                                      "1.5",
                                      "2h",
                                      " 5",
                                      "5 ",
                                      "5:",
                                      ":5",
                                      "1-2-3",
                                      "1:-5",
                                      "inf",
                                      "infinite",
                                      "0:0",
                                      "99999999",
                                      "99999-0",
                                      "1--2",
                                      "0x10",
                                      "1-12h",
                                      "12345678901234567890"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (span(bad[i]) >= 0) test_fail(__FILE__, __LINE__, "\"%s\" was taken", bad[i]);
}

TEST(and_written_so_that_they_are_read_as_the_same) {
    static const double spans[] = {1, 59, 2700, 86399, 86400, 176400, 9999 * 86400.0};
    char text[24];
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        clock_span_text(spans[i], text);
        CHECK_NEAR(span(text), spans[i], 0);
    }
    clock_span_text(2700, text);
    CHECK_TEXT(text, "00:45:00");
    clock_span_text(176400, text);
    CHECK_TEXT(text, "2-01:00:00");
    clock_span_text(1e12, text);
    CHECK_TEXT(text, "10000-00:00:00");
}
