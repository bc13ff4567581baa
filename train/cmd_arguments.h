/* Values of options: what does not fit ends the command with usage, as argp does. */
#pragma once

#include <argp.h>
#include <stdint.h>

/* A whole number from lo to hi. */
int64_t argument_int(struct argp_state *state, const char *option, const char *text, int64_t lo,
                     int64_t hi);
/* "LO..HI", where either may be missing: that end is then open and left as it is. */
void argument_band(struct argp_state *state, const char *option, const char *text, double *lo,
                   double *hi);
