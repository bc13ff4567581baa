/* Who started this process, and as which of how many: read from the environment that launchers set,
 * before anything else is touched. */
#pragma once

#include <stdbool.h>

struct launch {
    const char *by;             /* "mpirun", "srun with PMIx", ...; NULL: nobody, one process */
    int rank, size;             /* as the launcher says; MPI must say the same */
    int local_rank, local_size; /* on this machine; 0 of 1 when the launcher does not say */
};

/* 0, or ERR_DEVICE: one of several tasks that cannot reach each other. Each alone would do the same
 * work in the same folder. The message names the remedy. */
int launch_read(struct launch *l);
