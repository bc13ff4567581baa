/* The training loop, the same for every stage: forward, backward, clip, update; checkpoints,
 * validation, metrics, signals. What a stage does in a step is its `loss`.
 *
 * A step depends on (seed, step) and the parameters alone: libtorch's generator is seeded for each
 * shard of each step, samplers are functions of the step. So a run that goes on from a checkpoint
 * gives the same bits as one that was never interrupted.
 *
 * Ranks: each computes its shards of the batch (train/shards.h), gradients are summed over all of
 * them, and every rank makes the same update. Rank 0 alone writes.
 */
#pragma once

#include "base/json.h"
#include "dist/reducer.h"
#include "optim/adamw.h"
#include "optim/scaler.h"
#include "optim/schedule.h"
#include "train/metrics.h"
#include "train/not_finite.h"
#include "train/run/graph.h"
#include "train/shards.h"

struct cJSON;

/* What `whole` gives. */
enum whole_kind {
    WHOLE_SAME,     /* the same on every rank */
    WHOLE_SHARE,    /* this rank's share of a sum over ranks */
    WHOLE_REFERENCE /* the same, but features have 1 / ranks of their gradient (Q30) */
};
enum whole_kind whole_kind(const struct node *n); /* as loss.gather has it */

struct training {
    struct node *node;
    const char *part; /* a folder inside the run, for a phase of its own; NULL: the run itself */
    struct params *params;
    struct adamw *adamw;
    struct schedule schedule; /* total: the number of steps */
    double clip_norm;         /* 0: off */
    struct shards shards;     /* {0}: the batch is one */
    struct scaler scaler;     /* of the loss; off but for fp16 */

    void *self;
    /* Where its samples stand, as a value of the checkpoint's state, after a step; and back again
     * before `start`, when a checkpoint is there. All ranks keep. NULL: they are a function of the
     * step. */
    void (*keep)(void *self, struct json_out *j);
    int (*restore)(void *self, const struct cJSON *samples);
    /* For signs of a training that comes to nothing (train/signs.h): samples that an in-batch loss
     * compares, 0: none; seconds that batches were waited for in this life, NULL: not known. */
    int64_t compared;
    double (*waited)(void *self);
    /* Called once, before the first step of this life: batches from `step` on are needed. */
    int (*start)(void *self, int64_t step);
    /* Takes the samples of a step that this rank computes. NULL: there is nothing to take. */
    int (*batch)(void *self, int64_t step);

    /* For train/first_try.h: puts a made-up batch, of the largest shapes that the settings allow,
     * in the place of a step's, and says them, owned: "16 pictures of 224 x 224"; and takes it away
     * again. NULL: it cannot be made up. */
    char *(*largest)(void *self);
    void (*forget)(void *self);

    /* The loss of the rank's k-th shard -> []; the batch's is the mean over all shards. Adds its
     * parts to the row, which are averaged likewise. Frees nothing, catches nothing. */
    tensor *(*loss)(void *self, int64_t k, struct metrics_row *row);
    /* Or, when samples are compared with each other, in place of `loss`: what the loss sees of the
     * k-th shard -> [size, F], and the loss of the whole batch, all: [n size, F] -> []. Where a
     * rank has several shards, features are computed twice: memory is that of one shard. */
    tensor *(*features)(void *self, int64_t k);
    tensor *(*whole)(void *self, tensor *all, struct metrics_row *row);
    enum whole_kind whole_kind;

    /* For reports of a step that went wrong: numbers of this rank's samples, [*n], and the batch as
     * tensors, registered below `at`. NULL: they cannot be told. */
    const int64_t *(*samples)(void *self, size_t *n);
    void (*dump)(void *self, struct path at);
    void (*updated)(void *self); /* after the update, gradients off; NULL: nothing to do */
    /* Fills the row; its first value is what "best" means, larger is better. NULL: none. */
    int (*validate)(void *self, struct metrics_row *row);
    /* A batch of it, unless even that would take longer than a few steps; NULL: not possible. */
    int (*validate_try)(void *self);
    int64_t validate_every; /* steps; 0: at the end alone */
    bool validate_first;    /* before the first step, too: what it began with */
    bool keep_best; /* a checkpoint is made, and marked, whenever validation is best so far */

    struct reducer *reducer; /* of loop_run() */
    struct skipped skipped;  /* so far */
};

/* One iteration: forward, backward, clip, update at the rate of `step`. 0, or the pending error,
 * which leaves the parameters as they were; so does a step that is skipped (train/not_finite.h).
 * Adds loss, gradient norm and rate to the row. */
int training_step(struct training *t, int64_t step, struct metrics_row *row);

/* Forward and backward of the batch that lies there, on all ranks, with no trace but an error. */
int training_try(struct training *t);

/* Trains to the end, or until the error or signal that stops it. */
int loop_run(struct training *t);
