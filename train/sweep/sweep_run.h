/* Runs what a sweep lacks, on this machine: each stage in a process of its own that does nothing
 * else (`ovseg sweep --make RUN`), several side by side. One that fails stops only what needs it.
 */
#pragma once

#include "train/sweep/sweep.h"

struct sweep_work {
    int64_t jobs;     /* processes side by side */
    bool shared_only; /* only stages that several trials have */
    int argc;         /* of the command line after "sweep", with which a process finds its trial */
    char **argv;
};

/* Writes the table whenever a trial becomes whole, and at the end. Stages that failed are no error
 * here but a state of theirs; a signal that asks to stop is handed on, and is one (75, 130, 143).
 */
int sweep_run(struct sweep *s, const struct sweep_work *w);

/* In this process, one after the other: all that a trial lacks. Its failure is remembered. */
int sweep_run_trial(struct sweep *s, size_t trial);
/* In a process of sweep_run(): the stage of the trial whose run folder has this name. Of the sweep
 * only the trials are known (sweep_read). `threads`: that it computes with, where its config does
 * not say. */
int sweep_make(const struct sweep *s, size_t trial, const char *run, int64_t threads);
