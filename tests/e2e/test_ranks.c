/* Several processes train what one trains: the same losses and gradients within rounding, the same
 * bits with virtual shards; they stop, fail and go on together. Every stage of the smoke chain. */
/* ctest: timeout=900 labels=slow processors=2 */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "checkpoints/safetensors.h"
#include "tests/e2e/process.h"
#include "tests/same_tensors.h"
#include "tests/test.h"

static void check_ended(struct ended e, int status) {
    if (e.status != status)
        test_fail(__FILE__, __LINE__, "exit status %d, expected %d:\n%s", e.status, status, e.err);
    ended_free(&e);
}

/* What a stage needs, made by one process. */
static void make_inputs(const char *out, const char *config) {
    check_ended(TRAIN(out, config, NULL), 0);
}

static void copy(const char *from, const char *to, const char *but) {
    char *a = test_path(from), *b = test_path(to);
    struct strings names;
    CHECK_OK(dir_make(b));
    CHECK_OK(dir_list(a, &names));
    for (size_t i = 0; i < names.n; i++) {
        char *whole = path_join(a, names.at[i]), *link = path_join(b, names.at[i]);
        size_t n = strlen(but);
        bool skip = strncmp(names.at[i], but, n) == 0 && names.at[i][n] == '-';
        if (!skip && names.at[i][0] != '.') CHECK_INT(symlink(whole, link), 0);
        free(whole);
        free(link);
    }
    strings_free(&names);
    free(a);
    free(b);
}

/* Numbers of a key in a file of metrics, in order. */
static size_t numbers(const char *out, const char *name, const char *file, const char *key,
                      double *to, size_t most) {
    char *path = file_of(out, name, file), *text = text_of(path);
    char *wanted = mem_format("\"%s\":", key);
    size_t n = 0;
    for (char *at = text; (at = strstr(at, wanted)) && n < most;) {
        at += strlen(wanted);
        to[n++] = strtod(at, NULL);
    }
    free(path);
    free(text);
    free(wanted);
    return n;
}

/* || a - b || / || a || over the tensors of two files whose names begin so. */
static double distance(const char *path_a, const char *path_b, const char *prefix) {
    struct safetensors a, b;
    double apart = 0, length = 0;
    CHECK_OK(safetensors_open(&a, path_a));
    CHECK_OK(safetensors_open(&b, path_b));
    for (size_t i = 0; i < a.table.n; i++) {
        const struct st_tensor *x = &a.table.at[i];
        if (strncmp(x->name, prefix, strlen(prefix)) != 0) continue;
        struct bytes xs = {0}, ys = {0};
        CHECK_OK(safetensors_bytes(&a, x, &xs));
        CHECK_OK(safetensors_bytes(&b, st_table_find(&b.table, x->name), &ys));
        const float *p = (const float *)(const void *)xs.at,
                    *q = (const float *)(const void *)ys.at;
        for (size_t k = 0; k < xs.n / sizeof *p; k++) {
            apart += (double)(p[k] - q[k]) * (double)(p[k] - q[k]);
            length += (double)p[k] * (double)p[k];
        }
        bytes_free(&xs);
        bytes_free(&ys);
    }
    safetensors_close(&a);
    safetensors_close(&b);
    CHECK(length > 0);
    return sqrt(apart / length);
}

/* The losses of a phase. */
static void check_close(const char *one, const char *two, const char *name, const char *file,
                        double within) {
    enum { MOST = 64 };
    double a[MOST], b[MOST];
    size_t n = numbers(one, name, file, "loss", a, MOST),
           m = numbers(two, name, file, "loss", b, MOST);
    CHECK_INT(n, m);
    CHECK(n > 0);
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= within * fabs(a[i])))
            test_fail(__FILE__, __LINE__, "%s: %s: loss of line %zu is %.9g, on several ranks %.9g",
                      name, file, i, a[i], b[i]);
}

/* After one step: AdamW's first moment is then 0.1 of the gradient. */
static void check_same_gradients(const char *one, const char *two, const char *name,
                                 const char *file) {
    char *a = file_of(one, name, file), *b = file_of(two, name, file);
    double apart = distance(a, b, "exp_avg.");
    if (!(apart <= 1e-6))
        test_fail(__FILE__, __LINE__, "%s: %s: gradients are %g of their norm apart", name, file,
                  apart);
    free(a);
    free(b);
}

/* One step of a stage on one process in shards of the size that each rank computes, and on ranks.
 * Then all steps: the losses. */
static void check_same_training(const char *config, const char *name, int ranks, int batch,
                                const char *extra) {
    static int number;
    char *micro = mem_format("batch.micro=%d", batch / ranks);
    char *one = mem_format("one-%d", ++number), *two = mem_format("two-%d", number);
    copy("made", one, name);
    copy("made", two, name);
    check_ended(TRAIN(one, config, micro, "optim.steps=1", "optim.warmup=0", extra), 0);
    check_ended(TRAIN_RANKS(ranks, two, config, "optim.steps=1", "optim.warmup=0", extra), 0);
    check_same_gradients(one, two, name, "checkpoint-000001/optimizer.safetensors");

    char *all_one = mem_format("all-%s", one), *all_two = mem_format("all-%s", two);
    copy("made", all_one, name);
    copy("made", all_two, name);
    check_ended(TRAIN(all_one, config, micro, extra), 0);
    check_ended(TRAIN_RANKS(ranks, all_two, config, extra), 0);
    check_close(all_one, all_two, name, "metrics.jsonl", 1e-5);
    char *const owned[] = {micro, one, two, all_one, all_two};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(two_and_four_ranks_pretrain_clip_as_one_does) {
    make_inputs("made", "smoke/scenes.yaml");
    check_same_training("smoke/clip.yaml", "clip", 2, 16, NULL);
    check_same_training("smoke/clip.yaml", "clip", 4, 16, NULL);
    check_same_training("smoke/clip.yaml", "clip", 2, 16, "loss.gather=local");
}

TEST(two_and_four_ranks_train_proposals_as_one_does) {
    make_inputs("made", "smoke/clip.yaml");
    check_same_training("smoke/proposals.yaml", "proposals", 2, 4, "pretrain.steps=0");
    check_same_training("smoke/proposals.yaml", "proposals", 4, 4, "pretrain.steps=0");
}

/* A run that has its first phase from the same run elsewhere, and nothing more. */
static void copy_first_phase(const char *from, const char *to, const char *name) {
    char *run = run_of(from, name), *phase = path_join(run, "pretrain"), *dir = test_path(to);
    char *other = path_join(dir, path_base(run)), *link = path_join(other, "pretrain");
    CHECK_OK(dir_make(other));
    CHECK_INT(symlink(phase, link), 0);
    char *const owned[] = {run, phase, dir, other, link};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

/* The phase before: its first gradient, then its losses; and those of the phase that begins with
 * what came out of it, on one process: by its end roundings have grown beyond 1e-5. */
static void check_same_phases(int ranks, int batch) {
    static const char config[] = "smoke/proposals.yaml", name[] = "proposals";
    char *micro = mem_format("batch.micro=%d", batch / ranks);
    char *two = mem_format("two-of-%d", ranks), *all = mem_format("all-of-%d", ranks);
    char *one = mem_format("one-of-%d", ranks), *all_one = mem_format("all-one-of-%d", ranks);
    char *behind = mem_format("behind-of-%d", ranks);
    copy("made", one, name);
    copy("made", two, name);
    check_ended(TRAIN(one, config, micro, "pretrain.steps=1", "optim.steps=1"), 0);
    check_ended(TRAIN_RANKS(ranks, two, config, "pretrain.steps=1", "optim.steps=1"), 0);
    check_same_gradients(one, two, name, "pretrain/checkpoint-000001/optimizer.safetensors");

    copy("made", all_one, name);
    copy("made", all, name);
    check_ended(TRAIN(all_one, config, micro), 0);
    check_ended(TRAIN_RANKS(ranks, all, config, "optim.steps=1"), 0);
    check_close(all_one, all, name, "pretrain/metrics.jsonl", 1e-5);

    copy("made", behind, name);
    copy_first_phase(all_one, behind, name);
    check_ended(TRAIN_RANKS(ranks, behind, config, NULL), 0);
    check_close(all_one, behind, name, "metrics.jsonl", 1e-5);
    char *const owned[] = {micro, two, all, one, all_one, behind};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(two_and_four_ranks_pretrain_the_backbone_of_proposals_and_go_on_as_one_does) {
    make_inputs("made", "smoke/clip.yaml");
    check_same_phases(2, 4);
    check_same_phases(4, 4);
}

TEST(two_and_four_ranks_adapt_clip_as_one_does) {
    make_inputs("made", "smoke/mine.yaml");
    check_same_training("smoke/finetune.yaml", "finetune", 2, 16, NULL);
    check_same_training("smoke/finetune.yaml", "finetune", 4, 16, "loss.kind=in-batch");
    check_same_training("smoke/finetune.yaml", "finetune", 2, 16, "loss.kind=multi-positive");
    check_same_training("smoke/mpt-only.yaml", "mpt-only", 2, 16, NULL);
}

/* The whole chain in an empty folder: every stage on all ranks, or on the first. */
static void check_chain(const char *a, const char *b, const char *name) {
    const char *file = "checkpoint-000012/model.safetensors";
    char *x = file_of(a, name, file), *y = file_of(b, name, file);
    check_same_tensors(x, y);
    free(x);
    free(y);
}

TEST(virtual_shards_give_the_same_bits_on_one_two_and_four_ranks) {
    check_ended(TRAIN("one", "smoke/mpt.yaml", "virtual_shards=4"), 0);
    check_ended(TRAIN_RANKS(2, "two", "smoke/mpt.yaml", "virtual_shards=4", "checkpointing=blocks",
                            "dist.shared_memory=false"),
                0); /* gradients come out of backwards within a backward there */
    check_ended(TRAIN_RANKS(4, "four", "smoke/mpt.yaml", "virtual_shards=4"), 0);
    static const char *const stages[] = {"proposals", "finetune", "mpt"};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        check_chain("one", "two", stages[i]);
        check_chain("one", "four", stages[i]);
    }
    char *a = file_of("one", "mine", "pairs/manifest.json"),
         *b = file_of("four", "mine", "pairs/manifest.json");
    char *x = text_of(a), *y = text_of(b);
    CHECK_TEXT(y, x);
    char *const owned[] = {a, b, x, y};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

TEST(a_run_goes_on_with_other_ranks_and_gives_the_bits_of_one_that_never_stopped) {
    make_inputs("made", "smoke/scenes.yaml");
    copy("made", "whole", "clip");
    copy("made", "broken", "clip");
    check_ended(TRAIN("whole", "smoke/clip.yaml", "virtual_shards=4"), 0);
    static const struct {
        int ranks, status;
        const char *fault;
    } lives[] = {{4, 75, "write:5:USR1"}, {2, 75, "write:9:USR1"}, {1, 143, "write:4:TERM"}};
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        struct fault_environment f = fault_environment(lives[i].fault, "metrics.jsonl");
        struct process p;
        const char *const arguments[] = {"virtual_shards=4", NULL};
        if (lives[i].ranks > 1)
            train_start_ranks(&p, lives[i].ranks, "broken", "smoke/clip.yaml", arguments,
                              (const char *const *)f.at);
        else
            train_start(&p, "broken", "smoke/clip.yaml", arguments, (const char *const *)f.at);
        check_ended(process_wait(&p, 300), lives[i].status);
        fault_environment_free(&f);
    }
    check_ended(TRAIN_RANKS(2, "broken", "smoke/clip.yaml", "virtual_shards=4"), 0);
    const char *file = "checkpoint-000024/model.safetensors";
    char *a = file_of("whole", "clip", file), *b = file_of("broken", "clip", file);
    check_same_tensors(a, b);
    check_close("whole", "broken", "clip", "metrics.jsonl", 0);
    free(a);
    free(b);
}

/* Waits until steps are made, then signals a rank that is not the first. */
static void signal_a_rank(struct process *p, const char *out, int signo, int ranks) {
    pid_t found[8];
    free(wait_for_run(out, "clip", "metrics.jsonl", 400));
    size_t n = processes_below(p, "ovseg-train", found, 8);
    CHECK_INT(n, ranks);
    CHECK_INT(kill(found[n - 1], signo), 0);
}

TEST(when_a_rank_is_killed_all_end_and_the_same_command_goes_on) {
    make_inputs("made", "smoke/scenes.yaml");
    copy("made", "out", "clip");
    struct process p;
    train_start_ranks(&p, 2, "out", "smoke/clip.yaml",
                      (const char *const[]){"optim.steps=4000", NULL}, NULL);
    signal_a_rank(&p, "out", SIGKILL, 2);
    double killed = clock_s();
    struct ended e = process_wait(&p, 60);
    CHECK(e.status != 0);
    CHECK(clock_s() - killed < 15);
    ended_free(&e);
    check_ended(TRAIN_RANKS(2, "out", "smoke/clip.yaml", "optim.steps=24"), 0);
}

TEST(a_rank_that_hangs_is_named_and_all_end_with_70) {
    make_inputs("made", "smoke/scenes.yaml");
    copy("made", "out", "clip");
    struct process p;
    train_start_ranks(&p, 3, "out", "smoke/clip.yaml",
                      (const char *const[]){"optim.steps=4000", "batch.global=15", "dist.timeout=3",
                                            "checkpoint.every=100000", "validate.every=100000",
                                            "dist.timeout_first=20", NULL},
                      NULL);
    signal_a_rank(&p, "out", SIGSTOP, 3);
    double stopped = clock_s();
    struct ended e = process_wait(&p, 60);
    CHECK_INT(e.status, 70);
    CHECK(clock_s() - stopped < 3 + 5 + 5);
    CHECK_HAS(e.err, "silent: rank ");
    char *stacks = file_of("out", "clip", "hang/rank-0.txt"), *text = text_of(stacks);
    CHECK_HAS(text, "rank 0 of 3 waits for ");
    CHECK_HAS(text, "thread ");
    CHECK_HAS(text, "libc.so");
    char *failed = file_of("out", "clip", "FAILED"), *reason = text_of(failed);
    CHECK_HAS(reason, "silent: rank ");
    char *const owned[] = {stacks, text, failed, reason};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    ended_free(&e);
}

TEST(a_batch_that_does_not_divide_is_refused_once_with_numbers_that_do) {
    struct ended e = TRAIN_RANKS(3, "out", "smoke/clip.yaml", NULL);
    CHECK_INT(e.status, 78);
    CHECK_HAS(e.err, "batch.global: 16 is no multiple of 3 (the ranks); 15 and 18 are");
    char *again = strstr(strstr(e.err, "no multiple of 3") + 1, "no multiple of 3");
    CHECK(!again);
    ended_free(&e);
}

TEST(tasks_of_srun_that_cannot_reach_each_other_end_with_69_and_touch_nothing) {
    struct process p;
    train_start(&p, "out", "smoke/clip.yaml", (const char *const[]){NULL},
                (const char *const[]){"SLURM_STEP_ID=0", "SLURM_NTASKS=2", "SLURM_PROCID=1", NULL});
    struct ended e = process_wait(&p, 60);
    CHECK_INT(e.status, 69);
    CHECK_HAS(e.err, "srun --mpi=pmix");
    char *dir = test_path("out");
    CHECK(!dir_exists(dir));
    free(dir);
    ended_free(&e);
}
