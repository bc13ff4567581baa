#include "train/launch.h"

#include <stdlib.h>

#include "base/error.h"

int launch_check(void) {
    static const char *const ranks[] = {"PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK"};
    const char *tasks = getenv("SLURM_NTASKS");
    if (!getenv("SLURM_STEP_ID") || !tasks || strtol(tasks, NULL, 10) <= 1) return 0;
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        if (getenv(ranks[i])) return 0;
    return error_set(ERR_DEVICE,
                     "srun started %s tasks that do not know of each other: each would do this run "
                     "by itself; start them with srun --mpi=pmix (srun --mpi=list shows what there "
                     "is), or one alone with srun -n1",
                     tasks);
}
