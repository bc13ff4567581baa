/* `ovseg submit --array` and `ovseg sweep --on slurm`: jobs that are many (tests/e2e/submit.h). */
/* ctest: timeout=300 */
#include "base/file.h"
#include "tests/e2e/submit.h"
#include "tests/test.h"

TEST(an_array_is_made_of_what_depends_on_its_index) {
    char *config = submit_config("clip.yaml"), *out = submit_output();
    struct ended e = SUBMIT(NULL, config, out, "--go", "--array=1-8%2", "optim.steps=%a");
    check_status(&e, 0);
    CHECK_TEXT(e.out, "101\tovseg-clip-scenes\t\n102\tovseg-clip\tafterok:101\n");
    char *shared = submit_call("script", 101), *array = submit_call("script", 102);
    CHECK(!strstr(shared, "--array"));
    CHECK_HAS(array, "#SBATCH --array=1-8%2\n");
    CHECK_HAS(array, "    optim.steps=\"$SLURM_ARRAY_TASK_ID\" \\\n");
    CHECK(!strstr(array, "--only")); /* all that is left */
    ended_free(&e);
    e = SUBMIT(NULL, config, out, "--array=1-8");
    check_status(&e, ERR_USAGE);
    CHECK_HAS(e.err, "write %a, its index, into a setting");
    ended_free(&e);
    char *const owned[] = {shared, array, config, out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(an_array_whose_first_run_is_done_is_sent_all_the_same) {
    struct ended e = TRAIN("runs", "smoke/scenes.yaml", "seed=1");
    check_status(&e, 0);
    ended_free(&e);
    char *config = submit_config("scenes.yaml"), *out = submit_output();
    e = SUBMIT(NULL, config, out, "--go", "--array=1-2", "seed=%a");
    check_status(&e, 0);
    CHECK_TEXT(e.out, "101\tovseg-scenes\t\n");
    ended_free(&e);
    e = SUBMIT(NULL, config, out, "--go", "seed=1");
    check_status(&e, 0);
    CHECK_TEXT(e.out, "");
    CHECK_HAS(e.err, "there is nothing to send");
    ended_free(&e);
    free(config);
    free(out);
}

TEST(an_array_whose_runs_are_all_done_is_not_sent) {
    static const char *const seeds[] = {"seed=3", "seed=5"};
    for (int i = 0; i < 2; i++) {
        struct ended e = TRAIN("runs", "smoke/scenes.yaml", seeds[i]);
        check_status(&e, 0);
        ended_free(&e);
    }
    char *config = submit_config("scenes.yaml"), *out = submit_output();
    struct ended e = SUBMIT(NULL, config, out, "--go", "--array=3,5", "seed=%a");
    check_status(&e, 0);
    CHECK_TEXT(e.out, "");
    CHECK_HAS(e.err, "there is nothing to send");
    ended_free(&e);
    e = SUBMIT(NULL, config, out, "--go", "--array=3-5", "seed=%a");
    check_status(&e, 0);
    CHECK_TEXT(e.out, "101\tovseg-scenes\t\n");
    ended_free(&e);
    free(config);
    free(out);
}

/* A chain whose input is chosen by the index: scenes1.yaml and scenes5.yaml. */
static char *chosen_by_index(void) {
    char *here = test_source("configs/smoke"), *whole = realpath(here, NULL);
    char *scenes = mem_format("base: %s/scenes.yaml\n", whole);
    char *others = mem_format("%sscenes: {repeat: 0.5}\n", scenes);
    char *clip = mem_format("base: %s/clip.yaml\n", whole);
    submit_put("scenes1.yaml", scenes);
    submit_put("scenes5.yaml", others);
    submit_put("c.yaml", clip);
    char *const owned[] = {here, whole, scenes, others, clip};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return test_path("c.yaml");
}

TEST(every_index_of_an_array_is_looked_at_and_no_other) {
    char *config = chosen_by_index(), *out = submit_output();
    char *input = mem_format("inputs.scenes=%s/scenes%%a.yaml", test_dir());
    struct ended e = SUBMIT(NULL, config, out, "--go", "--array=1,5", input);
    check_status(&e, 0);
    CHECK_TEXT(e.out, "101\tovseg-c\t\n"); /* its scenes are another config for each */
    char *script = submit_call("script", 101);
    CHECK(!strstr(script, "--only"));
    ended_free(&e);
    e = SUBMIT(NULL, config, out, "--go", "--array=1,5", input, "*:resources.cpus=2",
               "resources.cpus=1");
    check_status(&e, ERR_USAGE);
    CHECK_HAS(e.err, "--array: its tasks have stages of different names");
    ended_free(&e);
    e = SUBMIT(NULL, config, out, "--go", "--array=1-6", input);
    check_status(&e, ERR_MISSING);
    for (int i = 2; i <= 6; i++) {
        char *name = mem_format("scenes%d.yaml", i);
        CHECK(!strstr(e.err, name) == (i == 5));
        free(name);
    }
    ended_free(&e);
    e = SUBMIT(NULL, config, out, "--go", "--array=1-1000", "seed=%a");
    check_status(&e, 0);
    CHECK_HAS(e.err, "256 of its 1000 indices were looked at");
    ended_free(&e);
    char *const owned[] = {config, out, input, script};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static char *lr_sweep(void) {
    char *here = test_source("configs/smoke"), *whole = realpath(here, NULL);
    char *text = mem_format(
        "config: %s/finetune.yaml\nseeds: [1, 2]\n"
        "parameters:\n  optim.lr: {values: [1e-4, 1e-2]}\n",
        whole);
    submit_put("lr.yaml", text);
    free(here);
    free(whole);
    free(text);
    return test_path("lr.yaml");
}

TEST(a_sweep_is_sent_as_what_trials_share_an_array_of_them_and_the_table) {
    char *file = lr_sweep(), *out = submit_output();
    struct ended e = SWEEP(file, out, "--on", "slurm", "--go", "--cpus=2", "--time=1:00:00", "-j3",
                           "--requeue", "--seeds", "1,2");
    check_status(&e, 0);
    CHECK_TEXT(e.out,
               "101\tovseg-lr-shared\t\n102\tovseg-lr\tafterany:101\n"
               "103\tovseg-lr-table\tafterany:102\n");
    char *shared = submit_call("script", 101), *array = submit_call("script", 102),
         *table = submit_call("script", 103);
    CHECK_HAS(shared, "#SBATCH --cpus-per-task=2\n");
    CHECK_HAS(shared, "    threads=1 \\\n");
    CHECK_HAS(shared, "    device=cpu \\\n    --shared \\\n    --jobs=2\nstatus=$?\n");
    CHECK_HAS(shared, "scontrol requeue");
    CHECK_HAS(array, "#SBATCH --array=1-4%3\n");
    CHECK_HAS(array, "    threads=2 \\\n");
    CHECK_HAS(array, "    --seeds \\\n    1,2 \\\n");
    CHECK_HAS(array, "    --trial=\"$SLURM_ARRAY_TASK_ID\"\nstatus=$?\n");
    CHECK_HAS(table, "ovseg sweep status \\\n");
    CHECK_HAS(table, "#SBATCH --time=10\n");
    CHECK_HAS(e.err, "ovseg sweep status ");
    char *const owned[] = {file, out, shared, array, table};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    ended_free(&e);
}

TEST(the_jobs_of_a_sweep_ask_for_the_largest_of_its_stages_and_work_on_one_gpu) {
    char *file = lr_sweep(), *out = submit_output();
    struct ended e =
        SWEEP(file, out, "--on", "slurm", "mine:resources.memory=8G", "clip:resources.memory=900M",
              "clip:resources.gpus=4", "mine:resources.time=30", "scenes:resources.time=1-00:00:00",
              "finetune:resources.time=45");
    check_status(&e, 0);
    CHECK_HAS(e.out, "#SBATCH --gpus-per-node=1\n");
    CHECK_HAS(e.out, "#SBATCH --mem=8G\n");
    CHECK_HAS(e.out, "#SBATCH --time=2-01:00:00\n"); /* of two seeds, one after the other */
    CHECK_HAS(e.out, "#SBATCH --time=00:45:00\n");
    CHECK_HAS(e.out, "    device=cuda \\\n    --trial=");
    CHECK_HAS(e.err, "a trial is one process, on one GPU at most");
    ended_free(&e);
    static const struct {
        const char *argument, *said;
        int status;
    } wrong[] = {
        {"--gpus=2", "a trial of a sweep is one process", ERR_USAGE},
        {"--shared", "--on slurm makes the jobs", ERR_USAGE},
        {"optim.lrr=1", "unknown setting optim.lrr", ERR_CONFIG},
        {"clip:device=cuda", "a chain works on one device", ERR_CONFIG},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        e = SWEEP(file, out, "--on", "slurm", "--go", wrong[i].argument);
        check_status(&e, wrong[i].status);
        CHECK_HAS(e.err, wrong[i].said);
        ended_free(&e);
    }
    e = SWEEP(file, out, "--gpus=1");
    check_status(&e, ERR_USAGE);
    CHECK_HAS(e.err, "--gpus: goes with --on slurm");
    ended_free(&e);
    free(file);
    free(out);
}
