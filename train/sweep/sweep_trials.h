/* The trials of a sweep: every combination of its settings with every seed, numbered from 1 on,
 * the seeds of a combination one after the other. The same file gives the same numbers. */
#pragma once

#include "train/sweep/sweep_file.h"

enum { SWEEP_MAX_TRIALS = 10000 };

struct sweep_setting {
    char *label;               /* of a row its name; else its settings */
    double paper;              /* of a row; NaN: none */
    struct overrides set;      /* constants, then parameters, then the row's */
    struct string_map columns; /* setting: value, of what is not constant */
};

struct sweep_settings {
    struct sweep_setting *at;
    size_t n, cap;
};

/* ERR_CONFIG: too many, or more than there are. */
int sweep_settings_of(struct sweep_settings *s, const struct sweep_file *f);
void sweep_settings_free(struct sweep_settings *s);
