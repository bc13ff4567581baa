/* What goes wrong under a run while it trains: the disk is full, the folder cannot be written, a
 * checkpoint is damaged, two processes want one run. The stage is the smoke CLIP: 24 steps, a
 * checkpoint every 5. */
/* ctest: timeout=600 labels=slow */
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/history.h"
#include "tests/e2e/process.h"
#include "tests/test.h"
#include "tests/unit/lock_made.h"

static const char *const config = "smoke/clip.yaml";

static struct ended run_with(const char *out, const char *fault, const char *under) {
    struct fault_environment e = fault_environment(fault, under);
    struct process p;
    train_start(&p, out, config, (const char *const[]){NULL}, (const char *const *)e.at);
    struct ended ended = process_wait(&p, 300);
    fault_environment_free(&e);
    return ended;
}

static void check_fault(const char *out, const char *fault, const char *under, int status,
                        const char *says, const char *also) {
    struct ended e = run_with(out, fault, under);
    check_status(&e, status);
    CHECK_HAS(e.err, says);
    CHECK_HAS(e.err, also);
    ended_free(&e);
}

/* Runs to the end; the result must be that of `whole`. */
static void check_goes_on(const char *out, const char *from, const char *says) {
    struct ended e = TRAIN(out, config, NULL);
    check_status(&e, 0);
    CHECK_HAS(e.err, from);
    CHECK_HAS(e.err, says);
    char *a = run_of("whole", "clip"), *b = run_of(out, "clip");
    check_same_checkpoint(a, b);
    check_same_metrics(a, b);
    ended_free(&e);
    free(a);
    free(b);
}

static void train_whole(void) {
    struct ended e = TRAIN("whole", config, NULL);
    check_status(&e, 0);
    ended_free(&e);
}

static void check_last(const char *out, int64_t step) {
    char *run = run_of(out, "clip"), *last = history_last(run);
    char *expected = history_path(run, step, "");
    CHECK_TEXT(last, expected);
    CHECK_OK(checkpoint_verify(last));
    free(run);
    free(last);
    free(expected);
}

TEST(a_full_disk_or_a_read_only_folder_loses_nothing) {
    train_whole();
    /* Nothing can be made at all. */
    check_fault("fresh", "mkdir:1+:EROFS", "fresh", 74, "fresh", "Read-only file system");
    check_fault("other", "open:1+:EROFS", "other", 74, "other", "Read-only file system");
    /* Full while the second checkpoint is written: the first is there, and whole. */
    check_fault("full", "write:2+:ENOSPC", "checkpoint-000010", 74, "checkpoint-000010",
                "No space left on device");
    check_last("full", 5);
    check_fault("full", "fsync:1:EIO", "checkpoint-000010", 74, "checkpoint-000010",
                "Input/output error");
    check_last("full", 5);
    check_fault("full", "rename:1:EROFS", "checkpoint-000015", 74, "checkpoint-000015",
                "Read-only file system");
    check_last("full", 10);
    /* The mark that ends a run: everything before it is kept. */
    check_fault("full", "open:1:ENOSPC", "DONE.tmp", 74, "DONE", "No space left on device");
    check_last("full", 24);
    check_goes_on("full", "", "");
    check_goes_on("fresh", "", "");
}

TEST(a_finished_chain_is_reused_where_nothing_can_be_written) {
    static const char *const scenes = "smoke/scenes.yaml";
    struct ended first = TRAIN("out", scenes, NULL), again = TRAIN("out", scenes, NULL);
    check_status(&first, 0);
    check_status(&again, 0);
    struct fault_environment e = fault_environment("open:1+:EROFS", ".tmp"); /* of every write */
    struct process p;
    train_start(&p, "out", scenes, (const char *const[]){NULL}, (const char *const *)e.at);
    struct ended ended = process_wait(&p, 300);
    check_status(&ended, 0);
    CHECK_TEXT(ended.out, again.out);
    fault_environment_free(&e);
    ended_free(&first);
    ended_free(&again);
    ended_free(&ended);
}

/* Changes one bit in the middle of a file. */
static void flip(const char *dir, const char *name) {
    char *path = path_join(dir, name), byte;
    int fd = open(path, O_RDWR);
    off_t at = file_size(path) / 2;
    CHECK(fd >= 0);
    CHECK_INT(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    CHECK_INT(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    free(path);
}

TEST(a_flipped_bit_in_any_file_of_a_checkpoint_is_named_and_the_one_before_is_used) {
    static const char *const files[] = {"model.safetensors", "optimizer.safetensors", "state.json",
                                        "manifest.json"};
    train_whole();
    for (size_t i = 0; i < 4; i++) {
        char *out = mem_format("flip-%zu", i);
        check_fault(out, "write:13:TERM", "metrics.jsonl", 143, "", "step 12"); /* one validation */
        char *run = run_of(out, "clip"), *last = history_last(run);
        CHECK_HAS(last, "checkpoint-000012");
        flip(last, files[i]);
        char *says = mem_format("checkpoint-000012/%s", files[i]);
        check_goes_on(out, "goes on from step 10", says);
        free(out);
        free(run);
        free(last);
        free(says);
    }
    /* Both damaged: an error that names them, never a silent fresh start. */
    check_fault("both", "write:13:TERM", "metrics.jsonl", 143, "", "step 12");
    char *run = run_of("both", "clip"), *last = history_last(run);
    char *before = history_path(run, 10, "");
    flip(last, files[0]);
    flip(before, files[1]);
    struct ended e = TRAIN("both", config, NULL);
    check_status(&e, 65);
    CHECK_HAS(e.err, "checkpoint-000012/model.safetensors");
    CHECK_HAS(e.err, "checkpoint-000010/optimizer.safetensors");
    ended_free(&e);
    free(run);
    free(last);
    free(before);
}

/* Until the run has a checkpoint, or its process has ended. */
static void wait_for_checkpoint(const struct process *p, const char *out) {
    char *dir = test_path(out), *last = NULL;
    while (!last && !process_ended(p) && clock_s() - p->started < 120) {
        struct strings names;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        if (!dir_exists(dir)) continue;
        CHECK_OK(dir_list(dir, &names));
        for (size_t i = 0; i < names.n; i++)
            if (strncmp(names.at[i], "clip-", 5) == 0) {
                char *run = path_join(dir, names.at[i]);
                free(last);
                last = history_last(run);
                free(run);
            }
        strings_free(&names);
    }
    CHECK(last && !process_ended(p));
    free(last);
    free(dir);
}

TEST(a_run_belongs_to_one_process_and_to_the_next_when_that_one_is_killed) {
    struct process p;
    /* Long enough to be met at work. */
    static const char *const more[] = {"optim.steps=100000", NULL};
    train_start(&p, "out", config, more, NULL);
    wait_for_checkpoint(&p, "out");
    struct ended second = train_run("out", config, more);
    char *who = mem_format("process %ld ", (long)p.pid);
    check_status(&second, 69);
    CHECK_HAS(second.err, who);
    CHECK_HAS(second.err, "is at work in this run");
    CHECK(!process_ended(&p));
    kill(p.pid, SIGKILL);
    struct ended first = process_wait(&p, 600);
    check_status(&first, 128 + SIGKILL);
    char *lock = file_of("out", "clip", "lock"), *half = file_of("out", "clip", "metrics.tmp4");
    CHECK(file_exists(lock));
    CHECK_OK(file_write(half, "half", 4)); /* as if in the middle of a file */
    train_start(&p, "out", config, more, NULL);
    struct timespec moment = {.tv_nsec = 20000000};
    char *text = text_of(p.err);
    while (!strstr(text, "goes on from step") && !process_ended(&p)) {
        nanosleep(&moment, NULL);
        free(text);
        text = text_of(p.err);
    }
    kill(p.pid, SIGTERM);
    struct ended third = process_wait(&p, 600);
    check_status(&third, 143);
    CHECK_HAS(third.err, "goes on from step");
    CHECK(!file_exists(lock) && !file_exists(half));
    ended_free(&first);
    ended_free(&second);
    ended_free(&third);
    free(text);
    free(who);
    free(lock);
    free(half);
}

TEST(a_run_that_another_host_took_over_is_left_to_it) {
    struct process p;
    static const char *const more[] = {"optim.steps=100000", NULL};
    train_start(&p, "out", config, more, NULL);
    wait_for_checkpoint(&p, "out");
    struct lock_holder other = lock_elsewhere();
    char *lock = file_of("out", "clip", "lock"), *failed = file_of("out", "clip", "FAILED");
    lock_put(lock, &other);
    char *theirs = text_of(lock);
    struct ended e = process_wait(&p, 120); /* its thread looks every five seconds */
    check_status(&e, 69);
    CHECK_HAS(e.err, "process 17 on elsewhere.example, job 77");
    CHECK_HAS(e.err, "has taken this run over");
    CHECK(!file_exists(failed));
    char *now = text_of(lock);
    CHECK_TEXT(now, theirs);
    ended_free(&e);
    free(lock);
    free(failed);
    free(theirs);
    free(now);
}
