#include "train/commands/cmd_arguments.h"

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

void argument_seeds(struct argp_state *state, const char *text, struct ints *s) {
    for (const char *at = text; at;) {
        const char *comma = strchr(at, ',');
        char *one = mem_format("%.*s", comma ? (int)(comma - at) : (int)strlen(at), at);
        size_t cap = s->n;
        s->at = mem_grow(s->at, &cap, s->n + 1, sizeof *s->at);
        s->at[s->n++] = argument_int(state, "--seeds", one, 0, (int64_t)1e15);
        for (size_t i = 0; i + 1 < s->n; i++)
            if (s->at[i] == s->at[s->n - 1]) argp_error(state, "--seeds %s: one is twice", text);
        free(one);
        at = comma ? comma + 1 : NULL;
    }
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

/* A number that is not negative, and one letter of `units` behind it; the letter's place, or -1. */
static int number_and_unit(const char *text, const char *units, double *x) {
    char *end;
    *x = strtod(text, &end);
    if (end == text || !(*x >= 0) || *x > 1e15) return -1;
    const char *unit = *end ? strchr(units, *end) : NULL;
    return unit && !end[1] ? (int)(unit - units) : -1;
}

double argument_age(struct argp_state *state, const char *option, const char *text) {
    static const double seconds[] = {1, 60, 3600, 86400, 7 * 86400.0};
    double x;
    int unit = number_and_unit(text, "smhdw", &x);
    if (unit < 0 || x >= 1e6)
        argp_error(state, "%s %s: wanted is a number and s, m (minutes), h, d or w: 7d", option,
                   text);
    return unit < 0 ? 0 : x * seconds[unit];
}

int64_t argument_bytes(struct argp_state *state, const char *option, const char *text) {
    static const double bytes[] = {1e3, 1e6, 1e9, 1e12};
    double x;
    int unit = number_and_unit(text, "kMGT", &x);
    char *end;
    bool plain = unit < 0 && *text && (x = strtod(text, &end), !*end) && x >= 0;
    double n = plain ? x : unit < 0 ? -1 : x * bytes[unit];
    if (!(n >= 0 && n < 9e18))
        argp_error(state, "%s %s: wanted is a number of bytes, or one and k, M, G or T: 20G",
                   option, text);
    return (int64_t)n;
}
