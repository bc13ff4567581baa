/* Two commands that need the same run at the same time: a sweep waits, and so does ovseg-train
 * --wait; both reuse what the first one made. */
/* ctest: timeout=600 labels=slow processors=2 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

/* How many run folders of this name there are. */
static int runs(const char *name) {
    char *dir = test_path("out");
    struct strings names = {0};
    int n = 0;
    if (dir_exists(dir)) CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++)
        n += strncmp(names.at[i], name, strlen(name)) == 0 &&
             strlen(names.at[i]) == strlen(name) + 13;
    strings_free(&names);
    free(dir);
    return n;
}

/* Until somebody is at work in a run of this name. */
static void wait_for(const char *name) {
    const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
    for (int i = 0; i < 3000 && !runs(name); i++) nanosleep(&nap, NULL);
    CHECK_INT(runs(name), 1);
}

static void start_sweep(struct process *p, const char *name, int steps) {
    char *here = test_source("configs/smoke"), *whole = realpath(here, NULL);
    char *file = test_path(name), *bin = path_dir(TEST_PROGRAM), *program = path_join(bin, "ovseg");
    char *out = mem_format("output_dir=%s/out", test_dir());
    char *text = mem_format(
        "config: %s/finetune.yaml\nparameters:\n  optim.steps: {values: [%d]}\n", whole, steps);
    CHECK_OK(file_write(file, text, strlen(text)));
    process_start(
        p,
        (const char *const[]){program, "sweep", file, "-j", "1", "clip:optim.steps=300", out, NULL},
        NULL);
    char *const owned[] = {here, whole, file, bin, program, out, text};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* What the processes of all sweeps here have said. */
static char *logs(void) {
    struct str all = {0};
    struct strings names = {0}, files = {0};
    char *dir = test_path("out");
    CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        if (strncmp(names.at[i], "sweep-", 6) != 0) continue;
        char *folder = mem_format("%s/%s/logs", dir, names.at[i]);
        CHECK_OK(dir_list(folder, &files));
        for (size_t k = 0; k < files.n; k++) {
            char *path = path_join(folder, files.at[k]), *text = text_of(path);
            str_add(&all, "%s", text);
            free(path);
            free(text);
        }
        strings_free(&files);
        free(folder);
    }
    strings_free(&names);
    free(dir);
    return all.at;
}

TEST(two_sweeps_at_once_wait_for_each_others_stages_and_reuse_them) {
    struct process a, b;
    start_sweep(&a, "first.yaml", 5);
    wait_for("clip"); /* of so many steps: it is at work when the other one comes to it */
    start_sweep(&b, "second.yaml", 6);
    struct ended x = process_wait(&a, 300), y = process_wait(&b, 300);
    check_status(&x, 0);
    check_status(&y, 0);
    CHECK_INT(runs("clip"), 1);
    CHECK_INT(runs("finetune"), 2);
    char *said = logs(), host[256] = "";
    gethostname(host, sizeof host - 1);
    char *owner = mem_format(" on %s, since ", host);
    CHECK_HAS(said, owner);
    CHECK_HAS(said, " is at work in this run: waiting for its end\n");
    const char *made = strstr(said, "clip: done in "); /* once */
    CHECK(made && !strstr(made + 1, "clip: done in "));
    ended_free(&x);
    ended_free(&y);
    free(said);
    free(owner);
}

TEST(a_run_by_hand_waits_for_another_process_when_it_is_told_to) {
    static const char long_enough[] = "optim.steps=300";
    struct process a;
    train_start(&a, "out", "smoke/clip.yaml", (const char *const[]){long_enough, NULL}, NULL);
    wait_for("clip");
    struct ended refused = TRAIN("out", "smoke/clip.yaml", long_enough);
    check_status(&refused, 69);
    CHECK_HAS(refused.err, "is at work in this run: stop it, or wait for its end");
    struct ended waited = TRAIN("out", "smoke/clip.yaml", long_enough, "--wait");
    check_status(&waited, 0);
    CHECK_HAS(waited.err, " is at work in this run: waiting for its end\n");
    CHECK(!strstr(waited.err, "stage clip-pretrain in"));
    struct ended e = process_wait(&a, 120);
    check_status(&e, 0);
    ended_free(&refused);
    ended_free(&waited);
    ended_free(&e);
}

TEST(who_waits_for_a_process_that_is_killed_goes_on_from_its_checkpoint) {
    static const char long_enough[] = "optim.steps=300";
    struct process a, b;
    train_start(&a, "out", "smoke/clip.yaml", (const char *const[]){long_enough, NULL}, NULL);
    wait_for("clip");
    train_start(&b, "out", "smoke/clip.yaml", (const char *const[]){long_enough, "--wait", NULL},
                NULL);
    const struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};
    char *said = text_of(b.err);
    for (int i = 0; i < 1200 && !strstr(said, "waiting for its end"); i++) {
        nanosleep(&nap, NULL);
        free(said);
        said = text_of(b.err);
    }
    kill(a.pid, SIGKILL);
    struct ended x = process_wait(&a, 60), y = process_wait(&b, 300);
    check_status(&x, 128 + SIGKILL);
    check_status(&y, 0);
    CHECK_HAS(y.err, "waiting for its end");
    CHECK_HAS(y.err, "taken over from ");
    ended_free(&x);
    ended_free(&y);
    free(said);
}
