/* A loss or a gradient that is not a number: noticed before the update, so that the weights are
 * whole. What made it is said and kept; then the run ends, or does without the step. */
#pragma once

#include <stdint.h>

#include "base/json.h"

enum not_finite_policy { NOT_FINITE_STOP, NOT_FINITE_SKIP };

struct training;
struct cJSON;

/* Steps that were skipped in this run: part of a checkpoint. */
struct skipped {
    int64_t total, in_row;
};

/* For step `step`, whose gradients are still there. Warns with the first parameter whose gradient
 * is not finite and the samples; writes them into RUN/not-finite-STEP/, of the first few such
 * steps. 0: the step is to be skipped. ERR_INTERNAL: the policy is to stop, or too many in a row.
 * All ranks call it, with the same numbers. */
int not_finite(struct training *t, int64_t step, double loss, double norm);

void skipped_write(const struct skipped *s, struct json_out *j);
void skipped_read(struct skipped *s, const struct cJSON *from);
