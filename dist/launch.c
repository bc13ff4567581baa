#include "dist/launch.h"

#include <stdlib.h>

#include "base/error.h"

/* A number out of the environment, or -1. */
static int number(const char *name) {
    const char *text = getenv(name);
    if (!text || !*text) return -1;
    char *end;
    long x = strtol(text, &end, 10);
    return *end || x < 0 || x > 1 << 20 ? -1 : (int)x;
}

/* Names of the variables of a launcher that MPI knows. */
struct family {
    const char *by, *mark; /* set by it alone */
    const char *rank, *size, *local_rank, *local_size;
};
static const struct family families[] = {
    {"mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
     "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"srun with PMIx", "PMIX_RANK", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", NULL},
    {"PMI", "PMI_RANK", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
};

static int or (int x, int otherwise) { return x >= 0 ? x : otherwise; }

int launch_read(struct launch *l) {
    *l = (struct launch){.size = 1, .local_size = 1};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *f = &families[i];
        if (!getenv(f->mark)) continue;
        *l = (struct launch){f->by, or (number(f->rank), 0), or (number(f->size), 1),
                             or (number(f->local_rank), 0),
                             f->local_size ? or (number(f->local_size), 1) : 1};
        return 0;
    }
    int tasks = number("SLURM_NTASKS"), world = number("WORLD_SIZE");
    if (getenv("SLURM_STEP_ID") && tasks > 1)
        return error_set(
            ERR_DEVICE,
            "this is one of %d tasks of srun, and they cannot reach each other: start "
            "them with `srun --mpi=pmix` (or --mpi=pmi2), or one task with `srun -n 1`",
            tasks);
    if (getenv("RANK") && world > 1)
        return error_set(
            ERR_DEVICE,
            "RANK and WORLD_SIZE say that this is one of %d processes, and they cannot "
            "reach each other on CPUs: start them with `mpirun -np %d`, or unset both",
            world, world);
    return 0;
}
