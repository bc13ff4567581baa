/* Jobs of `ovseg submit` on a real Slurm of two nodes on this machine, which is installed when it
 * is not there and this is root: scripts/test --full slurm */
/* ctest: timeout=1800 labels=full-slurm processors=2 */
#include <time.h>

#include "base/clock.h"
#include "tests/slurm/jobs.h"

TEST(one_task_of_a_two_node_job_is_stopped_queued_again_and_ends_with_the_same_bits) {
    box_start(true);
    long job;
    char *site = box_site("launcher: srun -N1 -n1\n");
    BOX_SUBMIT("out", "smoke/clip.yaml", site, &job, 1, "optim.steps=600", "--requeue", "--nodes=2",
               "--time=10");
    for (int i = 1; i <= 2; i++) { /* twice */
        box_steps("out", "clip", 150 * i, 120);
        field_is(job, "NumNodes", "2"); /* of one that waits it is "2-2" */
        tell("scancel", "--signal=USR1", job);
        for (int k = 0; k < 600; k++) {
            char *id = mem_format("%ld", job), *restarts = box_field(id, "Restarts");
            int n = (int)strtol(restarts, NULL, 10);
            free(id);
            free(restarts);
            if (n == i) break;
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        }
    }
    train_whole("whole", "smoke/clip.yaml", "optim.steps=600");
    box_ends(job, 120, "COMPLETED");
    field_is(job, "Restarts", "2");
    same_run("out", "whole", "clip");
    printf("full: a two-node job was stopped twice by SIGUSR1, queued itself again, same bits\n");
    free(site);
}

TEST(where_requeue_is_refused_a_chain_of_jobs_ends_with_the_same_bits) {
    box_start(true);
    long job[3];
    char *site = box_site("");
    BOX_SUBMIT("out", "smoke/clip.yaml", site, job, 3, "optim.steps=400", "--chain=3");
    box_steps("out", "clip", 20, 120);
    tell("scancel", "--signal=USR1", job[0]);
    train_whole("whole", "smoke/clip.yaml", "optim.steps=400");
    box_ends(job[0], 60, "FAILED");
    field_is(job[0], "ExitCode", "75:0");
    box_ends(job[1], 120, "COMPLETED");
    box_ends(job[2], 60, "COMPLETED");
    char *log = box_log(job[2]);
    CHECK_TEXT(log, "done by an earlier job\n");
    same_run("out", "whole", "clip");
    printf("full: a chain of three jobs: stopped, finished, nothing left to do; same bits\n");
    free(log);
    free(site);
}

TEST(a_job_that_is_cancelled_saves_and_stays_cancelled) {
    box_start(true);
    long job;
    char *site = box_site("");
    BOX_SUBMIT("out", "smoke/clip.yaml", site, &job, 1, "optim.steps=4000", "--requeue");
    box_steps("out", "clip", 20, 120);
    tell("scancel", NULL, job);
    box_ends(job, 30, "CANCELLED");
    double until = clock_s() + 8; /* longer than a job that is queued again waits here */
    while (clock_s() < until) nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    box_ends(job, 1, "CANCELLED");
    field_is(job, "Restarts", "0");
    char *log = box_log(job);
    CHECK_HAS(log, "stopped by SIGTERM; the checkpoint of step");
    long long saved = strtoll(strstr(log, "the checkpoint of step") + 23, NULL, 10);
    CHECK(saved >= 20);
    struct ended e = TRAIN("out", "smoke/clip.yaml", "optim.steps=4000", "--time-limit=0:31");
    char *from = mem_format("goes on from step %lld of 4000", saved);
    CHECK_HAS(e.err, from);
    printf("full: scancel: saved at step %lld, exit status 143, not queued again\n", saved);
    ended_free(&e);
    free(from);
    free(log);
    free(site);
}

/* Ends of the tasks of an array: how many COMPLETED, and which did not; -1: all did. */
static int completed(long array, int n, int *failed) {
    int good = 0;
    *failed = -1;
    box_end(array, 300); /* of one task; the others below */
    for (int i = 1; i <= n; i++) {
        char *id = mem_format("%ld_%d", array, i), *state = mem_strdup("");
        for (double until = clock_s() + 300; clock_s() < until;) {
            free(state);
            state = box_field(id, "JobState");
            if (strcmp(state, "COMPLETED") == 0 || strcmp(state, "FAILED") == 0) break;
            nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        }
        good += strcmp(state, "COMPLETED") == 0;
        if (strcmp(state, "COMPLETED") != 0) *failed = i;
        free(id);
        free(state);
    }
    return good;
}

TEST(of_an_array_of_eight_one_fails_and_runs_when_it_is_sent_again) {
    box_start(true);
    long array;
    int failed;
    struct str lines = {0};
    str_add(&lines,
            "prologue:\n"
            "  - 'if [ \"$SLURM_ARRAY_TASK_ID\" = 5 ]; then'\n"
            "  - '    export LD_PRELOAD=\"%s\" OVSEG_FAULT=fsync:2+:ENOSPC'\n"
            "  - '    export OVSEG_FAULT_UNDER=/clip-'\n"
            "  - 'fi'\n",
            TEST_FAULT_LIBRARY);
    char *site = box_site(lines.at);
    BOX_SUBMIT("out", "smoke/clip.yaml", site, &array, 1, "seed=%a", "--array=1-8%2");
    CHECK_INT(completed(array, 8, &failed), 7);
    CHECK_INT(failed, 5);
    free(site);
    site = box_site("");
    BOX_SUBMIT("out", "smoke/clip.yaml", site, &array, 1, "seed=%a", "--array=1-8%2");
    CHECK_INT(completed(array, 8, &failed), 8);
    struct ended e = TRAIN("whole", "smoke/clip.yaml", "seed=5");
    check_status(&e, 0);
    ended_free(&e);
    char *whole = run_of("whole", "clip"), *dir = test_path("out");
    char *run = path_join(dir, path_base(whole));
    check_same_checkpoint(whole, run);
    printf(
        "full: an array of 8: 7 done and 1 failed, then 8 done, the failed one with the bits of "
        "a run outside\n");
    str_free(&lines);
    free(site);
    free(whole);
    free(dir);
    free(run);
}

TEST(a_job_stops_ahead_of_its_time_limit_and_goes_on_in_the_next) {
    box_start(true);
    struct ended probe = TRAIN("probe", "smoke/clip.yaml", "optim.steps=1000");
    check_status(&probe, 0);
    /* More than fits into a minute, also when the machine was busy with other work just now. */
    int64_t steps = (int64_t)(1000 / probe.seconds * 150);
    ended_free(&probe);
    char *setting = mem_format("optim.steps=%lld", (long long)steps), *site = box_site("");
    long job;
    double began = clock_s();
    BOX_SUBMIT("out", "smoke/clip.yaml", site, &job, 1, setting, "--requeue", "--time=1",
               "--margin=0");
    box_ends(job, 800, "COMPLETED");
    double took = clock_s() - began;
    char *log = box_log(job);
    CHECK_HAS(log, "stopped by the time limit; the checkpoint of step");
    CHECK(!strstr(log, "DUE TO TIME LIMIT"));
    train_whole("whole", "smoke/clip.yaml", setting);
    same_run("out", "whole", "clip");
    printf(
        "full: a job of one minute stopped ahead of its limit and ended %.0f s after it was "
        "sent, same bits\n",
        took);
    free(log);
    free(setting);
    free(site);
}

TEST(a_job_waits_for_one_that_is_queued_again) {
    box_start(true);
    long job[2];
    char *site = box_site("");
    BOX_SUBMIT("out", "smoke/proposals.yaml", site, job, 2, "clip:optim.steps=400", "--cpus=2",
               "scenes:resources.cpus=1", "clip:resources.cpus=1", "--requeue");
    box_steps("out", "clip", 20, 120);
    tell("scancel", "--signal=USR1", job[0]);
    box_ends(job[0], 120, "COMPLETED");
    field_is(job[0], "Restarts", "1");
    box_ends(job[1], 120, "COMPLETED");
    char *done = file_of("out", "proposals", "DONE");
    CHECK(file_exists(done));
    free(done);
    free(site);
}

TEST(a_job_whose_input_failed_is_taken_away) {
    box_start(true);
    long job[2];
    char *site = box_site("prologue: ['[ \"$SLURM_JOB_NAME\" != ovseg-clip-scenes ] || exit 9']\n");
    BOX_SUBMIT("out", "smoke/clip.yaml", site, job, 2, "scenes:resources.cpus=1");
    box_ends(job[0], 60, "FAILED");
    box_ends(job[1], 60, "CANCELLED");
    free(site);
}

/* Names that a shell, and Slurm's reader of #SBATCH lines, would take for something else. */
TEST(names_with_blanks_and_quotes_come_through) {
    box_start(true);
    char *dir = test_path("it's a \"dir\" #1 $HOME \\ x"), *source = test_source("");
    char *root = realpath(source, NULL), *config = path_join(dir, "a b's \"c\".yaml");
    char *text = mem_format("base: \"%s/configs/smoke/scenes.yaml\"\n", root);
    char *site = box_site(
        "env: {WHO: \"it's $HOME\"}\nprologue: [pwd]\n"
        "launcher: printenv WHO; srun -n1\n");
    char *bin = path_dir(TEST_PROGRAM), *program = path_join(bin, "ovseg");
    CHECK_OK(dir_make(dir));
    CHECK_OK(file_write(config, text, strlen(text)));
    struct ended e =
        BOX_RUN("-C", dir, program, "submit", "a b's \"c\".yaml", "threads=1",
                "output_dir=my $runs", "--site", site, "--go", "--chain=2", "--margin=0");
    long job[2];
    box_ids(&e, job, 2);
    ended_free(&e);
    box_ends(job[0], 60, "COMPLETED");
    box_ends(job[1], 60, "COMPLETED");
    char *log = box_log(job[0]), *later = box_log(job[1]), *runs = path_join(dir, "my $runs");
    char *here = mem_format("%s\nit's $HOME\n", dir);
    CHECK_HAS(log, here);
    CHECK(dir_exists(runs));
    CHECK_HAS(later, "done by an earlier job");
    char *const owned[] = {dir, source,  root, config, text, site,
                           bin, program, log,  later,  runs, here};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(the_printed_script_sends_the_same_jobs) {
    box_start(true);
    char *site = box_site(""), *script = test_path("jobs.sh"), *dir = test_path("out");
    char *config = test_source("configs/smoke/clip.yaml"),
         *output = mem_format("output_dir=%s", dir);
    char *bin = path_dir(TEST_PROGRAM), *program = path_join(bin, "ovseg");
    struct ended e = BOX_RUN(program, "submit", config, "threads=1", output, "--site", site, "-o",
                             script, "scenes:resources.cpus=1", "--array=1-2", "optim.steps=2%a");
    check_status(&e, 0);
    CHECK_TEXT(e.out, "");
    CHECK_HAS(e.err, "to start at"); /* --test-only */
    ended_free(&e);
    e = BOX_RUN("bash", script);
    int failed;
    long job[2]; /* what both tasks share, and the array */
    box_ids(&e, job, 2);
    box_ends(job[0], 60, "COMPLETED");
    CHECK_INT(completed(job[1], 2, &failed), 2);
    ended_free(&e);
    char *const owned[] = {site, script, dir, config, output, bin, program};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
