/* The training loop, the same for every stage: forward, backward, clip, update; checkpoints,
 * validation, metrics, signals. What a stage does in a step is its `loss`.
 *
 * A step depends on (seed, step) and the parameters alone: the loop seeds libtorch's generator for
 * each step, samplers are functions of the step. So a run that goes on from a checkpoint gives the
 * same bits as one that was never interrupted.
 */
#pragma once

#include "base/json.h"
#include "optim/scaler.h"
#include "optim/schedule.h"
#include "train/graph.h"
#include "train/metrics.h"

struct cJSON;

struct training {
    struct node *node;
    const char *part; /* a folder inside the run, for a phase of its own; NULL: the run itself */
    struct params *params;
    struct adamw *adamw;
    struct schedule schedule; /* total: the number of steps */
    double clip_norm;         /* 0: off */
    struct scaler scaler;     /* of the loss; off but for fp16 */

    void *self;
    /* Where its samples stand, as a value of the checkpoint's state, after a step; and back again
     * before `start`, when a checkpoint is there. NULL: they are a function of the step. */
    void (*keep)(void *self, struct json_out *j);
    int (*restore)(void *self, const struct cJSON *samples);
    /* Called once, before the first step of this life: batches from `step` on are needed. */
    int (*start)(void *self, int64_t step);
    /* The loss of one step -> []; adds its parts to the row. Frees nothing, catches nothing. */
    tensor *(*loss)(void *self, int64_t step, struct metrics_row *row);
    void (*updated)(void *self); /* after the update, gradients off; NULL: nothing to do */
    /* Fills the row; its first value is what "best" means, larger is better. NULL: none. */
    int (*validate)(void *self, struct metrics_row *row);
    int64_t validate_every; /* steps; 0: at the end alone */
    bool keep_best; /* a checkpoint is made, and marked, whenever validation is best so far */
};

/* One iteration: forward, backward, clip, update at the rate of `step`. 0, or the pending error,
 * which leaves the parameters as they were. Adds loss, gradient norm and rate to the row. */
int training_step(struct training *t, int64_t step, struct metrics_row *row);

/* Trains to the end, or until the error or signal that stops it. */
int loop_run(struct training *t);
