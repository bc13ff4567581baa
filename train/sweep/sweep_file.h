/* A sweep file: one config, and what is to be tried of its settings.
 *
 *     config: eval.yaml                          # paths start at the folder of the sweep file
 *     method: grid                               # all combinations | random | list
 *     seeds: [1, 2]
 *     parameters:
 *       finetune:optim.lr: {values: [1e-4, 3e-4]}
 *       eval.lambda: {value: 0.7}                # the same in all trials
 *     list:                                      # method list: its rows, named or not
 *       - {name: raw CLIP, inputs.model: ../clip.yaml, paper: 21.8}
 *     paper: mIoU on A-150                     # what the rows' figures of the paper are
 *     objective: {metric: miou.all, on: validation, goal: max}
 *
 * docs/sweeps.md. Settings have the scopes of the command line; what they mean is checked with the
 * graphs of the trials (train/sweep/sweep.h).
 */
#pragma once

#include "base/settings.h"

enum sweep_method { SWEEP_GRID, SWEEP_RANDOM, SWEEP_LIST };
enum sweep_on { SWEEP_VALIDATION, SWEEP_TEST };
enum sweep_goal { SWEEP_MAX, SWEEP_MIN };

struct sweep_options {
    char *config;
    int method; /* enum sweep_method */
    struct ints seeds;
    int64_t trials, random_seed;
    char *metric; /* "": none */
    char *paper;  /* what the paper's figures of the rows are; "": not said */
    int on, goal; /* enum sweep_on, sweep_goal */
};

/* One setting, and what it may be. A range is drawn from (method random); it has no values. */
struct sweep_axis {
    char *key; /* with its scope: "finetune:optim.lr" */
    struct yaml_mark mark;
    struct overrides values;
    bool constant; /* `value`: of every trial, and no column of the table */
    bool range, logarithmic;
    double lo, hi;
};

/* Settings that go together. */
struct sweep_row {
    char *name;   /* NULL: after its settings */
    double paper; /* what the paper has for it; NaN: nothing */
    struct overrides set;
};

struct sweep_file {
    char *path, *name; /* as it was given; of the file, without its suffix */
    char *config;      /* a path from here */
    struct settings_doc doc;
    struct sweep_options opt;
    struct sweep_axis *axis;
    size_t n_axes, axes_cap;
    struct sweep_row *row;
    size_t n_rows, rows_cap;
};

/* Whether a file is one, rather than a config: it names a config, and is no stage. */
bool sweep_file_is(const char *path);

/* ERR_CONFIG with all mistakes, as FILE:LINE:COLUMN; ERR_MISSING. Close it in any case. */
int sweep_file_read(struct sweep_file *f, const char *path);
void sweep_file_close(struct sweep_file *f);
