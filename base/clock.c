#include "base/clock.h"

#include <stdio.h>
#include <time.h>

double clock_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void clock_date(char out[20]) {
    time_t now = time(NULL);
    struct tm t;
    localtime_r(&now, &t);
    if (!strftime(out, 20, "%Y-%m-%d %H:%M:%S", &t)) out[0] = '\0';
}

void clock_span(double s, char out[16]) {
    int m = (int)(s / 60);
    if (s < 1)
        snprintf(out, 16, "%.0f ms", 1e3 * s);
    else if (s < 60)
        snprintf(out, 16, "%.1f s", s);
    else if (s < 3600)
        snprintf(out, 16, "%d min %02d s", m, (int)s - 60 * m);
    else
        snprintf(out, 16, "%d h %02d min", m / 60 % 10000, m % 60);
}
