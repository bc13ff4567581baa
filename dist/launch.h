/* Who started this process, and as which of how many: read from the environment that launchers set,
 * before anything else is touched. */
#pragma once

#include <stdbool.h>

/* How the processes find each other. */
enum launch_meeting {
    MEET_MPI,
    MEET_ADDRESS, /* rank 0 listens where MASTER_ADDR and MASTER_PORT say */
    MEET_FILE,    /* rank 0 writes where it listens into a file of the working folder */
};

struct launch {
    const char *by;             /* "mpirun", "srun with PMIx", ...; NULL: nobody, one process */
    int rank, size;             /* as the launcher says; MPI must say the same */
    int local_rank, local_size; /* on this machine; 0 of 1 when the launcher does not say */
    enum launch_meeting meet;
    const char *address; /* MEET_ADDRESS: of the environment */
    int port;
    const char *name; /* of the job: its processes alone know it; "": it has none */
    char file[128];   /* MEET_FILE: a name that no other job has */
    double patience;  /* seconds that they wait for each other; MPI has its own */
};

/* 0, or ERR_DEVICE: one of several tasks that cannot reach each other. Each alone would do the same
 * work in the same folder. The message names the remedy. Tasks of torchrun, or of srun without MPI,
 * can when there are `gpus`: what they exchange goes through NCCL. */
int launch_read(struct launch *l, bool gpus);
