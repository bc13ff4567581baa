/* The loss scale of fp16 training: gradients too small for 16 bits are carried through backward
 * multiplied by it. Torch's rule (reference-spec 6.2): it starts at 65536, doubles after every 2000
 * good steps in a row, halves when gradients overflow; a step that overflows updates nothing, and
 * the learning rate goes on as if it had. All of it does nothing until scaler_open().
 *
 *     t_backward(scaler_up(s, loss));
 *     scaler_down(s, adamw);
 *     tensor *norm = adamw_clip(adamw, limit);
 *     if (scaler_passes(s, t_item(norm))) adamw_step(adamw, rate);
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "optim/adamw.h"

struct scaler {
    double scale;    /* 0: off */
    int64_t good;    /* steps in a row without overflow since the last change */
    int64_t skipped; /* steps that overflowed, in all */
};

void scaler_open(struct scaler *s);
tensor *scaler_up(const struct scaler *s, tensor *loss);   /* [] -> [] */
void scaler_down(const struct scaler *s, struct adamw *o); /* the gradients, in place */

/* After the norm of all gradients (of all ranks: all must decide alike) is known: may the step
 * update? Moves the scale. Always true when it is off, or as small as it gets: what is not finite
 * then is so for another reason. */
bool scaler_passes(struct scaler *s, double norm);

/* "scaler": {...} of a checkpoint's state; nothing when it is off. */
void scaler_write(const struct scaler *s, struct json_out *j);
