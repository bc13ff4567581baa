#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double clock_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* "nanoseconds that it ran, that it waited, how often" */
double clock_waited(void) {
    char line[128] = "";
    FILE *f = fopen("/proc/thread-self/schedstat", "r");
    bool read = f && fgets(line, sizeof line, f);
    if (f) fclose(f);
    char *second = read ? strchr(line, ' ') : NULL;
    return second ? 1e-9 * strtod(second, NULL) : NAN;
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

/* Up to three numbers with colons between; how many there were, 0: something else. */
static int read_parts(const char *s, double part[3]) {
    for (int n = 0; n < 3;) {
        size_t digits = strspn(s, "0123456789");
        if (digits == 0 || digits > 7) return 0;
        double x = 0;
        for (size_t i = 0; i < digits; i++) x = 10 * x + (s[i] - '0');
        part[n++] = x;
        s += digits;
        if (*s == '\0') return n;
        if (*s++ != ':') return 0;
    }
    return 0;
}

static const double longest = 10000 * 86400.0;

void clock_span_text(double s, char out[24]) {
    int all = (int)(s < longest ? s : longest), days = all / 86400, in_day = all % 86400;
    int n = days ? snprintf(out, 24, "%d-", days) : 0;
    snprintf(out + n, 24 - (size_t)n, "%02d:%02d:%02d", in_day / 3600, in_day / 60 % 60,
             in_day % 60);
}

bool clock_parse_span(const char *text, double *seconds) {
    double days = 0, part[3] = {0};
    const char *dash = strchr(text, '-');
    size_t digits = strspn(text, "0123456789");
    if (dash) {
        if (digits == 0 || digits > 5 || text + digits != dash) return false;
        for (size_t i = 0; i < digits; i++) days = 10 * days + (text[i] - '0');
    }
    int n = read_parts(dash ? dash + 1 : text, part);
    bool hours = dash || n == 3; /* "30" and "30:00" begin with minutes, "1-12" with hours */
    double s = hours ? 3600 * part[0] + 60 * part[1] + part[2] : 60 * part[0] + part[1];
    s += 86400 * days;
    if (!n || s <= 0 || s > longest) return false;
    *seconds = s;
    return true;
}
