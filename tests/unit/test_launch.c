#include "train/launch.h"

#include <stdlib.h>

#include "tests/test.h"

static void set(const char *step, const char *tasks, const char *rank) {
    static const char *const all[] = {"SLURM_STEP_ID", "SLURM_NTASKS", "PMIX_RANK", "PMI_RANK",
                                      "OMPI_COMM_WORLD_RANK"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) unsetenv(all[i]);
    if (step) setenv("SLURM_STEP_ID", step, 1);
    if (tasks) setenv("SLURM_NTASKS", tasks, 1);
    if (rank) setenv(rank, "0", 1);
}

TEST(tasks_that_do_not_know_of_each_other_are_refused_with_the_fix) {
    set("0", "2", NULL);
    CHECK_ERROR(launch_check(), ERR_DEVICE, "2 tasks");
    CHECK_ERROR(launch_check(), ERR_DEVICE, "srun --mpi=pmix");
    set("0", "16", NULL);
    CHECK_ERROR(launch_check(), ERR_DEVICE, "16 tasks");
}

TEST(one_task_alone_ranks_and_no_slurm_at_all_are_fine) {
    set(NULL, NULL, NULL);
    CHECK_OK(launch_check());
    set("0", "1", NULL);
    CHECK_OK(launch_check());
    set(NULL, "2", NULL); /* the job's script, not a step of it */
    CHECK_OK(launch_check());
    set("0", "2", "PMIX_RANK");
    CHECK_OK(launch_check());
    set("0", "2", "PMI_RANK");
    CHECK_OK(launch_check());
    set("0", "2", "OMPI_COMM_WORLD_RANK");
    CHECK_OK(launch_check());
    set("0", "nonsense", NULL);
    CHECK_OK(launch_check());
}
