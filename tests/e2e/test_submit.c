/* `ovseg submit`: the jobs of a chain, and what is wrong with them (tests/e2e/submit.h). A real
 * Slurm: tests/slurm. */
/* ctest: timeout=300 */
#include "base/file.h"
#include "tests/e2e/submit.h"
#include "tests/test.h"

TEST(a_chain_is_printed_as_one_job_and_tested) {
    char *config = submit_config("mpt.yaml"), *out = submit_output();
    struct ended e = SUBMIT(NULL, config, out, "--cpus", "2", "--time", "1:00:00");
    check_status(&e, 0);
    CHECK_HAS(e.out, "#!/bin/bash\n");
    CHECK_HAS(e.out, "#SBATCH --job-name=ovseg-mpt\n");
    CHECK_HAS(e.out, "#SBATCH --cpus-per-task=2\n");
    CHECK_HAS(e.out, "#SBATCH --time=1:00:00\n");
    CHECK_HAS(e.out, "#SBATCH --signal=USR1@120\n");
    CHECK_HAS(e.out, "srun -n1 \\\n");
    CHECK(!strstr(e.out, "--only"));
    char *told = submit_call("args", 101), *given = submit_call("script", 101),
         *second = submit_call("args", 102);
    CHECK_TEXT(told, "--test-only\n");
    CHECK_TEXT(given, e.out);
    CHECK_TEXT(second, "");
    char *const owned[] = {told, given, second, config, out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    ended_free(&e);
}

TEST(stages_that_ask_for_less_are_jobs_of_their_own) {
    char *config = submit_config("mpt.yaml"), *out = submit_output();
    struct ended e =
        SUBMIT(NULL, config, out, "--go", "--gpus=1", "scenes:resources.gpus=0",
               "clip:resources.gpus=0", "mine:resources.gpus=0", "mine:resources.cpus=2");
    check_status(&e, 0);
    /* scenes and clip; proposals needs them; mine needs proposals; the rest needs mine */
    CHECK_TEXT(e.out,
               "101\tovseg-mpt-clip\t\n"
               "102\tovseg-mpt-proposals\tafterok:101\n"
               "103\tovseg-mpt-mine\tafterok:101,afterok:102\n"
               "104\tovseg-mpt\tafterok:101,afterok:102,afterok:103\n");
    char *first = submit_call("script", 101), *mine = submit_call("script", 103),
         *last = submit_call("script", 104);
    CHECK_HAS(first, "--only=scenes \\\n    --only=clip\n");
    CHECK(!strstr(first, "gpus-per-node"));
    CHECK_HAS(mine, "--only=mine\n");
    CHECK_HAS(mine, "#SBATCH --cpus-per-task=2\n");
    CHECK_HAS(mine, "    threads=2 \\\n");
    for (int i = 101; i <= 104; i++) { /* all agree on what each stage's results are hashes of */
        char *script = submit_call("script", i);
        CHECK_HAS(script, "    device=cuda \\\n    clip:device=cpu \\\n    mine:device=cpu \\\n");
        free(script);
    }
    CHECK_HAS(last, "#SBATCH --gpus-per-node=1\n");
    CHECK_HAS(last, "--only=eval\n");
    char *told = submit_call("args", 103);
    CHECK_TEXT(told,
               "--parsable\n--dependency=afterok:101,afterok:102\n--kill-on-invalid-dep=yes\n");
    char *const owned[] = {first, mine, last, told, config, out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    ended_free(&e);
}

TEST(a_job_asks_for_the_sum_of_what_its_stages_take_and_no_more_than_is_allowed) {
    char *config = submit_config("finetune.yaml"), *out = submit_output(); /* five stages */
    struct ended e = SUBMIT(NULL, config, out, "*:resources.time=8:00:00");
    check_status(&e, 0);
    CHECK_HAS(e.out, "#SBATCH --time=1-16:00:00\n");
    ended_free(&e);
    e = SUBMIT(NULL, config, out, "*:resources.time=8:00:00", "--time=20:00:00");
    check_status(&e, 0);
    CHECK_HAS(e.out, "#SBATCH --time=20:00:00\n"); /* the four before it, 32 hours, and it */
    CHECK(!strstr(e.out, "--time=1-"));
    ended_free(&e);
    e = SUBMIT(NULL, config, out, "*:resources.time=8:00:00", "--time=2:00:00");
    check_status(&e, 0);
    CHECK_HAS(e.out, "#SBATCH --time=8:00:00\n"); /* as one stage says */
    CHECK_HAS(e.out, "#SBATCH --time=2:00:00\n");
    ended_free(&e);
    free(config);
    free(out);
}

TEST(a_chain_of_jobs_takes_each_others_place) {
    char *config = submit_config("clip.yaml"), *out = submit_output();
    struct ended e = SUBMIT(NULL, config, out, "--go", "--chain=3");
    check_status(&e, 0);
    CHECK_TEXT(e.out,
               "101\tovseg-clip\t\n102\tovseg-clip\tafterany:101\n"
               "103\tovseg-clip\tafterany:102\n");
    char *script = submit_call("script", 102);
    CHECK_HAS(script, "/DONE ]; then\n    echo \"done by an earlier job\"\n    exit 0\nfi\n");
    ended_free(&e);
    free(script);
    free(config);
    free(out);
}

TEST(jobs_with_gpus_are_made_where_there_is_none_and_agree_with_the_plan) {
    if (file_exists("/proc/driver/nvidia/version")) test_skip("there is an NVIDIA driver");
    char *config = submit_config("clip.yaml"), *out = submit_output(), *dir = test_path("runs");
    struct ended e = SUBMIT(NULL, config, out, "--gpus", "1", "--chain=2");
    check_status(&e, 0);
    CHECK_HAS(e.out, "#SBATCH --gpus-per-node=1\n");
    CHECK_HAS(e.out, "    device=cuda\nstatus=$?\n");
    struct ended plan = TRAIN("runs", "smoke/clip.yaml", "device=cuda", "--dry-run");
    check_status(&plan, 0);
    const char *run = strstr(plan.out, "/clip-");
    CHECK(run);
    char *done = mem_format("%.18s/DONE", run);
    CHECK_HAS(e.out, done); /* what a later try looks for */
    struct ended cpu = SUBMIT(NULL, config, out, "--chain=2");
    CHECK_HAS(cpu.out, "    device=cpu\nstatus=$?\n");
    CHECK(!strstr(cpu.out, done));
    struct ended run_here = TRAIN("runs", "smoke/clip.yaml", "device=cuda");
    check_status(&run_here, ERR_DEVICE);
    CHECK_HAS(run_here.err, "device: cuda: no usable GPU, because ");
    CHECK(!dir_exists(dir));
    struct ended said = SUBMIT(NULL, config, out, "--gpus", "1", "device=cpu");
    check_status(&said, 0);
    CHECK_HAS(said.err, "clip: its device is cpu, and its job asks for GPUs");
    CHECK(!strstr(said.out, "device=cuda"));
    ended_free(&e);
    ended_free(&plan);
    ended_free(&cpu);
    ended_free(&run_here);
    ended_free(&said);
    char *const owned[] = {config, out, dir, done};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(what_is_sent_is_told_when_a_later_job_is_refused) {
    char *config = submit_config("clip.yaml"), *out = submit_output();
    struct ended e = SUBMIT("FAIL_AT=102", config, out, "--go", "scenes:resources.cpus=1");
    check_status(&e, ERR_DEVICE);
    CHECK_HAS(e.err, "ovseg-clip: sbatch refuses it, exit status 1: sbatch: error: no");
    CHECK_HAS(e.err, "scancel 101");
    ended_free(&e);
    e = SUBMIT("SAYS=7; reboot", config, out, "--go");
    check_status(&e, ERR_DEVICE);
    CHECK_HAS(e.err, "sbatch printed \"7; reboot\", which is no job id");
    ended_free(&e);
    e = SUBMIT("FAIL_AT=104", config, out);
    check_status(&e, ERR_DEVICE); /* --test-only */
    CHECK_HAS(e.err, "sbatch refuses it");
    CHECK_HAS(e.out, "#SBATCH");
    ended_free(&e);
    free(config);
    free(out);
}

TEST(without_sbatch_a_script_is_printed_but_not_sent) {
    char *config = submit_config("clip.yaml"), *out = submit_output();
    struct ended e = SUBMIT("PATH=/nowhere", config, out);
    check_status(&e, 0);
    CHECK_HAS(e.out, "#SBATCH");
    ended_free(&e);
    e = SUBMIT("PATH=/nowhere", config, out, "--go");
    check_status(&e, ERR_DEVICE);
    CHECK_HAS(e.err, "no such program");
    ended_free(&e);
    free(config);
    free(out);
}

TEST(mistakes_are_told_before_anything_is_sent) {
    static const struct {
        const char *argument, *value;
        int status;
        const char *said;
    } cases[] = {
        {"--gpus", "65", ERR_USAGE, "command line: resources.gpus: 65 is outside 0..64"},
        {"--time", "soon", ERR_USAGE, "command line: resources.time: \"soon\" is no time"},
        {"--memory", "16 GB", ERR_USAGE, "command line: resources.memory: \"16 GB\" is no size"},
        {"--partition", "a b", ERR_USAGE, "command line: resources.partition: \"a b\" is no name"},
        {"--time", "3", ERR_CONFIG, "leaves too little beside the margin of 120 s"},
        {"--array", "8-1", ERR_USAGE, "--array 8-1: wanted is a list of indices"},
        {"--chain", "0", ERR_USAGE, "--chain 0"},
        {"--account", "a\nb", ERR_USAGE, "line break"},
        {"--site", "/nowhere.yaml", ERR_MISSING, "/nowhere.yaml"},
        {"optim.lrr=1", "seed=1", ERR_CONFIG, "unknown setting optim.lrr"},
        {"resources.time=x", "seed=1", ERR_CONFIG,
         "command line: resources.time: \"x\" is no time"},
        {"time_limit=x", "seed=1", ERR_CONFIG, "command line: time_limit: \"x\" is no time"},
        {"scenes:resources.nodes=0", "seed=1", ERR_CONFIG, "resources.nodes: 0 is outside"},
    };
    char *config = submit_config("clip.yaml"), *out = submit_output();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ended e = SUBMIT(NULL, config, out, "--go", cases[i].argument, cases[i].value);
        if (e.status != cases[i].status || !strstr(e.err, cases[i].said))
            test_fail(__FILE__, __LINE__, "%s %s: %d\n%s", cases[i].argument, cases[i].value,
                      e.status, e.err);
        CHECK_TEXT(e.out, "");
        ended_free(&e);
    }
    struct ended both = SUBMIT(NULL, config, out, "--requeue", "--chain=2");
    check_status(&both, ERR_USAGE);
    ended_free(&both);
    char *nothing = submit_call("args", 101);
    CHECK_TEXT(nothing, "");
    free(nothing);
    free(config);
    free(out);
}

TEST(a_job_of_tasks_that_do_not_know_of_each_other_touches_nothing) {
    struct process p;
    train_start(&p, "out", "smoke/scenes.yaml", (const char *const[]){NULL},
                (const char *const[]){"SLURM_STEP_ID=0", "SLURM_NTASKS=2", NULL});
    struct ended e = process_wait(&p, 60);
    check_status(&e, ERR_DEVICE);
    CHECK_HAS(e.err, "srun --mpi=pmix");
    char *dir = test_path("out");
    CHECK(!dir_exists(dir));
    free(dir);
    ended_free(&e);
}
