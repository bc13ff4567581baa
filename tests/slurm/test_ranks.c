/* Jobs of several ranks, which meet by `srun --mpi=pmix`: scripts/test --full slurm */
/* ctest: timeout=900 labels=full-slurm processors=2 */
#include <time.h>

#include "tests/slurm/jobs.h"

static void wait_for_restart(long job) {
    char *id = mem_format("%ld", job);
    for (int k = 0; k < 600; k++) {
        char *restarts = box_field(id, "Restarts");
        bool again = strcmp(restarts, "0") != 0;
        free(restarts);
        if (again) break;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    free(id);
}

TEST(two_ranks_of_a_job_are_stopped_queued_again_and_end_with_the_bits_of_two_that_were_not) {
    box_start(true);
    long job;
    char *site = box_site("");
    BOX_SUBMIT("out", "smoke/clip.yaml", site, &job, 1, "optim.steps=600", "--requeue", "--tasks=2",
               "--nodes=1", "--time=10");
    box_steps("out", "clip", 150, 120);
    tell("scancel", "--signal=USR1", job);
    wait_for_restart(job);
    struct ended whole = TRAIN_RANKS(2, "whole", "smoke/clip.yaml", "optim.steps=600");
    CHECK_INT(whole.status, 0);
    box_ends(job, 120, "COMPLETED");
    field_is(job, "Restarts", "1");
    same_run("out", "whole", "clip");
    char *log = box_log(job);
    CHECK_HAS(log, "goes on from step ");
    printf("full: two ranks of srun --mpi=pmix: stopped by SIGUSR1, queued again, same bits\n");
    ended_free(&whole);
    free(log);
    free(site);
}

TEST(a_rank_of_a_job_that_is_killed_ends_the_other_one) {
    box_start(true);
    long job;
    char *site = box_site("");
    BOX_SUBMIT("out", "smoke/clip.yaml", site, &job, 1, "optim.steps=40000", "dist.timeout=10",
               "--tasks=2", "--nodes=1", "--time=10");
    box_steps("out", "clip", 20, 120);
    struct ended e = BOX_RUN("pkill", "-KILL", "-n", "-f", "optim.steps=40000");
    CHECK_INT(e.status, 0);
    box_ends(job, 60, "FAILED");
    printf("full: one of two ranks killed: the job ended\n");
    ended_free(&e);
    free(site);
}
