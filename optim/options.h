/* The settings of an optimiser and its schedule; the reference's values are the defaults of the
 * segmentation stage, each CLIP stage has its own table (reference-spec 6.1, 6.2). */
#pragma once

#include "base/settings.h"
#include "optim/adamw.h"
#include "optim/schedule.h"

struct optim_options {
    double lr, weight_decay;
    double weight_decay_norm, weight_decay_embed; /* proposals: of norms; of queries */
    double beta1, beta2, eps;
    double clip_norm;           /* 0: gradients are measured, not clipped */
    double backbone_multiplier; /* proposals: of the rate of backbone.* */
    int64_t warmup;             /* steps */
    double warmup_factor, power;
    int schedule;          /* enum schedule_kind */
    int64_t steps, epochs; /* steps 0: epochs of the data */
};

extern const struct setting optim_proposals_rows[13];
extern const struct setting optim_decay_rows[2];     /* of the same stage */
extern const struct setting optim_backbone_rows[13]; /* of its pretraining; off */
extern const struct setting optim_clip_rows[13];
extern const struct setting optim_pretrain_rows[13];
extern const struct setting optim_prompt_rows[13];

struct schedule optim_schedule(const struct optim_options *o, int64_t total);
struct adamw_options optim_adamw(const struct optim_options *o);
