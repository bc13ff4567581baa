#include "dist/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { PATIENCE_S = 300 }; /* nodes of a cluster start minutes apart */

/* A number out of the environment, or -1. */
static int number(const char *name) {
    const char *text = getenv(name);
    if (!text || !*text) return -1;
    char *end;
    long x = strtol(text, &end, 10);
    return *end || x < 0 || x > 1 << 20 ? -1 : (int)x;
}

static const char *text_of(const char *name) {
    const char *text = getenv(name);
    return text ? text : "";
}

/* Names of a launcher's variables. */
struct family {
    const char *by, *mark; /* set by it alone */
    const char *rank, *size, *local_rank, *local_size;
};
static const struct family with_mpi[] = {
    {"mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
     "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"srun with PMIx", "PMIX_RANK", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", NULL},
    {"PMI", "PMI_RANK", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
};
static const struct family torchrun = {"torchrun",   "RANK",       "RANK",
                                       "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"};
static const struct family srun = {"srun",         "SLURM_STEP_ID", "SLURM_PROCID",
                                   "SLURM_NTASKS", "SLURM_LOCALID", NULL};

static int or_else(int x, int otherwise) { return x >= 0 ? x : otherwise; }

static void take(struct launch *l, const struct family *f) {
    l->by = f->by;
    l->rank = or_else(number(f->rank), 0);
    l->size = or_else(number(f->size), 1);
    l->local_rank = or_else(number(f->local_rank), 0);
    l->local_size = f->local_size ? or_else(number(f->local_size), 1) : 1;
}

/* Where MASTER_ADDR and MASTER_PORT say, when they do. torchrun's own server may have that port
 * (it then says so): the next one is ours. */
static bool find_address(struct launch *l) {
    int port = number("MASTER_PORT");
    l->address = text_of("MASTER_ADDR");
    l->name = text_of("TORCHELASTIC_RUN_ID");
    if (!*l->address || port < 1 || port > 65534) return false;
    l->meet = MEET_ADDRESS;
    l->port = port + (strcmp(text_of("TORCHELASTIC_USE_AGENT_STORE"), "True") == 0);
    return true;
}

static int join_torchrun(struct launch *l, bool gpus) {
    int world = number("WORLD_SIZE"), rank = number("RANK");
    if (!gpus)
        return error_set(
            ERR_DEVICE,
            "RANK and WORLD_SIZE say that this is one of %d processes, and they cannot "
            "reach each other on CPUs: start them with `mpirun -np %d`, or unset both",
            world, world);
    take(l, &torchrun);
    if (rank < 0 || rank >= world)
        return error_set(ERR_DEVICE, "RANK=%s: not one of WORLD_SIZE=%d processes", getenv("RANK"),
                         world);
    if (!find_address(l))
        return error_set(ERR_DEVICE,
                         "RANK and WORLD_SIZE are set, but MASTER_ADDR and MASTER_PORT do not say "
                         "where rank 0 is: set them to its host and a free port, or use torchrun");
    return 0;
}

static int join_srun(struct launch *l, bool gpus) {
    int tasks = number("SLURM_NTASKS"), rank = number("SLURM_PROCID");
    if (!gpus)
        return error_set(
            ERR_DEVICE,
            "this is one of %d tasks of srun, and they cannot reach each other: start "
            "them with `srun --mpi=pmix` (or --mpi=pmi2), or one task with `srun -n 1`",
            tasks);
    take(l, &srun);
    if (rank < 0 || rank >= tasks)
        return error_set(ERR_DEVICE, "SLURM_PROCID=%s: not one of SLURM_NTASKS=%d tasks",
                         text_of("SLURM_PROCID"), tasks);
    if (find_address(l)) return 0;
    l->meet = MEET_FILE;
    snprintf(l->file, sizeof l->file, ".ovseg-meet-%d.%d.%d", or_else(number("SLURM_JOB_ID"), 0),
             or_else(number("SLURM_STEP_ID"), 0), or_else(number("SLURM_RESTART_COUNT"), 0));
    return 0;
}

int launch_read(struct launch *l, bool gpus) {
    *l = (struct launch){.size = 1, .local_size = 1, .name = "", .patience = PATIENCE_S};
    for (size_t i = 0; i < sizeof with_mpi / sizeof *with_mpi; i++) {
        if (!getenv(with_mpi[i].mark)) continue;
        take(l, &with_mpi[i]);
        return 0;
    }
    if (getenv("RANK") && number("WORLD_SIZE") > 1) return join_torchrun(l, gpus);
    if (getenv("SLURM_STEP_ID") && number("SLURM_NTASKS") > 1) return join_srun(l, gpus);
    return 0;
}
