/* How the learning rate moves over a run. */
#pragma once

#include <stdint.h>

enum schedule_kind {
    SCHEDULE_POLY,   /* base (1 - t/T)^power, warm-up multiplied in (reference-spec 6.1) */
    SCHEDULE_COSINE, /* linear warm-up, then half a cosine to zero (reference-spec 6.2) */
    SCHEDULE_CONSTANT,
};

struct schedule {
    int kind;             /* enum schedule_kind */
    double base;          /* the rate after warm-up */
    double power;         /* poly */
    double warmup_factor; /* poly: of the base rate at step 0 */
    int64_t warmup;       /* steps */
    int64_t total;        /* steps */
};

double schedule_rate(const struct schedule *s, int64_t step); /* step from 0 */
