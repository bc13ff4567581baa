/* What a sweep would do, has done, and how a cluster does it; for the terminal. */
#pragma once

#include "train/sweep.h"

/* Numbered trials, and stages: run or reused, and how many trials have them. */
void sweep_print_plan(const struct sweep *s, struct str *out);

/* Every trial with its state and, of those that failed, why; stages that are not run for it. */
void sweep_print_states(const struct sweep *s, struct str *out);

/* A sweep as jobs of a cluster: what several trials have first, then the others as an array that
 * starts whatever became of it, then the table. Commands are lists of arguments. */
struct sweep_jobs {
    struct strings shared; /* none: all that is shared is done */
    struct strings trial;  /* the task's number takes the place of the last argument */
    char *tasks;           /* "1-4,7" as sbatch --array has it; NULL: all trials are done */
    struct strings table;
};
/* `arguments`: what the user gave besides the file: --seeds, settings. */
void sweep_jobs_of(struct sweep_jobs *j, const struct sweep *s, const struct strings *arguments);
void sweep_jobs_free(struct sweep_jobs *j);
void sweep_print_jobs(const struct sweep_jobs *j, struct str *out);
