/* Checkpoints written behind the training's back: a copy in memory, then a thread that writes it
 * while the next steps run. One at a time. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "checkpoints/checkpoint.h"

struct saver {
    struct checkpoint checkpoint; /* of the copies, and of the text */
    struct params copy[CHECKPOINT_PARTS];
    char *dir, *state;
    bool at_work;
    pthread_t thread;
    int status; /* of the thread, and its message */
    char *message;
    double longest; /* seconds that a checkpoint took to write, so far */
};

/* Waits for the checkpoint before; its error is the result. Then copies c, for which memory of its
 * size is needed, and begins to write it below `dir`. With `behind` false nothing is copied, and it
 * is written on return. */
int saver_save(struct saver *s, const char *dir, const struct checkpoint *c, bool behind);

/* Until what was begun is on disk: 0, or its error. */
int saver_wait(struct saver *s);
