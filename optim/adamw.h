/* AdamW with decoupled weight decay over parameter groups, one pass over memory a step. */
#pragma once

#include "optim/groups.h"

struct adamw_options {
    double beta1, beta2, eps;
};

struct adamw {
    struct adamw_options opt;
    struct groups groups;
    struct params state; /* "exp_avg.NAME", "exp_avg_sq.NAME", "step.NAME": saved like a model */
};

/* Takes over the groups. State is made for trained parameters alone. */
void adamw_open(struct adamw *o, struct groups groups, struct adamw_options opt);
void adamw_free(struct adamw *o);

/* L2 norm of all gradients as one vector -> []. Gradients longer than `limit` are scaled down to
 * it, by limit / (norm + 1e-6) as the reference does (reference-spec 6.1); limit 0: only measured.
 */
tensor *adamw_clip(struct adamw *o, double limit);

/* All gradients times s. */
void adamw_scale_grads(struct adamw *o, double s);

/* One update at rate lr times each group's factor; parameters without a gradient stay. */
void adamw_step(struct adamw *o, double lr);
