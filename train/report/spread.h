/* Mean and deviation of figures that some seeds may lack. */
#pragma once

#include <stddef.h>

struct spread {
    size_t n;               /* that are numbers */
    double mean, deviation; /* of the sample; NaN: of none, or of one */
};
struct spread spread_of(const double *x, size_t n); /* NaN are left out */

/* Half the width of the mean's 95 % interval, by Student's t; NaN of fewer than two numbers. */
double spread_margin(const struct spread *s);
