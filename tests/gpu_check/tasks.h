/* The training steps of all stages on batches made in memory: pictures are drawn scenes, pairs are
 * scenes with one of their regions, texts are class names as token numbers. For programs that have
 * libtorch and nothing else.
 *
 * B samples, S side, K classes, D feature length.
 */
#pragma once

#include "nn/losses/clip_loss.h"
#include "nn/losses/mask_loss.h"
#include "nn/losses/pixel_text_loss.h"
#include "nn/models/clip.h"
#include "nn/models/maskformer.h"
#include "optim/scaler.h"

struct task_size {
    bool full; /* the models of the paper; else small ones */
    int64_t clip_batch, picture_batch, picture_side;
};
extern const struct task_size TASK_SMALL, TASK_FULL;

struct task {
    const char *name;
    int64_t B; /* samples of a step */
    struct params params;
    struct clip clip;
    struct maskformer *net;
    struct pixel_text_head head;
    struct mask_loss_options loss;
    struct mask_targets targets;
    tensor *images, *masks, *bank, *ids; /* [B, 3, S, S], [B, S, S], [K, D], [B]; held */
    int64_t *tokens;                     /* [B, context] */
    struct adamw adamw;
    struct scaler scaler;
    tensor *(*step)(struct task *t); /* the loss of one -> [] */
};

enum { TASKS = 7 };
extern const char *const task_names[TASKS];

/* Random weights and batches of fixed seeds, the same on every device. 0, or the error. */
int task_open(struct task *t, int which, const struct task_size *size);
void task_close(struct task *t);

/* Forward and backward in a precision: the loss; gradients are left, as float32. */
double task_gradients(struct task *t, enum precision p);

/* All of them as one vector -> [n] */
tensor *task_gradient(const struct task *t);

/* Clips, updates, clears the gradients. The norm, NaN or infinite where fp16 overflowed. */
double task_update(struct task *t, double rate);
