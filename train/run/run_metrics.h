/* The figures of a run, from its files. */
#pragma once

#include "train/run/run_look.h"

/* Fills r->metric and r->value: mIoU of the last model of an evaluation, else the last validation,
 * else pairs that were mined, else the last loss. */
void run_main_metric(struct run_look *r);

/* A figure over the steps of a run. */
struct run_curve {
    char *kind, *name; /* "train", "loss" */
    double *step, *at; /* [n]; NaN where the file has null */
    size_t n, cap, steps_cap;
};
struct run_curves {
    struct run_curve *at;
    size_t n, cap;
};
/* All that metrics.jsonl of a folder has, in the order in which it names them. Lines that are
 * damaged, or half written, are left out; of a file that cannot be read there is nothing. */
void run_curves_read(struct run_curves *c, const char *dir);
void run_curves_free(struct run_curves *c);
/* NULL: there is none. A `name` of NULL: the first of the kind. */
struct run_curve *run_curve(const struct run_curves *c, const char *kind, const char *name);
