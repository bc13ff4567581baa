/* The checkpoints of a run by name: which there are, which one comes next, which may go.
 *
 *   RUN/checkpoint-000123          whole: it got this name after everything in it was on disk
 *   RUN/checkpoint-best            link to the best one, when the run has a best one
 *   RUN/checkpoint-000123.tmp      being written, being removed, or abandoned
 *   RUN/checkpoint-000123.old      replaced by another of the same step: put back, or removed
 *   RUN/checkpoint-000123.damaged  found damaged while resuming; goes when two good ones exist
 *
 * Only the process that owns RUN calls what changes something. Errors: ERR_IO, ERR_MISSING.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

char *history_path(const char *run, int64_t step,
                   const char *suffix); /* owned; suffix "", ".tmp" */

/* The steps of the whole checkpoints, ascending; *steps is owned. */
int history_list(const char *run, int64_t **steps, size_t *n);

char *history_last(const char *run); /* path of the newest, unverified: owned, NULL when none */
char *history_best(const char *run); /* path of the one that checkpoint-best names, the same */

/* What a crash left: removes abandoned folders, finishes interrupted replacements, mends the link
 * to the best one. */
int history_recover(const char *run);

/* Gives the written and synced RUN/checkpoint-STEP.tmp its name, durably. One that has the name
 * already is replaced: at every moment one of the two can be found. */
int history_commit(const char *run, int64_t step);

int history_mark_best(const char *run, int64_t step);

/* Removes all but the last `keep` and the best one, and what is set aside as damaged. */
int history_prune(const char *run, size_t keep);

int history_set_aside(const char *run, int64_t step); /* as damaged */
