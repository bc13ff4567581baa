/* `ovseg submit` with an sbatch of ours in the PATH, which writes down what it is told and given;
 * `ovseg-train --only`. A real Slurm: tests/slurm. */
/* ctest: timeout=300 */
#include <sys/stat.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

/* Ids count from 101; call N leaves its arguments in args.N and its standard input in script.N. */
static const char fake[] =
    "#!/bin/sh\n"
    "n=$(cat \"$FAKE/n\" 2>/dev/null || echo 100)\n"
    "n=$((n + 1))\n"
    "echo $n >\"$FAKE/n\"\n"
    "printf '%s\\n' \"$@\" >\"$FAKE/args.$n\"\n"
    "cat >\"$FAKE/script.$n\"\n"
    "[ \"$n\" != \"${FAIL_AT-}\" ] || { echo 'sbatch: error: no' >&2; exit 1; }\n"
    "echo \"${SAYS-$n}\"\n";

/* ovseg COMMAND with the fake sbatch; `more`: of the environment, may be NULL. */
static struct ended with_sbatch(const char *command, const char *more,
                                const char *const *arguments) {
    enum { MAX = 24 };
    char *dir = test_path("bin"), *sbatch = test_path("bin/sbatch"), *calls = test_path("calls");
    char *folder = path_dir(TEST_PROGRAM), *program = path_join(folder, "ovseg");
    CHECK_OK(dir_make(dir));
    CHECK_OK(dir_make(calls));
    CHECK_OK(file_write(sbatch, fake, strlen(fake)));
    CHECK_INT(chmod(sbatch, 0755), 0);
    char *path = mem_format("PATH=%s:%s", dir, getenv("PATH")), *at = mem_format("FAKE=%s", calls);
    char *home = mem_format("XDG_CONFIG_HOME=%s", test_dir());
    const char *argv[MAX] = {program, command};
    bool no_path = more && strncmp(more, "PATH=", 5) == 0;
    const char *const environment[] = {at, home, no_path ? more : path, no_path ? NULL : more,
                                       NULL};
    size_t n = 2;
    for (; *arguments; arguments++) {
        CHECK(n + 1 < MAX);
        argv[n++] = *arguments;
    }
    struct process p;
    process_start(&p, argv, environment);
    struct ended e = process_wait(&p, 60);
    char *const owned[] = {dir, sbatch, calls, folder, program, path, at, home};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return e;
}
#define SUBMIT(more, ...) with_sbatch("submit", more, (const char *const[]){__VA_ARGS__, NULL})
#define SWEEP(...) with_sbatch("sweep", NULL, (const char *const[]){__VA_ARGS__, NULL})

/* A config of the smoke chain, and where its runs would go. */
static char *config_of(const char *name) {
    char *file = mem_format("configs/smoke/%s", name), *path = test_source(file);
    free(file);
    return path;
}

static char *output(void) {
    char *dir = test_path("runs"), *text = mem_format("output_dir=%s", dir);
    free(dir);
    return text;
}

static char *call(const char *what, int n) {
    char *name = mem_format("calls/%s.%d", what, n), *path = test_path(name), *text = text_of(path);
    free(name);
    free(path);
    return text;
}

TEST(a_chain_is_printed_as_one_job_and_tested) {
    char *config = config_of("mpt.yaml"), *out = output();
    struct ended e = SUBMIT(NULL, config, out, "--cpus", "2", "--time", "1:00:00");
    check_status(&e, 0);
    CHECK_HAS(e.out, "#!/bin/bash\n");
    CHECK_HAS(e.out, "#SBATCH --job-name=ovseg-mpt\n");
    CHECK_HAS(e.out, "#SBATCH --cpus-per-task=2\n");
    CHECK_HAS(e.out, "#SBATCH --time=1:00:00\n");
    CHECK_HAS(e.out, "#SBATCH --signal=USR1@120\n");
    CHECK_HAS(e.out, "srun -n1 \\\n");
    CHECK(!strstr(e.out, "--only"));
    char *told = call("args", 101), *given = call("script", 101), *second = call("args", 102);
    CHECK_TEXT(told, "--test-only\n");
    CHECK_TEXT(given, e.out);
    CHECK_TEXT(second, "");
    char *const owned[] = {told, given, second, config, out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    ended_free(&e);
}

TEST(stages_that_ask_for_less_are_jobs_of_their_own) {
    char *config = config_of("mpt.yaml"), *out = output();
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
    char *first = call("script", 101), *mine = call("script", 103), *last = call("script", 104);
    CHECK_HAS(first, "--only=scenes \\\n    --only=clip\n");
    CHECK(!strstr(first, "gpus-per-node"));
    CHECK_HAS(mine, "--only=mine\n");
    CHECK_HAS(mine, "#SBATCH --cpus-per-task=2\n");
    CHECK_HAS(mine, "    threads=2 \\\n");
    for (int i = 101; i <= 104; i++) { /* all agree on what each stage's results are hashes of */
        char *script = call("script", i);
        CHECK_HAS(script, "    device=cuda \\\n    clip:device=cpu \\\n    mine:device=cpu \\\n");
        free(script);
    }
    CHECK_HAS(last, "#SBATCH --gpus-per-node=1\n");
    CHECK_HAS(last, "--only=eval\n");
    char *told = call("args", 103);
    CHECK_TEXT(told,
               "--parsable\n--dependency=afterok:101,afterok:102\n--kill-on-invalid-dep=yes\n");
    char *const owned[] = {first, mine, last, told, config, out};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    ended_free(&e);
}

TEST(a_job_asks_for_the_sum_of_what_its_stages_take_and_no_more_than_is_allowed) {
    char *config = config_of("finetune.yaml"), *out = output(); /* five stages */
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
    char *config = config_of("clip.yaml"), *out = output();
    struct ended e = SUBMIT(NULL, config, out, "--go", "--chain=3");
    check_status(&e, 0);
    CHECK_TEXT(e.out,
               "101\tovseg-clip\t\n102\tovseg-clip\tafterany:101\n"
               "103\tovseg-clip\tafterany:102\n");
    char *script = call("script", 102);
    CHECK_HAS(script, "/DONE ]; then\n    echo \"done by an earlier job\"\n    exit 0\nfi\n");
    ended_free(&e);
    free(script);
    free(config);
    free(out);
}

TEST(an_array_is_made_of_what_depends_on_its_index) {
    char *config = config_of("clip.yaml"), *out = output();
    struct ended e = SUBMIT(NULL, config, out, "--go", "--array=1-8%2", "optim.steps=%a");
    check_status(&e, 0);
    CHECK_TEXT(e.out, "101\tovseg-clip-scenes\t\n102\tovseg-clip\tafterok:101\n");
    char *shared = call("script", 101), *array = call("script", 102);
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
    char *config = config_of("scenes.yaml"), *out = output();
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
    char *config = config_of("scenes.yaml"), *out = output();
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

static void put_config(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(path);
}

/* A chain whose input is chosen by the index: scenes1.yaml and scenes5.yaml. */
static char *chosen_by_index(void) {
    char *here = test_source("configs/smoke"), *whole = realpath(here, NULL);
    char *scenes = mem_format("base: %s/scenes.yaml\n", whole);
    char *others = mem_format("%sscenes: {repeat: 0.5}\n", scenes);
    char *clip = mem_format("base: %s/clip.yaml\n", whole);
    put_config("scenes1.yaml", scenes);
    put_config("scenes5.yaml", others);
    put_config("c.yaml", clip);
    char *const owned[] = {here, whole, scenes, others, clip};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return test_path("c.yaml");
}

TEST(every_index_of_an_array_is_looked_at_and_no_other) {
    char *config = chosen_by_index(), *out = output();
    char *input = mem_format("inputs.scenes=%s/scenes%%a.yaml", test_dir());
    struct ended e = SUBMIT(NULL, config, out, "--go", "--array=1,5", input);
    check_status(&e, 0);
    CHECK_TEXT(e.out, "101\tovseg-c\t\n"); /* its scenes are another config for each */
    char *script = call("script", 101);
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

TEST(jobs_with_gpus_are_made_where_there_is_none_and_agree_with_the_plan) {
    if (file_exists("/proc/driver/nvidia/version")) test_skip("there is an NVIDIA driver");
    char *config = config_of("clip.yaml"), *out = output(), *dir = test_path("runs");
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

static char *lr_sweep(void) {
    char *here = test_source("configs/smoke"), *whole = realpath(here, NULL);
    char *text = mem_format(
        "config: %s/finetune.yaml\nseeds: [1, 2]\n"
        "parameters:\n  optim.lr: {values: [1e-4, 1e-2]}\n",
        whole);
    put_config("lr.yaml", text);
    free(here);
    free(whole);
    free(text);
    return test_path("lr.yaml");
}

TEST(a_sweep_is_sent_as_what_trials_share_an_array_of_them_and_the_table) {
    char *file = lr_sweep(), *out = output();
    struct ended e = SWEEP(file, out, "--on", "slurm", "--go", "--cpus=2", "--time=1:00:00", "-j3",
                           "--requeue", "--seeds", "1,2");
    check_status(&e, 0);
    CHECK_TEXT(e.out,
               "101\tovseg-lr-shared\t\n102\tovseg-lr\tafterany:101\n"
               "103\tovseg-lr-table\tafterany:102\n");
    char *shared = call("script", 101), *array = call("script", 102), *table = call("script", 103);
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
    char *file = lr_sweep(), *out = output();
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

TEST(what_is_sent_is_told_when_a_later_job_is_refused) {
    char *config = config_of("clip.yaml"), *out = output();
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
    char *config = config_of("clip.yaml"), *out = output();
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
    char *config = config_of("clip.yaml"), *out = output();
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
    char *nothing = call("args", 101);
    CHECK_TEXT(nothing, "");
    free(nothing);
    free(config);
    free(out);
}

TEST(stages_can_be_run_one_at_a_time) {
    struct ended e = TRAIN("out", "smoke/mpt.yaml", "--only=mine");
    check_status(&e, ERR_MISSING);
    CHECK_HAS(e.err, "mine: needs scenes, which is not done: run that first");
    ended_free(&e);
    e = TRAIN("out", "smoke/mpt.yaml", "--only=nosuch");
    check_status(&e, ERR_USAGE);
    CHECK_HAS(e.err, "--only nosuch: no such stage in this chain; there are scenes, clip");
    ended_free(&e);
    e = TRAIN("out", "smoke/mpt.yaml", "--only=scenes");
    check_status(&e, 0);
    CHECK_TEXT(e.out, ""); /* no table: the chain is not at its end */
    ended_free(&e);
    e = TRAIN("out", "smoke/mpt.yaml", "--only=scenes", "--only=clip", "--dry-run");
    check_status(&e, 0);
    CHECK_HAS(e.out, "reuse      scenes");
    CHECK_HAS(e.out, "run        clip");
    CHECK_HAS(e.out, "not needed proposals");
    CHECK_HAS(e.out, "not needed eval");
    ended_free(&e);
    char *scenes = run_of("out", "scenes"), *whole = path_join(scenes, "DONE");
    CHECK(file_exists(whole));
    free(scenes);
    free(whole);
}

TEST(a_stage_that_is_named_runs_again_though_what_it_is_for_is_done) {
    struct ended e = TRAIN("out", "smoke/clip.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *scenes = run_of("out", "scenes"), *whole = path_join(scenes, "DONE");
    CHECK_OK(dir_remove(scenes));
    e = TRAIN("out", "smoke/clip.yaml", NULL);
    check_status(&e, 0);
    CHECK(!dir_exists(scenes)); /* nothing wants it */
    ended_free(&e);
    e = TRAIN("out", "smoke/clip.yaml", "--only=scenes");
    check_status(&e, 0);
    CHECK(file_exists(whole));
    ended_free(&e);
    free(scenes);
    free(whole);
}

TEST(a_run_stops_ahead_of_its_time_limit) {
    struct ended e = TRAIN("out", "smoke/clip.yaml", "optim.steps=100000", "--time-limit=0:31");
    check_status(&e, ERR_AGAIN);
    CHECK(e.seconds > 10 && e.seconds < 31);
    CHECK_HAS(e.err, "stopped by the time limit; the checkpoint of step");
    ended_free(&e);
    e = TRAIN("short", "smoke/clip.yaml", "--time-limit=0:20");
    check_status(&e, 0);
    CHECK_HAS(e.err, "too little to stop ahead of it");
    ended_free(&e);
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
