/* A sweep as jobs of a cluster: what several trials have, as one job; then the trials, an array
 * that starts whatever became of it; then the table, however they ended. */
#pragma once

#include "train/cluster/submit_flags.h"
#include "train/sweep/sweep.h"

/* What its jobs ask for: what flags say, else the largest of what stages do, but for times; and a
 * trial is one process, on one GPU at most. The texts are the submission's. ERR_USAGE: flags for
 * several.
 * To be called before sweep_build(): stages that say `device: auto` work on what the jobs ask for,
 * and the setting that says so is added to `given`, the settings of the command line. */
int sweep_resources(struct sweep *s, const struct submit_flags *f, struct submission *to,
                    struct resources_options *r, struct strings *given);

/* Adds the jobs of what is not done; none when all is. Where no flag says their time, it is the sum
 * of what a job's stages say. `given`: what the user gave besides the file: --seeds, settings.
 * `together`: tasks at a time; 0: as many as there is room for. */
int sweep_submit(const struct sweep *s, const struct resources_options *r,
                 const struct strings *given, int64_t together, struct submission *to);
