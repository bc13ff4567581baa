/* The tensors that a golden records of a training run by their sums: gradients, and the parameters
 * when it is over. */
#pragma once

#include <cjson/cJSON.h>

#include "nn/params.h"
#include "tests/parity/verdicts.h"

enum trained_what { TRAINED_GRADIENT, TRAINED_VALUE };

/* Gradients have digits to lose where a rectifier's input is near 0: measured on the committed
 * goldens up to 6e-5 of the squares and 1.3e-4 of the RMS, against 1e-9 and 1e-7 of parameters. */
#define TRAINED_BAR_GRADIENT 1e-3

struct trained_bar {
    double sumsq;   /* of the sum of squares; ten times as much, of the norm times the root of the
                       size, for the sum: a change at right angles shows more there */
    double element; /* of the first eight: this, and ... */
    double rms;     /* ... this part of the tensor's RMS */
    double noise;   /* RMS of what is zero but for rounding and has no digits to compare */
};

/* A line for every tensor that `want` names. What trains (or has a gradient) and is not named there
 * differs, too. */
void trained_compare(struct verdicts *r, enum trained_what what, const struct params *p,
                     const cJSON *want, const struct trained_bar *bar);
