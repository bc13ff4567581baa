#include "base/figure.h"

#include "tests/test.h"

TEST(a_figure_is_a_number_and_where_there_is_none_a_dash) {
    CHECK_TEXT(figure_text(41.25, 1).at, "41.2");
    CHECK_TEXT(figure_text(41.25, 2).at, "41.25");
    CHECK_TEXT(figure_text(0, 1).at, "0.0");
    CHECK_TEXT(figure_text(-3.5, 0).at, "-4");
    CHECK_TEXT(figure_text((double)NAN, 2).at, "-");
    CHECK_TEXT(figure_text(1e300, 6).at, "1e+300");
}
