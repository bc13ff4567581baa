/* What would fail hours later, or with the first big batch, is tried before the first step of a
 * training that begins: forward and backward at the largest shapes that the settings allow, a batch
 * of validation, a checkpoint. Nothing of it stays: no update is made, buffers are put back, the
 * generators are seeded by each step anyhow, the loader is not asked, and the checkpoint, in
 * DIR/.first-try, is removed. */
#pragma once

#include "train/loop.h"
#include "train/saver.h"

/* All ranks. 0, or the error, which names stage, shapes, memory, and what to change. `dir`: where
 * the checkpoints of the training will be; `c`: one as it would be now. */
int first_try(struct training *t, const char *dir, struct saver *s, const struct checkpoint *c);

void first_try_clear(const char *dir); /* what a process left that was killed in the middle */
