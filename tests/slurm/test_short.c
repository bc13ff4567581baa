/* On a real Slurm of this machine, where there is one: the most important of it, in the ordinary
 * suite. All of it: tests/slurm/test_jobs.c. */
/* ctest: timeout=300 labels=slow */
#include "tests/slurm/jobs.h"

TEST(two_tasks_without_a_process_manager_end_and_touch_nothing) {
    box_start(false);
    char *config = test_source("configs/smoke/clip.yaml"), *dir = test_path("out");
    char *output = mem_format("output_dir=%s", dir);
    struct ended e = BOX_RUN("srun", "-n2", TEST_PROGRAM, config, "threads=1", output);
    check_status(&e, ERR_DEVICE);
    const char *first = strstr(e.err, "srun --mpi=pmix");
    CHECK(first && strstr(first + 1, "srun --mpi=pmix")); /* of each task */
    /* srun has one line for tasks that end within one of its looks at them. */
    CHECK(strstr(e.err, "tasks 0-1: Exited with exit code 69") ||
          (strstr(e.err, "task 0: Exited with exit code 69") &&
           strstr(e.err, "task 1: Exited with exit code 69")));
    CHECK(!dir_exists(dir));
    ended_free(&e);
    e = BOX_RUN("srun", "-N1", "-n1", TEST_PROGRAM, config, "threads=1", output, "--dry-run");
    check_status(&e, 0);
    ended_free(&e);
    free(config);
    free(output);
    free(dir);
}

TEST(a_job_that_is_told_to_stop_queues_itself_again_and_ends_with_the_same_bits) {
    box_start(false);
    long job;
    char *site = box_site("");
    BOX_SUBMIT("out", "smoke/clip.yaml", site, &job, 1, "optim.steps=400", "--requeue");
    box_steps("out", "clip", 20, 60);
    tell("scancel", "--signal=USR1", job);
    train_whole("whole", "smoke/clip.yaml", "optim.steps=400"); /* meanwhile */
    box_ends(job, 120, "COMPLETED");
    field_is(job, "Restarts", "1");
    char *log = box_log(job);
    CHECK_HAS(log, "stopped by SIGUSR1; the checkpoint of step");
    CHECK_HAS(log, "clip: goes on from step");
    same_run("out", "whole", "clip");
    free(log);
    free(site);
}
