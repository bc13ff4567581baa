#include "optim/options.h"

#include <float.h>

#include "base/setting_rows.h"

static const char *const schedules[] = {"poly", "cosine", "constant",
                                        NULL}; /* enum schedule_kind */

#define SETTINGS_OF struct optim_options

/* A moment of weight 1 never moves: AdamW's correction would divide by 0. The next number below. */
#define BELOW_ONE (1 - DBL_EPSILON / 2)

/* Each stage's defaults are the reference's for it. */
/* clang-format off */
#define ROWS(LR, DECAY, BETA2, EPS, CLIP, MULT, WARMUP, SCHEDULE, STEPS, EPOCHS)                                       \
    REAL  ("lr",                  lr,                  RESULT, LR,       0, 10,   "learning rate after warm-up"),       \
    REAL  ("weight_decay",        weight_decay,        RESULT, DECAY,    0, 10,   "decoupled; the log of a stage lists its groups"), \
    REAL  ("beta1",               beta1,               RESULT, "0.9",    0, BELOW_ONE, "AdamW, first moment"),          \
    REAL  ("beta2",               beta2,               RESULT, BETA2,    0, BELOW_ONE, "AdamW, second moment"),         \
    REAL  ("eps",                 eps,                 RESULT, EPS,      0, 1,    "AdamW, beside the square root"),     \
    REAL  ("clip_norm",           clip_norm,           RESULT, CLIP,     0, 1e9,  "L2 norm of all gradients; 0: off"),  \
    REAL  ("backbone_multiplier", backbone_multiplier, RESULT, MULT,     0, 100,  "of the backbone's rate"),            \
    INT   ("warmup",              warmup,              RESULT, WARMUP,   0, 1e9,  "steps until the full rate"),         \
    REAL  ("warmup_factor",       warmup_factor,       RESULT, "1e-6",   0, 1,    "poly: of the rate at step 0"),       \
    REAL  ("power",               power,               RESULT, "0.9",    0, 10,   "poly: exponent"),                    \
    CHOICE("schedule",            schedule,            RESULT, SCHEDULE, schedules, "how the rate decays"),             \
    INT   ("steps",               steps,               RESULT, STEPS,    0, 1e9,  "updates; 0: `epochs` decides"),      \
    INT   ("epochs",              epochs,              RESULT, EPOCHS,   0, 1e6,  "passes over the samples")

const struct setting optim_proposals_rows[] = {ROWS("2e-4", "1e-4", "0.999", "1e-8", "0.01", "0.1", "1500", "poly", "120000", "0")};
const struct setting optim_decay_rows[] = {
    REAL  ("weight_decay_norm",  weight_decay_norm,  RESULT, "0", 0, 10, "of the norms of a proposal network"),
    REAL  ("weight_decay_embed", weight_decay_embed, RESULT, "0", 0, 10, "of its queries"),
};
const struct setting optim_backbone_rows[]  = {ROWS("2e-3", "1e-4", "0.999", "1e-8", "0", "1", "0", "poly", "0", "0")};
const struct setting optim_clip_rows[]      = {ROWS("5e-6", "0.2", "0.98", "1e-6", "0", "1", "100", "cosine", "0", "5")};
const struct setting optim_prompt_rows[]    = {ROWS("0.05", "0", "0.98", "1e-6", "0", "1", "100", "cosine", "0", "5")};
const struct setting optim_pretrain_rows[]  = {ROWS("5e-4", "0.2", "0.98", "1e-6", "0", "1", "2000", "cosine", "0", "32")};
/* clang-format on */

struct schedule optim_schedule(const struct optim_options *o, int64_t total) {
    return (struct schedule){o->schedule, o->lr, o->power, o->warmup_factor, o->warmup, total};
}

struct adamw_options optim_adamw(const struct optim_options *o) {
    return (struct adamw_options){o->beta1, o->beta2, o->eps};
}
