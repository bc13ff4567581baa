#include "train/cmd_arguments.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

int64_t argument_int(struct argp_state *state, const char *option, const char *text, int64_t lo,
                     int64_t hi) {
    char *end;
    errno = 0;
    long long x = strtoll(text, &end, 10);
    if (end == text || *end || errno || x < lo || x > hi)
        argp_error(state, "%s %s: is no whole number from %lld to %lld", option, text,
                   (long long)lo, (long long)hi);
    return x;
}

void argument_of_two(struct argp_state *state, const char *arg, const char **first,
                     const char **second) {
    if (*second) argp_usage(state);
    *(*first ? second : first) = arg;
}

int argument_is_new(const char *path) {
    if (!file_exists(path) && !dir_exists(path)) return 0;
    return error_set(ERR_USAGE, "%s: is there already: remove it, or name another", path);
}

/* Nothing at all is an open end. */
static bool read_end(const char *text, double *to) {
    char *end;
    if (!*text) return true;
    double x = strtod(text, &end);
    if (end == text || *end || !isfinite(x)) return false;
    *to = x;
    return true;
}

void argument_band(struct argp_state *state, const char *option, const char *text, double *lo,
                   double *hi) {
    const char *dots = strstr(text, "..");
    char *first = mem_format("%.*s", dots ? (int)(dots - text) : 0, text);
    bool good = dots && read_end(first, lo) && read_end(dots + 2, hi) && *lo <= *hi;
    free(first);
    if (!good) argp_error(state, "%s %s: wanted is LO..HI, LO.. or ..HI: 0.2..0.25", option, text);
}
