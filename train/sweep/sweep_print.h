/* What a sweep would do, and has done; for the terminal. */
#pragma once

#include "train/sweep/sweep.h"

/* Numbered trials, and stages: run or reused, and how many trials have them. */
void sweep_print_plan(const struct sweep *s, struct str *out);

/* Every trial with its state and, of those that failed, why; stages that are not run for it. */
void sweep_print_states(const struct sweep *s, struct str *out);
