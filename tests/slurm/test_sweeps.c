/* A sweep as jobs of a real Slurm of this machine. */
/* ctest: timeout=900 labels=full-slurm processors=2 */
#include "tests/slurm/jobs.h"

static char *put(const char *name, const char *text) {
    char *path = test_path(name);
    CHECK_OK(file_write(path, text, strlen(text)));
    return path;
}

/* Four trials of a chain of seconds. */
static char *sweep_file(void) {
    char *here = test_source("configs/smoke"), *whole = realpath(here, NULL);
    char *text = mem_format(
        "config: %s/finetune.yaml\nseeds: [1, 2]\n"
        "parameters:\n  optim.steps: {values: [6, 9]}\n"
        "objective: {metric: mask_accuracy}\n",
        whole);
    char *path = put("four.yaml", text);
    free(here);
    free(whole);
    free(text);
    return path;
}

/* ovseg sweep FILE --on slurm --go -> the ids of its jobs. */
static void send(const char *file, const char *out, const char *site, long *ids, size_t n) {
    char *bin = path_dir(TEST_PROGRAM), *program = path_join(bin, "ovseg");
    struct ended e = BOX_RUN(program, "sweep", file, "--on", "slurm", "--go", out, "--site", site,
                             "--cpus=1", "--time=20", "--requeue");
    box_ids(&e, ids, n);
    ended_free(&e);
    free(bin);
    free(program);
}

static char *table(const char *file, const char *out) {
    struct ended e = OVSEG("sweep", "status", file, out, "device=cpu");
    check_status(&e, 0);
    char *text = mem_strdup(e.out);
    ended_free(&e);
    return text;
}

static void state_is(const char *job, const char *expected) {
    char *state = box_field(job, "JobState");
    CHECK_TEXT(state, expected);
    free(state);
}

TEST(a_sweep_of_four_of_which_one_fails_ends_with_its_table_and_is_sent_again) {
    box_start(true);
    long job[3];
    struct str lines = {0};
    str_add(&lines,
            "prologue:\n"
            "  - 'if [ \"$SLURM_ARRAY_TASK_ID\" = 3 ]; then'\n"
            "  - '    export LD_PRELOAD=\"%s\" OVSEG_FAULT=fsync:2+:ENOSPC'\n"
            "  - '    export OVSEG_FAULT_UNDER=/checkpoint-'\n"
            "  - 'fi'\n",
            TEST_FAULT_LIBRARY);
    char *file = sweep_file(), *dir = test_path("out"), *out = mem_format("output_dir=%s", dir);
    char *site = box_site(lines.at);
    send(file, out, site, job, 3);
    box_ends(job[0], 300, "COMPLETED"); /* what they share */
    box_ends(job[2], 300, "COMPLETED"); /* the table, although one failed */
    for (int i = 1; i <= 4; i++) {
        char *id = mem_format("%ld_%d", job[1], i);
        state_is(id, i == 3 ? "FAILED" : "COMPLETED");
        free(id);
    }
    char *said = box_log(job[2]), *now = table(file, out);
    CHECK_HAS(said, "    3  seed 1      failed     optim.steps=9");
    CHECK_HAS(said, "    4  seed 2      done       optim.steps=9");
    CHECK_HAS(said, "2 of 2");
    CHECK_HAS(now, "    3  seed 1      failed     optim.steps=9");
    free(site);
    site = box_site("");
    long again[2];
    send(file, out, site, again, 2); /* shared stages are done */
    box_ends(again[1], 300, "COMPLETED");
    char *id = mem_format("%ld_3", again[0]), *whole = table(file, out);
    state_is(id, "COMPLETED");
    CHECK(!strstr(whole, "failed"));
    printf(
        "full: a sweep of 4 trials: shared stages, an array of which 1 failed, its table; then the "
        "failed one alone\n");
    char *const owned[] = {lines.at, file, dir, out, site, said, now, id, whole};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
