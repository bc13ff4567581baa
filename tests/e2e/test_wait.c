/* Two commands that need the same run at the same time: a sweep waits, and so does ovseg-train
 * --wait; both reuse what the first one made. */
/* ctest: timeout=600 labels=slow */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/e2e/process.h"
#include "tests/test.h"
#include "train/run/lock_file.h"

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

/* Freezes who is at work in the only run of this name, so that it still is when another one comes,
 * however fast this machine is. */
static pid_t freeze(const char *name) {
    char *run = wait_for_run("out", name, "metrics.jsonl", 0), *lock = path_join(run, "lock");
    struct lock_holder holder;
    CHECK_INT(runs(name), 1);
    CHECK_INT(lock_read(lock, &holder), 0);
    CHECK(holder.pid > 1);
    kill((pid_t)holder.pid, SIGSTOP);
    free(run);
    free(lock);
    return (pid_t)holder.pid;
}

/* Until `text` stands in what is printed to a file, or in the log of a sweep (path NULL). */
static void wait_for_words(const char *path, const char *text) {
    const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
    char *said = path ? text_of(path) : logs();
    for (int i = 0; i < 3000 && !strstr(said, text); i++) {
        nanosleep(&nap, NULL);
        free(said);
        said = path ? text_of(path) : logs();
    }
    CHECK_HAS(said, text);
    free(said);
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

static const char long_enough[] = "optim.steps=300"; /* to be met at work */
static const char waits[] = " is at work in this run: waiting for its end\n";

TEST(two_sweeps_at_once_wait_for_each_others_stages_and_reuse_them) {
    struct process a, b;
    start_sweep(&a, "first.yaml", 5);
    const pid_t first = freeze("clip");
    start_sweep(&b, "second.yaml", 6);
    wait_for_words(NULL, waits);
    kill(first, SIGCONT);
    struct ended x = process_wait(&a, 300), y = process_wait(&b, 300);
    check_status(&x, 0);
    check_status(&y, 0);
    CHECK_INT(runs("clip"), 1);
    CHECK_INT(runs("finetune"), 2);
    char *said = logs(), host[256] = "";
    gethostname(host, sizeof host - 1);
    char *owner = mem_format(" on %s, since ", host);
    CHECK_HAS(said, owner);
    const char *made = strstr(said, "clip: done in "); /* once */
    CHECK(made && !strstr(made + 1, "clip: done in "));
    ended_free(&x);
    ended_free(&y);
    free(said);
    free(owner);
}

TEST(a_run_by_hand_waits_for_another_process_when_it_is_told_to) {
    struct process a, b;
    train_start(&a, "out", "smoke/clip.yaml", (const char *const[]){long_enough, NULL}, NULL);
    const pid_t first = freeze("clip");
    struct ended refused = TRAIN("out", "smoke/clip.yaml", long_enough);
    check_status(&refused, 69);
    CHECK_HAS(refused.err, "is at work in this run: stop it, or wait for its end");
    train_start(&b, "out", "smoke/clip.yaml", (const char *const[]){long_enough, "--wait", NULL},
                NULL);
    wait_for_words(b.err, waits);
    kill(first, SIGCONT);
    struct ended x = process_wait(&a, 120), y = process_wait(&b, 120);
    check_status(&x, 0);
    check_status(&y, 0);
    CHECK(!strstr(y.err, "stage clip-pretrain in"));
    ended_free(&refused);
    ended_free(&x);
    ended_free(&y);
}

TEST(who_waits_for_a_process_that_is_killed_goes_on_from_its_checkpoint) {
    struct process a, b;
    train_start(&a, "out", "smoke/clip.yaml", (const char *const[]){long_enough, NULL}, NULL);
    freeze("clip");
    train_start(&b, "out", "smoke/clip.yaml", (const char *const[]){long_enough, "--wait", NULL},
                NULL);
    wait_for_words(b.err, waits);
    kill(a.pid, SIGKILL);
    struct ended x = process_wait(&a, 60), y = process_wait(&b, 300);
    check_status(&x, 128 + SIGKILL);
    check_status(&y, 0);
    CHECK_HAS(y.err, "taken over from ");
    ended_free(&x);
    ended_free(&y);
}

TEST(a_lock_that_a_killed_process_left_in_a_finished_run_is_cleared) {
    struct ended e = TRAIN("out", "smoke/scenes.yaml", NULL);
    check_status(&e, 0);
    ended_free(&e);
    char *lock = file_of("out", "scenes", "lock"), text[LOCK_TEXT];
    struct lock_holder dead;
    lock_holder_self(&dead);
    dead.start = 1; /* the number is another process's now */
    CHECK_OK(file_write(lock, text, lock_text(&dead, text)));
    e = TRAIN("out", "smoke/scenes.yaml", NULL);
    check_status(&e, 0);
    CHECK(!file_exists(lock));
    ended_free(&e);
    lock_holder_self(&dead); /* one that lives keeps it */
    CHECK_OK(file_write(lock, text, lock_text(&dead, text)));
    e = TRAIN("out", "smoke/scenes.yaml", NULL);
    check_status(&e, 0);
    CHECK(file_exists(lock));
    ended_free(&e);
    free(lock);
}
