/* A run that was stopped and goes on gives the bits of one that never stopped. In every training
 * stage: SIGTERM at a step, then SIGKILL at a later one, then to the end. The fault library sends
 * the signals when a line is written to metrics.jsonl, so that each comes at a step that is known.
 */
/* ctest: timeout=600 labels=slow */
#include "base/file.h"
#include "checkpoints/history.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

struct stop {
    const char *fault; /* of the write to metrics.jsonl */
    const char *part;  /* folder inside the run: "pretrain/" or "" */
    int status;
    int64_t saved; /* after a SIGTERM: the step whose checkpoint must be there */
};

struct stage_case {
    const char *config, *name;
    int64_t steps;
    struct stop stop[5];
};

/* Line numbers are counted by each process for itself; the second and later ones also write the
 * lines that they keep, once. */
static const struct stage_case cases[] = {
    {"smoke/clip.yaml",
     "clip",
     24,
     {{"write:7:TERM", "", 143, 7}, {"write:8:KILL", "", 137, 0}, {"write:3:TERM", "", 143, 0}}},
    {"smoke/proposals.yaml",
     "proposals",
     12,
     {{"write:3:TERM", "pretrain/", 143, 3},
      {"write:3:KILL", "pretrain/", 137, 0},
      {"write:5:TERM", "", 143, 5},
      {"write:4:KILL", "", 137, 0}}},
    {"smoke/finetune.yaml",
     "finetune",
     12,
     {{"write:5:TERM", "", 143, 5}, {"write:7:KILL", "", 137, 0}}},
    {"smoke/mpt-only.yaml",
     "mpt-only",
     12,
     {{"write:1:TERM", "", 143, 1}, {"write:11:KILL", "", 137, 0}}},
    {NULL /* joint.yaml of the test */,
     "joint",
     12,
     {{"write:7:TERM", "", 143, 6}, {"write:2:KILL", "", 137, 0}}},
};

/* No chain of the repository trains both together at this size. */
static char *write_joint(void) {
    char *root = realpath(TEST_SOURCE_DIR, NULL), *path = test_path("joint.yaml");
    char *text = mem_format(
        "stage: clip-joint\n"
        "inputs: {scenes: %s/configs/smoke/scenes.yaml, "
        "clip: %s/configs/smoke/finetune.yaml, "
        "pairs: %s/configs/smoke/mine.yaml}\n"
        "prompt: {depth: 2, init: normal}\n"
        "loss: {kind: noun-bank}\n"
        "batch: {global: 16}\n"
        "optim: {lr: 1e-3, steps: 12, warmup: 2}\n"
        "validate: {set: val, every: 4}\n"
        "checkpoint: {every: 4}\n"
        "log: {every: 1}\n",
        root, root, root);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(root);
    free(text);
    return path;
}

/* One life of a stage that a signal ends; `run`: the folder's name, the same for all folders of
 * runs, because where they lie is not part of what they are. */
static void stop_once(const struct stage_case *c, const char *config, const char *run,
                      const struct stop *s) {
    char *under = mem_format("%s/%smetrics.jsonl", run, s->part);
    struct fault_environment fault = fault_environment(s->fault, under);
    struct process p;
    train_start(&p, "broken", config, (const char *const[]){NULL}, (const char *const *)fault.at);
    struct ended e = process_wait(&p, 300);
    check_status(&e, s->status);
    char *dir = test_path("broken"), *folder = path_join(dir, run);
    char *part = path_join(folder, s->part), *done = path_join(folder, "DONE");
    CHECK(!file_exists(done));
    if (s->saved) {
        char *expected = history_path(*s->part ? part : folder, s->saved, "");
        char *says = mem_format("stopped by SIGTERM; the checkpoint of step %lld is saved",
                                (long long)s->saved);
        CHECK_HAS(e.err, says);
        CHECK(dir_exists(expected));
        free(expected);
        free(says);
    }
    if (s != c->stop) CHECK_HAS(e.err, ": goes on from step ");
    fault_environment_free(&fault);
    ended_free(&e);
    free(under);
    free(dir);
    free(folder);
    free(part);
    free(done);
}

static void check_case(const struct stage_case *c, const char *config) {
    struct ended whole = TRAIN("whole", config, NULL);
    check_status(&whole, 0);
    char *a = run_of("whole", c->name);
    for (const struct stop *s = c->stop; s->fault; s++) stop_once(c, config, path_base(a), s);
    struct ended e = TRAIN("broken", config, NULL);
    check_status(&e, 0);
    CHECK_HAS(e.err, ": goes on from step ");
    char *b = run_of("broken", c->name);
    check_same_checkpoint(a, b);
    check_metrics(a, c->steps);
    check_metrics(b, c->steps);
    check_same_metrics(a, b);
    if (*c->stop[0].part) {
        char *part_a = path_join(a, "pretrain"), *part_b = path_join(b, "pretrain");
        check_same_checkpoint(part_a, part_b);
        check_same_metrics(part_a, part_b);
        free(part_a);
        free(part_b);
    }
    ended_free(&whole);
    ended_free(&e);
    free(a);
    free(b);
}

TEST(every_training_stage_goes_on_bit_equal_after_sigterm_and_sigkill) {
    char *joint = write_joint();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i], cases[i].config ? cases[i].config : joint);
    free(joint);
}

/* A config that is another one in bf16. */
static char *write_bf16(const char *name) {
    char *root = realpath(TEST_SOURCE_DIR, NULL), *file = mem_format("%s.yaml", name);
    char *path = test_path(file);
    char *text = mem_format("base: %s/configs/smoke/%s.yaml\nprecision: bf16\n", root, name);
    CHECK_OK(file_write(path, text, strlen(text)));
    free(root);
    free(file);
    free(text);
    return path;
}

TEST(training_in_bf16_goes_on_bit_equal_too) {
    for (int i = 0; i < 3; i++) { /* clip, proposals, finetune */
        char *config = write_bf16(cases[i].name);
        check_case(&cases[i], config);
        free(config);
    }
}

/* "seconds" of a JSON file of a run. */
static double seconds_in(const char *dir, const char *file) {
    char *path = path_join(dir, file), *text = text_of(path), *at = strstr(text, "\"seconds\":");
    CHECK(at);
    double seconds = strtod(at + strlen("\"seconds\":"), NULL);
    free(path);
    free(text);
    return seconds;
}

TEST(the_time_of_a_stage_is_that_of_all_its_parts_and_lives) {
    static const char *const proposals = "smoke/proposals.yaml";
    struct ended clip = TRAIN("out", "smoke/clip.yaml", NULL);
    check_status(&clip, 0);
    static const char *const more[] = {"pretrain.steps=60", "optim.steps=2", NULL};
    struct ended plan = TRAIN("out", proposals, more[0], more[1], "--dry-run");
    const char *name = strstr(plan.out, "/proposals-");
    CHECK(name);
    char *under = mem_format("%.22s/metrics.jsonl", name + 1); /* not that of the first part */
    struct fault_environment fault = fault_environment("write:1:TERM", under);
    struct process p;
    train_start(&p, "out", proposals, more, (const char *const *)fault.at);
    struct ended first = process_wait(&p, 300), second = train_run("out", proposals, more);
    check_status(&first, 143);
    check_status(&second, 0);
    CHECK_HAS(second.err, "goes on from step 1 of 2");
    char *run = run_of("out", "proposals"), *pretrain = path_join(run, "pretrain");
    char *last = history_last(pretrain), *made = history_path(run, 1, "");
    double part = seconds_in(last, "state.json"), life = seconds_in(made, "state.json");
    CHECK(part > 0 && life > part);
    CHECK(seconds_in(run, "DONE") > life);
    fault_environment_free(&fault);
    ended_free(&clip);
    ended_free(&plan);
    ended_free(&first);
    ended_free(&second);
    char *const owned[] = {under, run, pretrain, last, made};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
