/* `ovseg eval RUN --blend[=OTHER]`. */
#pragma once

#include "train/model.h"

/* Measures what lies between `other` (NULL: the CLIP that the chain of the model began with) and
 * the model o->name, prints it and writes it into the model's run. The overrides may be of
 * validate.*; without a probe that is the drawn scenes, without a set `val` where the sets of the
 * run have one. ERR_CONFIG: no training run, two forms of models, another override. */
int blend_curve_run(const struct model_options *o, const char *other);
