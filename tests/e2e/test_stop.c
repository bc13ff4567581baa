/* Stages that train nothing stop within a picture, and what they had made whole is kept. The fault
 * library sends the signal when a set is read for the N-th time. And stages side by side. */
/* ctest: timeout=600 labels=slow */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

/* The folder of the smoke chain, and a config of the test; both owned. */
static char *smoke_folder(void) { return realpath(TEST_SOURCE_DIR "/configs/smoke", NULL); }

static char *write_config(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

/* Stops the stage of a config at the N-th reading of a set, below test_dir()/out. */
static void check_stops(const char *config, const char *out, const char *fault, const char *set,
                        const char *says) {
    struct fault_environment f = fault_environment(fault, set);
    struct process p;
    train_start(&p, out, config, (const char *const[]){NULL}, (const char *const *)f.at);
    struct ended e = process_wait(&p, 300);
    check_status(&e, 143);
    CHECK_HAS(e.err, says);
    CHECK(!strstr(e.err, "checkpoint"));
    fault_environment_free(&f);
    ended_free(&e);
}

static void check_runs(const char *config, const char *out) {
    struct ended e = TRAIN(out, config, NULL);
    check_status(&e, 0);
    ended_free(&e);
}

/* The files of pairs in DIR/out, with their contents' hashes: what the manifest says. */
static char *manifest_of(const char *out) {
    char *path = file_of(out, "mine", "pairs/manifest.json"), *text = text_of(path);
    CHECK(*text);
    free(path);
    return text;
}

TEST(mining_stops_between_pictures_and_goes_on_behind_whole_shards) {
    char *smoke = smoke_folder();
    char *text = mem_format(
        "stage: mine\ninputs: {scenes: %s/scenes.yaml}\n"
        "mine: {ground_truth: true, images: 60, shard_images: 10}\n",
        smoke);
    char *config = write_config("mine.yaml", text);
    check_runs(config, "whole");
    struct ended scenes = TRAIN("out", "smoke/scenes.yaml", NULL);
    check_status(&scenes, 0);
    check_stops(config, "out", "pread:70:TERM", "/clip.h5", "whole shards are kept");
    char *pairs = file_of("out", "mine", "pairs"), *before = listing_of(pairs);
    struct strings names;
    CHECK_OK(dir_list(pairs, &names));
    if (names.n < 1 || names.n > 5)
        test_fail(__FILE__, __LINE__, "%zu of 6 shards when it was stopped", names.n);
    check_runs(config, "out");
    char *after = listing_of(pairs), *expected = manifest_of("whole"), *found = manifest_of("out");
    for (size_t i = 0; i < names.n; i++) { /* what was there is what is there */
        char *line = strstr(before, names.at[i]);
        line[strcspn(line, "\n")] = '\0';
        CHECK_HAS(after, line);
        line[strlen(line)] = '\n';
    }
    CHECK_TEXT(found, expected);
    ended_free(&scenes);
    strings_free(&names);
    char *const owned[] = {smoke, text, config, pairs, before, after, expected, found};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(an_evaluation_stops_between_reading_pictures_and_counting_them) {
    char *smoke = smoke_folder();
    char *text = mem_format(
        "stage: evaluate\ninputs: {scenes: %s/scenes.yaml, proposals: %s/proposals.yaml, "
        "raw: %s/clip.yaml}\neval: {mask_threshold: 0.3, min_area: 4}\n",
        smoke, smoke, smoke);
    char *config = write_config("eval.yaml", text);
    struct ended proposals = TRAIN("out", "smoke/proposals.yaml", NULL);
    check_status(&proposals, 0);
    check_stops(config, "out", "pread:1:TERM", "/test.h5", "the same command evaluates again");
    char *run = run_of("out", "eval"), *overlay = path_join(run, "overlay-000.png");
    CHECK(!file_exists(overlay)); /* it has not come to counting them */
    check_runs(config, "out");
    CHECK(file_exists(overlay));
    ended_free(&proposals);
    char *const owned[] = {smoke, text, config, run, overlay};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); }

/* Cancelled while they save to be run again: the last word counts, and 75 would queue the job. */
TEST(stages_side_by_side_that_are_cancelled_while_they_stop_are_cancelled) {
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) test_skip("one core: one stage at a time");
    char *smoke = smoke_folder();
    char *other =
        mem_format("base: %s/clip.yaml\ninputs: {scenes: %s/scenes.yaml}\noptim: {steps: 100001}\n",
                   smoke, smoke);
    char *text = mem_format(
        "stage: evaluate\ninputs: {scenes: %s/scenes.yaml, proposals: %s/proposals.yaml, "
        "other: other.yaml}\n",
        smoke, smoke);
    char *input = write_config("other.yaml", other), *config = write_config("eval.yaml", text);
    struct process p;
    train_start(&p, "out", config, (const char *const[]){"clip:optim.steps=100000", NULL}, NULL);
    free(wait_for_run("out", "clip", "metrics.jsonl", 400));
    free(wait_for_run("out", "other", "metrics.jsonl", 400));
    pid_t child[4];
    size_t n = processes_below(&p, NULL, child, 4);
    CHECK_INT(n, 2);
    for (size_t i = 0; i < n; i++) CHECK_INT(kill(child[i], SIGSTOP), 0);
    CHECK_INT(kill(p.pid, SIGUSR1), 0);
    nap();
    CHECK_INT(kill(p.pid, SIGTERM), 0);
    nap();
    for (size_t i = 0; i < n; i++) CHECK_INT(kill(child[i], SIGCONT), 0);
    struct ended e = process_wait(&p, 120);
    check_status(&e, 143);
    ended_free(&e);
    char *const owned[] = {smoke, other, text, input, config};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
