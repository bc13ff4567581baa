/* sbatch, called without a shell. */
#pragma once

#include "train/cluster/slurm_script.h"

/* Whether Slurm would take the jobs (`sbatch --test-only`); without sbatch there is nothing to ask.
 * ERR_DEVICE with what it says against the first that it refuses. */
int slurm_test(const struct submission *s);

/* Sends the jobs, each after those that it needs; a line "ID<TAB>NAME<TAB>DEPENDENCY" of each on
 * standard output. ERR_DEVICE: there is no sbatch, or it refuses one; the message names those that
 * it has taken. */
int slurm_send(const struct submission *s);
