#include "train/signs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double WINDOW_S = 30, BOUND_SHARE = 0.5, AGAIN_S = 1800;
static const double SCALE_BOUND = 100;   /* clip_clamp_scale() */
static const double CLIP_ON_PURPOSE = 1; /* MaskFormer's 0.01 clips every step, by design */
enum { WINDOW_STEPS = 20 };

/* What a step shows; NaN: it is not among the figures of this stage. */
struct shown {
    const struct signs *s;
    double loss, norm, scale, no_object;
    double gained, lost; /* of a validation: points of the set, of the probe */
};

/* ---- the signs: `holds` of one step; what is told ---- */

/* Guessing among n samples costs log(n), and being sure of what is wrong costs more: a loss in a
 * batch begins there, and must leave. */
static bool nothing_learnt(const struct shown *x, double *value) {
    double guess = x->s->of.compared > 1 ? log((double)x->s->of.compared) : NAN;
    *value = x->s->loss;
    return x->s->loss > 0.98 * guess;
}

static bool scale_fallen(const struct shown *x, double *value) {
    *value = x->scale;
    return x->scale < 5 && x->scale < x->s->scale / 4;
}

/* Published weights begin there: that is no sign. */
static bool scale_at_bound(const struct shown *x, double *value) {
    *value = x->scale;
    return x->scale > 0.999 * SCALE_BOUND && x->s->scale < 0.9 * SCALE_BOUND;
}

static bool loader_bound(const struct shown *x, double *value) {
    *value = x->s->share;
    return x->s->share > BOUND_SHARE;
}

static bool no_object(const struct shown *x, double *value) {
    *value = x->no_object;
    return x->no_object >= 1;
}

static bool clipped(const struct shown *x, double *value) {
    *value = x->norm;
    return x->s->of.clip_norm >= CLIP_ON_PURPOSE && x->norm > 10 * x->s->of.clip_norm;
}

static bool no_gradient(const struct shown *x, double *value) {
    *value = x->norm;
    return x->norm < 1e-12;
}

/* Learning the new domain at the price of what was known before. */
static bool forgetting(const struct shown *x, double *value) {
    *value = x->lost;
    return x->gained > 0 && x->lost > SIGN_PROBE_LOSS;
}

static const struct sign {
    const char *name;
    bool (*holds)(const struct shown *x, double *value);
    int64_t needed;             /* steps on end */
    bool learning;              /* looked for after warm-up and the first tenth of the steps */
    const char *before, *after; /* the value */
} table[SIGNS] = {
    [SIGN_NOTHING_LEARNT] =
        {"loss_of_guessing", nothing_learnt, 100, true, "the loss, ",
         ", is no better than guessing: nothing was learnt so far. Is optim.lr too "
         "low or too high, is all frozen (init.freeze), do texts and pictures "
         "belong together?"},
    [SIGN_SCALE_FALLEN] = {"scale_fallen", scale_fallen, 50, false, "the logit scale fell to ",
                           ": features are hardly told apart. Lower optim.lr, lengthen "
                           "optim.warmup, or set loss.freeze_scale=true"},
    [SIGN_SCALE_AT_BOUND] = {"scale_at_bound", scale_at_bound, 200, false,
                             "the logit scale rose to its bound, ",
                             ": samples are learnt by heart, or optim.lr is too high. Fewer "
                             "epochs, a lower rate, or loss.freeze_scale=true"},
    [SIGN_LOADER_BOUND] = {"waiting", loader_bound, 1, false, "",
                           " of the time went into waiting for batches: raise loader.threads (up "
                           "to the cores that are free) and loader.ahead, or make the pictures "
                           "smaller (ovseg data prepare)"},
    [SIGN_NO_OBJECT] = {"all_no_object", no_object, 100, true,
                        "the share of queries that say \"no object\" stays at ",
                        ": masks are not learnt. Lower optim.lr, lengthen optim.warmup, and see "
                        "whether the set's labels are among the seen names (ovseg data check)"},
    [SIGN_CLIPPED] = {"always_clipped", clipped, 200, true, "the gradient's norm, ",
                      ", is above ten times optim.clip_norm in every step: the bound decides the "
                      "step, not the gradient. Lower optim.lr and raise optim.clip_norm"},
    [SIGN_NO_GRADIENT] = {"no_gradient", no_gradient, 10, false, "the gradient's norm is ",
                          ": nothing learns. Is all frozen (init.freeze), or is batch.global 1 "
                          "with a loss that compares samples?"},
    [SIGN_FORGETTING] = {"forgetting", forgetting, 1, false,
                         "validation rose while the retention probe (validate.probe) fell by ",
                         " points: what was known before is being forgotten. Lower optim.lr, train "
                         "for fewer epochs, or go back part of the way: `ovseg eval RUN --blend` "
                         "shows what lies between, `ovseg convert --blend` makes it"},
};

void signs_open(struct signs *s, const struct sign_facts *of) {
    *s = (struct signs){
        .of = *of, .loss = NAN, .scale = NAN, .share = NAN, .began = NAN, .probe = NAN};
}

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* The first window begins after the first step: the loader has nothing ready at the start. */
static void look_at_waiting(struct signs *s, double now, double waited) {
    if (s->steps > 1) s->steps_in++;
    bool over = now - s->since >= WINDOW_S && s->steps_in >= WINDOW_STEPS;
    if (s->steps > 1 && !over) return;
    if (over) s->share = (waited - s->waited) / (now - s->since);
    s->since = now;
    s->waited = waited;
    s->steps_in = 0;
}

static bool due(const struct signs *s, int k, double now) {
    const struct sign *sign = &table[k];
    int64_t before = sign->learning ? most(2 * s->of.warmup, s->of.total / 10) : 0;
    if (s->steps <= before || s->held[k] < sign->needed) return false;
    return !s->ever[k] || now - s->told[k] >= AGAIN_S;
}

static void tell(struct signs *s, int k, double value, double now, struct sign_told *to) {
    s->ever[k] = true;
    s->told[k] = now;
    to->name = table[k].name;
    to->value = value;
    snprintf(to->text, sizeof to->text, "%s%.3g%s", table[k].before, value, table[k].after);
}

int signs_step(struct signs *s, const struct metrics_row *row, double now, double waited,
               struct sign_told told[SIGNS]) {
    struct shown x = {.s = s,
                      .loss = metrics_value(row, "loss"),
                      .norm = metrics_value(row, "grad_norm"),
                      .scale = metrics_value(row, "scale"),
                      .no_object = metrics_value(row, "no_object")};
    int n = 0;
    s->steps++;
    if (isfinite(x.loss)) s->loss = isnan(s->loss) ? x.loss : s->loss + 0.02 * (x.loss - s->loss);
    if (isnan(s->scale)) s->scale = x.scale;
    look_at_waiting(s, now, waited);
    for (int k = 0; k < SIGNS; k++) {
        double value;
        s->held[k] = table[k].holds(&x, &value) ? s->held[k] + 1 : 0;
        if (due(s, k, now)) tell(s, k, value, now, &told[n++]);
    }
    return n;
}

void signs_began(struct signs *s, double set, double probe) {
    s->began = set;
    s->probe = probe;
}

int signs_validation(struct signs *s, const struct metrics_row *row, double now,
                     struct sign_told told[SIGNS]) {
    double set = metrics_value(row, "mask_accuracy"), probe = metrics_value(row, "probe_accuracy"),
           value;
    if (isnan(s->began)) signs_began(s, set, probe);
    struct shown x = {.s = s, .gained = set - s->began, .lost = s->probe - probe};
    bool holds = forgetting(&x, &value), again = now - s->told[SIGN_FORGETTING] >= AGAIN_S;
    if (!holds || (s->ever[SIGN_FORGETTING] && !again)) return 0;
    tell(s, SIGN_FORGETTING, value, now, told);
    return 1;
}
