/* Values of options: what does not fit ends the command with usage, as argp does. */
#pragma once

#include <argp.h>
#include <stdint.h>

#include "base/settings.h"

/* A whole number from lo to hi. */
int64_t argument_int(struct argp_state *state, const char *option, const char *text, int64_t lo,
                     int64_t hi);
/* "A,B,...": added to the list, none twice. */
void argument_seeds(struct argp_state *state, const char *text, struct ints *seeds);
/* One of exactly two arguments, which ARGP_KEY_END then asks for. */
void argument_of_two(struct argp_state *state, const char *arg, const char **first,
                     const char **second);
/* ERR_USAGE: there is something of this name already. */
int argument_is_new(const char *path);
/* "LO..HI", where either may be missing: that end is then open and left as it is. */
void argument_band(struct argp_state *state, const char *option, const char *text, double *lo,
                   double *hi);
/* A number and s, m (minutes), h, d or w: "7d"; in seconds. */
double argument_age(struct argp_state *state, const char *option, const char *text);
/* A number of bytes, or with k, M, G or T behind it, which are powers of 1000: "20G". */
int64_t argument_bytes(struct argp_state *state, const char *option, const char *text);
