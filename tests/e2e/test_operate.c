/* Runs listed, shown, compared, removed; followed while they train; planned before; on the smoke
 * chain. */
/* ctest: timeout=900 labels=slow */
#include <cjson/cJSON.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/json_of.h"
#include "tests/test.h"
#include "tests/unit/run_made.h"

static const char *runs_dir(void) {
    static char *dir; /* of the running test */
    free(dir);
    return dir = test_path("out");
}

#define RUNS(...) OVSEG("runs", __VA_ARGS__)

static void check_array(struct ended e, int n) {
    check_status(&e, 0);
    cJSON *json = json_of_text(e.out);
    CHECK(cJSON_IsArray(json));
    CHECK_INT(cJSON_GetArraySize(json), n);
    cJSON_Delete(json);
    ended_free(&e);
}

static void list_walk(const char *runs) {
    check_says(RUNS("list", runs), 0, "eval\tevaluate\tdone\t", NULL);
    check_says(RUNS("list", "--stage", "evaluate", runs), 0, "\tmIoU ", NULL);
    check_array(RUNS("list", "--json", runs), 8);
    check_array(RUNS("list", "--json", "--runs", runs), 8);
    check_array(RUNS("list", "--json", "--stage", "mine", runs), 1);
    check_array(RUNS("list", "--json", "--state", "failed", runs), 0);
    check_says(RUNS("list", "--stage", "baking", runs), 64, NULL, "there is no such stage");
    check_says(RUNS("list", "--state", "tired", runs), 64, NULL, "is none of done, running");
}

static void show_walk(const char *runs) {
    check_says(RUNS("show", "finetune", "--runs", runs), 0, "stage clip-finetune, done in", NULL);
    check_says(RUNS("show", "finetune", "--runs", runs), 0, "/eval-", NULL); /* it is used by */
    check_says(RUNS("show", "finetune", "--runs", runs), 0, "  step ", NULL);
    check_says(RUNS("show", "finetune", "--runs", runs), 0, "finetune.yaml:", NULL);
    check_says(RUNS("show", "eval", "--runs", runs), 0, "result (mIoU all, seen, unseen)", NULL);
    struct ended e = RUNS("show", "mine", "--json", "--all", "--runs", runs);
    check_status(&e, 0);
    cJSON *json = json_of_text(e.out);
    const cJSON *settings = cJSON_GetObjectItem(json, "settings");
    CHECK(cJSON_GetObjectItem(settings, "mine.similarity")); /* a default */
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(json, "used_by")), 3);
    cJSON_Delete(json);
    ended_free(&e);
    check_says(RUNS("show", "nothing", "--runs", runs), 66, NULL, "no such run");
}

static void diff_walk(const char *runs) {
    check_says(RUNS("diff", "mpt", "mpt", "--runs", runs), 0,
               "nothing that decides results differs", NULL);
    check_says(RUNS("diff", "--exit-code", "mpt", "mpt-only", "--runs", runs), 1,
               "now input clip run", NULL);
    struct ended again = TRAIN("out", "smoke/finetune.yaml", "optim.lr=1e-3");
    check_status(&again, 0);
    ended_free(&again);
    struct strings names;
    char *both[2];
    size_t n = 0;
    CHECK_OK(dir_list(runs, &names));
    for (size_t i = 0; i < names.n && n < 2; i++)
        if (strncmp(names.at[i], "finetune-", 9) == 0) both[n++] = path_join(runs, names.at[i]);
    CHECK_INT(n, 2);
    struct ended e = RUNS("diff", both[0], both[1]);
    check_status(&e, 0);
    CHECK_HAS(e.out, "optim.lr=0.001");
    CHECK_HAS(e.out, "main figure: ");
    ended_free(&e);
    free(both[0]);
    free(both[1]);
    strings_free(&names);
}

/* Two runs of finetune lie there; the first, mpt and mpt-only are inputs of the evaluation. */
static void rm_walk(const char *runs) {
    char *clip = run_of("out", "clip"), *eval = run_of("out", "eval"), *before = listing_of(runs);
    check_says(RUNS("rm", "--yes", clip), 64, NULL, " made from it: remove ");
    check_says(RUNS("rm", eval), 64, NULL, "say --yes");
    check_says(RUNS("rm", "--dry-run", eval), 0, "would go", NULL);
    check_says(RUNS("gc", runs), 64, NULL, "say what may go");
    check_says(RUNS("gc", "--older-than", "long", runs), 64, NULL, "wanted is a number");
    check_says(RUNS("gc", "--unused", "--unfinished", runs), 0, "0 B would go", NULL);
    check_says(RUNS("gc", "--unused", "--runs", runs), 0, "0 B would go", NULL);
    check_says(RUNS("gc", "--unused", "--runs", runs, runs), 64, NULL, "Usage");
    char *after = listing_of(runs);
    CHECK_TEXT(after, before);
    char *link = test_path("link");
    CHECK_INT(symlink(eval, link), 0);
    check_says(RUNS("rm", "-y", link), 64, NULL, "it is a link to ");
    free(link);
    check_says(RUNS("rm", "-y", "mpt", eval, eval, "mpt", "--runs", runs), 0, "2 runs, ", NULL);
    CHECK(!dir_exists(eval));
    check_says(RUNS("gc", "--unused", "--older-than", "1h", runs), 0, "0 B would go", NULL);
    check_says(RUNS("gc", "--unused", runs), 0, "/mpt-only-", NULL);
    check_says(RUNS("gc", "--unused", "--caches", "--yes", runs), 0, " freed", NULL);
    char *one = run_of("out", "finetune"); /* the one that closed a command, and what it needs */
    CHECK(dir_exists(clip));
    check_array(RUNS("list", "--json", runs), 5);
    char *const owned[] = {clip, eval, before, after, one};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(runs_are_listed_shown_compared_and_removed_but_never_one_that_another_needs) {
    struct ended e = TRAIN("out", "smoke/mpt.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    list_walk(runs_dir());
    show_walk(runs_dir());
    diff_walk(runs_dir());
    check_says(OVSEG("status", "eval", "--runs", runs_dir()), 0, "evaluate  done", NULL);
    check_says(OVSEG("status", "eval", "--follow", "--runs", runs_dir()), 0, "\tdone\t", NULL);
    rm_walk(runs_dir());
}

static char *made_done(const char *name, const char *stage, const char *inputs) {
    char *run = made_run(runs_dir(), name, stage, inputs);
    put_in(run, "DONE", "{\"seconds\":1}");
    return run;
}

/* mpt was stopped; finetune and clip are done, and serve nobody else. */
TEST(gc_keeps_the_inputs_of_what_stays_and_their_inputs) {
    char *clip = made_done("clip-00000000aaaa", "clip-pretrain", "{}");
    char *tuned = made_done("finetune-00000000bbbb", "clip-finetune",
                            "{\"clip\":{\"run\":\"clip-00000000aaaa\",\"best\":false}}");
    char *mpt = made_run(runs_dir(), "mpt-00000000cccc", "mask-prompt",
                         "{\"clip\":{\"run\":\"finetune-00000000bbbb\",\"best\":false}}");
    char *other = made_done("clip-00000000dddd", "clip-pretrain", "{}");
    char *const kept[] = {clip, tuned, mpt};
    check_says(RUNS("gc", "--unused", "--yes", runs_dir()), 0, "/clip-00000000dddd", NULL);
    CHECK(!dir_exists(other));
    for (size_t i = 0; i < 3; i++) CHECK(dir_exists(kept[i]));
    char *result = path_join(tuned, "result.json"); /* it closed a command */
    put_in(tuned, "result.json", "{}");
    check_says(RUNS("gc", "--unused", "--unfinished", "--yes", runs_dir()), 0, "/mpt-00000000cccc",
               NULL);
    CHECK(!dir_exists(mpt) && dir_exists(tuned) && dir_exists(clip));
    CHECK_INT(unlink(result), 0);
    check_says(RUNS("gc", "--unused", "--yes", runs_dir()), 0, "/clip-00000000aaaa", NULL);
    CHECK(!dir_exists(tuned) && !dir_exists(clip)); /* both: clip was unused then */
    char *const owned[] = {clip, tuned, mpt, other, result};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static char *write_config(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

TEST(a_closing_config_with_a_blank_in_its_name_runs_is_reused_and_found) {
    char *smoke = realpath(TEST_SOURCE_DIR "/configs/smoke", NULL);
    char *text = mem_format("base: %s/scenes.yaml\nthen: close it.yaml\n", smoke);
    char *first = write_config("first.yaml", text);
    char *close = write_config("close it.yaml",
                               "stage: mine\ninputs: {scenes: first.yaml}\n"
                               "mine: {ground_truth: true, images: 20}\n");
    struct ended e = TRAIN("out", first, "close it:mine.images=12");
    check_status(&e, 0);
    char *run = run_of("out", "close it"), *settings = file_of("out", "close it", "settings.yaml");
    char *said = text_of(settings);
    CHECK_HAS(said, "mine.images: 12");
    ended_free(&e);
    e = TRAIN("out", first, "close it:mine.images=12", "--dry-run");
    check_status(&e, 0);
    CHECK(!strstr(e.out, "run "));
    CHECK_HAS(e.out, run);
    ended_free(&e);
    check_says(RUNS("show", "close it", "--runs", runs_dir()), 0, "stage mine, done in", NULL);
    check_says(RUNS("list", runs_dir()), 0, "close it\tmine\tdone\t", NULL);
    char *const owned[] = {smoke, text, first, close, run, settings, said};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(the_status_of_a_config_is_that_of_its_run) {
    char *smoke = realpath(TEST_SOURCE_DIR "/configs/smoke", NULL), *runs = test_path("out");
    char *text = mem_format("base: %s/scenes.yaml\noutput_dir: %s\n", smoke, runs);
    char *config = write_config("drawn.yaml", text);
    check_says(OVSEG("status", config), 66, NULL, "it was not run yet: ovseg-train ");
    struct ended e = TRAIN("out", config, NULL);
    check_status(&e, 0);
    ended_free(&e);
    check_says(OVSEG("status", config), 0, "scenes  done", NULL);
    check_says(OVSEG("status", config, "--follow"), 0, "\tdone\t", NULL);
    char *other = test_path("other"), *says = mem_format("drawn.yaml output_dir=%s does", other);
    check_says(OVSEG("status", config, "--runs", other), 66, NULL, says);
    CHECK(rename(runs, other) == 0);
    check_says(OVSEG("status", config, "--runs", other), 0, "scenes  done", NULL);
    check_says(OVSEG("report", config, "--runs", other, "-o", runs), 0, "1 runs", NULL);
    char *const owned[] = {smoke, runs, text, config, other, says};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_run_at_work_is_followed_and_kept_and_one_that_was_killed_goes_on) {
    struct ended e = TRAIN("out", "smoke/scenes.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    struct process p, follower;
    train_start(&p, "out", "smoke/clip.yaml", (const char *const[]){"optim.steps=100000", NULL},
                NULL);
    char *run = wait_for_run("out", "clip", "progress.json", 0);
    char *program = mem_strdup(TEST_BUILD_DIR "/bin/ovseg");
    const char *const argv[] = {program, "status", run, "--follow", "--every", "1", NULL};
    process_start(&follower, argv, NULL);
    check_says(OVSEG("status", run), 0, "of 100000 steps", NULL);
    check_says(RUNS("list", "--state", "running", runs_dir()), 0, "clip\tclip-pretrain\trunning",
               NULL);
    check_says(RUNS("rm", "--yes", run), 69, NULL, "is at work in it");
    check_says(RUNS("gc", "--unfinished", "--yes", runs_dir()), 0, "0 B freed", NULL);
    CHECK(!process_ended(&follower));
    kill(p.pid, SIGKILL);
    e = process_wait(&p, 60);
    ended_free(&e);
    e = process_wait(&follower, 60);
    check_status(&e, 75);
    CHECK_HAS(e.out, "\trunning\tclip: ");
    CHECK_HAS(e.out, "\tunfinished\t");
    ended_free(&e);
    check_says(RUNS("gc", "--unfinished", "--yes", runs_dir()), 0, "unfinished", NULL);
    CHECK(!dir_exists(run));
    free(program);
    free(run);
}

TEST(a_chain_is_followed_by_its_config_from_stage_to_stage) {
    struct process p, follower;
    char *smoke = realpath(TEST_SOURCE_DIR "/configs/smoke/finetune.yaml", NULL),
         *text = mem_format("base: %s\noptim.steps: 1000\n", smoke),
         *config = write_config("longer.yaml", text), *run,
         *program = mem_strdup(TEST_BUILD_DIR "/bin/ovseg");
    train_start(&p, "out", config, (const char *const[]){NULL}, NULL);
    run = wait_for_run("out", "clip", "settings.yaml", 0);
    const char *const argv[] = {program,    "status",  config, "--runs", runs_dir(),
                                "--follow", "--every", "1",    NULL};
    process_start(&follower, argv, NULL);
    struct ended e = process_wait(&p, 300);
    check_status(&e, 0);
    ended_free(&e);
    e = process_wait(&follower, 60);
    check_status(&e, 0);
    CHECK_HAS(e.out, "scenes-");
    CHECK_HAS(e.out, "\nmine-");
    CHECK_HAS(e.out, "\trunning\tlonger: ");
    char *end = strstr(e.out, "\tdone\tin "), *next;
    while (end && (next = strstr(end + 1, "\tdone\tin "))) end = next;
    CHECK(end && end - e.out > 20 && strstr(end - 20, "longer-"));
    ended_free(&e);
    check_says(OVSEG("status", config, "--runs", runs_dir()), 0, "  clip-pretrain  done in ", NULL);
    check_says(OVSEG("status", config, "--runs", runs_dir()), 0, "  clip-finetune  done\n", NULL);
    char *const owned[] = {smoke, text, config, run, program};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(an_error_is_kept_with_the_run_until_it_is_begun_again) {
    struct ended e = TRAIN("out", "smoke/clip.yaml", "batch.global=100000");
    check_status(&e, 78);
    ended_free(&e);
    char *run = run_of("out", "clip"), *file = path_join(run, "FAILED");
    check_says(RUNS("list", "--state", "failed", runs_dir()), 0, "clip\tclip-pretrain\tfailed",
               NULL);
    check_says(OVSEG("status", run, "--follow"), 78, "only ", NULL);
    check_says(RUNS("show", run), 0, "exit 78: ", NULL);
    CHECK(file_exists(file));
    struct process p;
    train_start(&p, "out", "smoke/clip.yaml", (const char *const[]){"batch.global=100000", NULL},
                NULL);
    e = process_wait(&p, 60); /* again, so that it is there again */
    check_status(&e, 78);
    ended_free(&e);
    CHECK(file_exists(file));
    free(file);
    free(run);
}

static double number(const cJSON *o, const char *key) {
    const cJSON *x = cJSON_GetObjectItem(o, key);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

/* Plans are of the machine, so what is checked is that all is known, and nothing is left. */
TEST(a_plan_knows_every_stage_and_leaves_nothing_behind) {
    char *smoke = test_source("configs/smoke/mpt.yaml"),
         *out = mem_format("output_dir=%s", runs_dir());
    struct ended e = OVSEG("plan", smoke, out, "threads=1", "--probe", "0.2", "--json", "-q");
    check_status(&e, 0);
    CHECK(!dir_exists(runs_dir()));
    cJSON *json = json_of_text(e.out), *stage;
    CHECK(cJSON_IsTrue(cJSON_GetObjectItem(json, "whole")));
    cJSON_ArrayForEach(stage, cJSON_GetObjectItem(json, "stages")) {
        CHECK(number(stage, "seconds") > 0);
        CHECK(number(stage, "memory") > 1e7);
        CHECK(number(stage, "disk") > 0);
    }
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(json, "stages")), 8);
    cJSON_Delete(json);
    ended_free(&e);
    e = TRAIN("out", "smoke/scenes.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    e = OVSEG("plan", smoke, out, "threads=1", "--probe", "none");
    check_status(&e, 0);
    CHECK_HAS(e.out, ", reused");
    CHECK_HAS(e.out, "by counts alone");
    ended_free(&e);
    free(smoke);
    free(out);
}

static const cJSON *line_of(const cJSON *plan, const char *name) {
    const cJSON *stage;
    cJSON_ArrayForEach(
        stage, cJSON_GetObjectItem(
                   plan, "stages")) if (strcmp(cJSON_GetObjectItem(stage, "name")->valuestring,
                                               name) == 0) return stage;
    test_fail(__FILE__, __LINE__, "no stage %s in the plan", name);
}

/* A probe of mining asks for more pictures than there are: its pairs are those of all. */
TEST(a_plan_of_a_set_that_a_probe_mines_whole_has_the_steps_of_the_run) {
    static const char few[] = "scenes:count.clip=40", epochs[] = "optim.epochs=2",
                      steps[] = "optim.steps=0", images[] = "mine:mine.images=0";
    char *config = test_source("configs/smoke/finetune.yaml"),
         *out = mem_format("output_dir=%s", runs_dir());
    struct ended e = TRAIN("out", "smoke/mine.yaml", few); /* its models; other pairs */
    check_status(&e, 0);
    ended_free(&e);
    e = OVSEG("plan", config, out, few, epochs, steps, images, "threads=1", "--probe", "0.1",
              "--json", "-q");
    check_status(&e, 0);
    cJSON *json = json_of_text(e.out);
    int64_t units = (int64_t)number(line_of(json, "finetune"), "units");
    cJSON_Delete(json);
    ended_free(&e);
    e = TRAIN("out", "smoke/finetune.yaml", few, epochs, steps, images);
    check_status(&e, 0);
    ended_free(&e);
    char *run = run_of("out", "finetune");
    CHECK(units > 2);
    check_metrics(run, units);
    char *const owned[] = {config, out, run};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static char *sweep_file(void) {
    char *here = test_source("configs/smoke"), *whole = realpath(here, NULL);
    char *path = test_path("lr.yaml");
    char *text = mem_format(
        "config: %s/finetune.yaml\nseeds: [1, 2]\n"
        "parameters:\n  optim.lr: {values: [1e-4, 1e-2]}\n  optim.steps: {values: [4, 40]}\n",
        whole);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(here);
    free(whole);
    free(text);
    return path;
}

TEST(a_plan_of_a_sweep_joins_its_trials_and_times_each_kind_of_work_once) {
    char *file = sweep_file(), *out = mem_format("output_dir=%s", runs_dir());
    struct ended e = OVSEG("plan", file, out, "-j", "2", "--probe", "0.2", "--json");
    check_status(&e, 0);
    CHECK(!dir_exists(runs_dir()));
    cJSON *json = json_of_text(e.out), *stage;
    CHECK(cJSON_IsTrue(cJSON_GetObjectItem(json, "whole")));
    CHECK_INT(number(json, "trials"), 8);
    CHECK_INT(number(line_of(json, "clip"), "run"), 2); /* one a seed */
    CHECK_INT(number(line_of(json, "finetune"), "run"), 8);
    double sum = 0, wall = number(json, "wall"), all = number(json, "seconds");
    cJSON_ArrayForEach(stage, cJSON_GetObjectItem(json, "stages")) {
        CHECK(number(stage, "seconds") > 0);
        sum += number(stage, "seconds");
    }
    CHECK_NEAR(all, sum, 1e-6);
    CHECK(wall >= sum / 2 && wall < sum);
    CHECK(number(json, "core_hours") > 0);
    const char *clip = strstr(e.err, "probe: clip"), *tuned = strstr(e.err, "probe: finetune");
    CHECK(clip && !strstr(clip + 1, "probe: clip"));
    CHECK(tuned && !strstr(tuned + 1, "probe: finetune")); /* of all rates and steps */
    cJSON_Delete(json);
    ended_free(&e);
    e = TRAIN("out", "smoke/scenes.yaml", "seed=1");
    check_status(&e, 0);
    ended_free(&e);
    check_says(OVSEG("plan", file, out, "-j", "1", "--seeds", "1", "--probe", "none"), 0,
               "4 trials: 7 of 8 stages to run", NULL);
    check_says(OVSEG("plan", file, out, "optim.lr=1"), ERR_CONFIG, NULL, "optim.lr");
    char *config = test_source("configs/smoke/scenes.yaml");
    check_says(OVSEG("plan", config, out, "-j", "2"), ERR_USAGE, NULL, "go with a sweep");
    free(config);
    free(file);
    free(out);
}

TEST(a_plan_for_a_gpu_counts_where_there_is_none) {
    char *smoke = test_source("configs/smoke/mpt.yaml"),
         *out = mem_format("output_dir=%s", runs_dir());
    check_says(OVSEG("plan", smoke, out, "device=cuda", "--probe", "0.2"), 0,
               "GPU-hours: not known (device cuda)", NULL);
    check_says(OVSEG("plan", smoke, out, "device=cuda", "--probe", "0.2"), 0,
               "not probed: for a GPU", NULL);
    CHECK(!dir_exists(runs_dir()));
    free(smoke);
    free(out);
}

TEST(a_plan_says_how_a_stage_that_it_cannot_probe_is_run) {
    static const char caption[] =
        "{\"images\":[{\"id\":1,\"file_name\":\"a.jpg\",\"height\":8,\"width\":8}],"
        "\"annotations\":[{\"id\":1,\"image_id\":1,\"caption\":\"a car\"}]}";
    char *images = test_path("pictures"), *captions = test_path("captions.json"),
         *config = test_path("my data.yaml"), *out = mem_format("output_dir=%s", runs_dir());
    char *text = mem_format("stage: prepare\ninputs: {images: \"%s\", captions: \"%s\"}\n", images,
                            captions);
    CHECK_OK(dir_make(images));
    CHECK_OK(file_write(captions, caption, strlen(caption)));
    CHECK_OK(file_write(config, text, strlen(text)));
    check_says(OVSEG("plan", config, out, "--probe", "0.2"), 0,
               "not probed: takes all of its set: run it first, ovseg-train '", NULL);
    char *const owned[] = {images, captions, config, out, text};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(the_doctor_finds_this_machine_fit) {
    struct ended e = OVSEG("doctor", "--json");
    check_status(&e, 0);
    cJSON *json = json_of_text(e.out);
    CHECK(cJSON_IsTrue(cJSON_GetObjectItem(json, "ok")));
    CHECK(cJSON_GetArraySize(cJSON_GetObjectItem(json, "findings")) > 20);
    CHECK(e.seconds < 60);
    cJSON_Delete(json);
    ended_free(&e);
    check_says(OVSEG("doctor"), 0, "self-test", NULL);
}
