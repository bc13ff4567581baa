#include "base/figure.h"

#include <math.h>
#include <stdio.h>

#include "base/error.h"

struct figure figure_text(double x, int digits) {
    struct figure f = {"-"};
    REQUIRE(digits >= 0 && digits <= 6, "%d digits", digits);
    if (isnan(x)) return f;
    if (fabs(x) < 1e15)
        snprintf(f.at, sizeof f.at, "%.*f", digits, x);
    else /* no figure of ours; whole it would not fit */
        snprintf(f.at, sizeof f.at, "%.6g", x);
    return f;
}
