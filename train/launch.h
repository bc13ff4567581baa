/* How this process was started, looked at before anything else is done. */
#pragma once

/* ERR_DEVICE when `srun` started several tasks that do not know of each other, each of which would
 * do the same run; the message names the fix. From SLURM_STEP_ID, SLURM_NTASKS and the variables
 * of process managers (PMIX_RANK, PMI_RANK, OMPI_COMM_WORLD_RANK). Nothing is touched. */
int launch_check(void);
