/* Signs that a training comes to nothing though no step of it fails: told while it runs, with what
 * to do, rather than found in the curves a day later. Each is a row of the table in signs.c.
 *
 * A sign is told when it held for so many steps on end that a healthy run does not show it, and
 * again after half an hour at the earliest. Who hears: the log, so progress.json and `ovseg
 * status`, and metrics.jsonl (kind "sign").
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "train/metrics.h"

enum sign_kind {
    SIGN_NOTHING_LEARNT,
    SIGN_SCALE_FALLEN,
    SIGN_SCALE_AT_BOUND,
    SIGN_LOADER_BOUND,
    SIGN_NO_OBJECT,
    SIGN_CLIPPED,
    SIGN_NO_GRADIENT,
    SIGN_FORGETTING,
    SIGNS
};

/* Points that the probe may fall by: drawn scenes are 318 crops of 20 names, the same
 * each time. */
enum { SIGN_PROBE_LOSS = 2 };

struct sign_facts {        /* of a training */
    int64_t compared;      /* samples that an in-batch loss compares with each other; 0: none */
    double clip_norm;      /* 0: off */
    int64_t warmup, total; /* steps */
};

struct signs {
    struct sign_facts of;
    int64_t steps;        /* of this life */
    double loss;          /* a running mean over some fifty steps */
    double scale;         /* of the first step */
    int64_t held[SIGNS];  /* steps on end */
    double told[SIGNS];   /* when, clock_s() */
    bool ever[SIGNS];     /* it was told */
    double since, waited; /* the loader's window: where it began */
    int64_t steps_in;     /* its steps */
    double share;         /* of the window before: waiting / all; NaN: none yet */
    double began, probe;  /* the first validation: of the set, and of the probe; NaN: none */
};

struct sign_told {
    const char *name; /* as in metrics.jsonl */
    double value;
    char text[400];
};

void signs_open(struct signs *s, const struct sign_facts *of);

/* After a step, at the time `now`: its row ("loss", "grad_norm", and "scale", "no_object" where a
 * stage has them), and the seconds that were waited for batches so far. How many signs are to be
 * told now. */
int signs_step(struct signs *s, const struct metrics_row *row, double now, double waited,
               struct sign_told told[SIGNS]);

/* The first validation was in another life. */
void signs_began(struct signs *s, double set, double probe);

/* After a validation: its row ("mask_accuracy", "probe_accuracy"). The first one is what the others
 * are compared with. */
int signs_validation(struct signs *s, const struct metrics_row *row, double now,
                     struct sign_told told[SIGNS]);
