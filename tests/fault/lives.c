#include "tests/fault/lives.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/history.h"
#include "tests/e2e/process.h"
#include "tests/test.h"

/* docs/exit-codes.md */
static const struct ending {
    int signo, status;
    const char *name;
} endings[] = {{SIGKILL, 128 + SIGKILL, "SIGKILL"},
               {SIGINT, 130, "SIGINT"},
               {SIGTERM, 143, "SIGTERM"},
               {SIGUSR1, 75, "SIGUSR1"},
               {SIGUSR2, 75, "SIGUSR2"},
               {SIGHUP, 129, "SIGHUP"}};

/* What is trained, by its stage and the folder in the run. */
static const struct part {
    const char *stage, *folder;
} parts[] = {{"clip", ""}, {"proposals", "pretrain"}, {"proposals", ""}, {"finetune", ""},
             {"mpt", ""},  {"mpt-only", ""}};

static const char *const stages[] = {"scenes",   "clip", "proposals", "mine",
                                     "finetune", "mpt",  "mpt-only",  "eval"};

enum {
    ENDINGS = sizeof endings / sizeof *endings,
    PARTS = sizeof parts / sizeof *parts,
    STAGES = sizeof stages / sizeof *stages,
    TARGETS = 8,
    SOON = 20, /* seconds to end in, after a signal that asks to stop */
};

static const char whole[] = "whole"; /* the chain that nobody disturbs */

struct tale {
    const struct ordeal *o;
    struct rng rng;
    double seconds; /* that a chain takes */
    int hits[ENDINGS], at[STAGES], chains, late;
    double slowest;
    int64_t last[PARTS]; /* steps that this chain has saved */
};

uint64_t lives_seed(void) {
    const char *seed = getenv("OVSEG_TEST_SEED");
    return seed ? strtoull(seed, NULL, 10) : 1;
}

/* ---- what lies there ---- */

/* The folder of checkpoints of a part in DIR/out, NULL when it was not begun; owned. */
static char *part_folder(const char *out, const struct part *part) {
    char *known = run_of(whole, part->stage), *dir = test_path(out);
    char *run = path_join(dir, path_base(known)), *folder = path_join(run, part->folder);
    if (!dir_exists(folder)) {
        free(folder);
        folder = NULL;
    }
    free(known);
    free(dir);
    free(run);
    return folder;
}

/* The step of the last training line, 0: there is none. */
static int64_t last_step(const char *folder) {
    char *path = path_join(folder, "metrics.jsonl"), *text = text_of(path), *line = NULL;
    for (char *at = text; (at = strstr(at, "\"kind\":\"train\"")); at++) line = at;
    const char *step = line ? strstr(line, "\"step\":") : NULL;
    int64_t n = step ? strtoll(step + strlen("\"step\":"), NULL, 10) : 0;
    free(path);
    free(text);
    return n;
}

static void check_checkpoints(struct tale *t, const char *out, bool asked) {
    for (size_t i = 0; i < PARTS; i++) {
        char *folder = part_folder(out, &parts[i]);
        if (!folder) continue;
        int64_t *steps;
        size_t n;
        CHECK_OK(history_list(folder, &steps, &n));
        for (size_t k = 0; k < n; k++) {
            char *path = history_path(folder, steps[k], "");
            CHECK_OK(checkpoint_verify(path));
            free(path);
        }
        int64_t newest = n ? steps[n - 1] : 0, made = last_step(folder);
        if (newest < t->last[i] || (asked && newest != made))
            test_fail(__FILE__, __LINE__, "%s: step %lld is saved, %lld were made, %lld before",
                      folder, (long long)newest, (long long)made, (long long)t->last[i]);
        t->last[i] = newest;
        free(steps);
        free(folder);
    }
}

static void check_same_file(const char *out, const char *stage, const char *file) {
    char *path_a = file_of(whole, stage, file), *path_b = file_of(out, stage, file);
    struct bytes a, b;
    CHECK_OK(file_read(path_a, (size_t)1 << 28, &a));
    CHECK_OK(file_read(path_b, (size_t)1 << 28, &b));
    if (a.n != b.n || memcmp(a.at, b.at, a.n) != 0)
        test_fail(__FILE__, __LINE__, "%s and %s differ", path_a, path_b);
    bytes_free(&a);
    bytes_free(&b);
    free(path_a);
    free(path_b);
}

static void check_same_chain(const char *out) {
    for (size_t i = 0; i < PARTS; i++) {
        char *a = part_folder(whole, &parts[i]), *b = part_folder(out, &parts[i]);
        CHECK(a && b);
        check_same_checkpoint(a, b);
        check_same_metrics(a, b);
        free(a);
        free(b);
    }
    check_same_file(out, "scenes", "clip.h5");
    check_same_file(out, "scenes", "test.h5");
    check_same_file(out, "eval", "evaluation.json");
}

/* ---- what must not be left ---- */

/* Whether a process has the folder in its arguments. */
static bool is_about(const char *pid, const char *folder) {
    char *path = mem_format("/proc/%s/cmdline", pid);
    struct bytes text = {0};
    bool is = strspn(pid, "0123456789") == strlen(pid) && !file_read_stream(path, 1 << 20, &text);
    for (size_t i = 0; is && i < text.n; i++)
        if (!text.at[i]) text.at[i] = '\n'; /* between arguments */
    is = is && strstr((const char *)text.at, folder);
    error_clear(); /* it has ended meanwhile */
    bytes_free(&text);
    free(path);
    return is;
}

static size_t processes_about(const char *folder) {
    struct strings pids;
    size_t n = 0;
    CHECK_OK(dir_list("/proc", &pids));
    for (size_t i = 0; i < pids.n; i++) n += is_about(pids.at[i], folder);
    strings_free(&pids);
    return n;
}

/* Children of a process that was killed need a moment to die. */
static void check_no_process(const char *dir, bool killed) {
    double until = clock_s() + (killed ? 5 : 0);
    size_t n;
    while ((n = processes_about(dir)) && clock_s() < until)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    if (n) test_fail(__FILE__, __LINE__, "%zu processes are left of %s", n, dir);
}

static void check_no_file(const char *dir) {
    char *tmp = test_path("tmp");
    struct strings names;
    check_nothing_passing(dir);
    CHECK_OK(dir_list(tmp, &names));
    if (names.n) test_fail(__FILE__, __LINE__, "left behind: %s/%s", tmp, names.at[0]);
    strings_free(&names);
    free(tmp);
}

/* What runs share has no owner who could tell a killed writer's file from that of one at work: it
 * stays for a day (docs/places.md). One for each process that was killed, at most. */
static void drop_shared_halves(const char *dir, int processes) {
    static const char *const shared[] = {"", ".mined", ".text"};
    int n = 0;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        char *folder = path_join(dir, shared[i]);
        struct strings names = {0};
        if (dir_exists(folder)) CHECK_OK(dir_list(folder, &names));
        for (size_t k = 0; k < names.n; k++) {
            char *path = path_join(folder, names.at[k]);
            if (strstr(names.at[k], ".h5.tmp") || strncmp(names.at[k], ".hashes.tmp", 11) == 0) {
                CHECK_OK(file_remove(path));
                n++;
            }
            free(path);
        }
        strings_free(&names);
        free(folder);
    }
    if (n > processes)
        test_fail(__FILE__, __LINE__, "%d files half written by %d processes", n, processes);
}

static int count(const char *text, const char *part) {
    int n = 0;
    for (; (text = strstr(text, part)); text++) n++;
    return n;
}

/* What is begun tries its batch first, which it says: only parts that had saved nothing may. */
static void check_no_fresh_start(const struct tale *t, const char *err) {
    for (size_t s = 0; s < STAGES; s++) {
        char *says = mem_format(" %s: batch, validation and checkpoint work", stages[s]);
        int may = 0, did = count(err, says);
        for (size_t i = 0; i < PARTS; i++)
            may += strcmp(parts[i].stage, stages[s]) == 0 && t->last[i] == 0;
        if (did > may) test_fail(__FILE__, __LINE__, "%s was begun again:\n%s", stages[s], err);
        free(says);
    }
}

/* ---- a life ---- */

static void start(const struct tale *t, struct process *p, const char *out) {
    /* Whatever makes temporary files, Open MPI too, makes them where they are seen. */
    char *tmp = test_path("tmp"), *variable = mem_format("TMPDIR=%s", tmp);
    char *shared = mem_format("OMPI_MCA_btl_vader_backing_directory=%s", tmp);
    const char *const none[] = {NULL}, *const environment[] = {variable, shared, NULL};
    CHECK_OK(dir_make(tmp));
    if (t->o->ranks > 1)
        train_start_ranks(p, t->o->ranks, out, "smoke/mpt.yaml", none, environment);
    else
        train_start(p, out, "smoke/mpt.yaml", none, environment);
    free(tmp);
    free(variable);
    free(shared);
}

/* Whether a signal is caught, or kept until it is: before that, while libraries are loaded, it ends
 * any process as the system does. */
static bool listens(pid_t pid, int signo) {
    char *path = mem_format("/proc/%ld/status", (long)pid);
    struct bytes text = {0};
    uint64_t mask = 0;
    if (!file_read_stream(path, 1 << 16, &text)) {
        const char *caught = strstr((char *)text.at, "SigCgt:");
        const char *kept = strstr((char *)text.at, "SigBlk:");
        CHECK(caught && kept);
        mask = strtoull(caught + 7, NULL, 16) | strtoull(kept + 7, NULL, 16);
    }
    error_clear(); /* it has ended */
    bytes_free(&text);
    free(path);
    return signo == SIGKILL || (mask >> (signo - 1) & 1);
}

/* False: it has ended before. */
static bool wait_for_listener(const struct process *p, pid_t pid, int signo) {
    while (!listens(pid, signo)) {
        if (process_ended(p) || kill(pid, 0)) return false;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

/* Whom the signal is for: [TARGETS]. */
static size_t choose(struct tale *t, const struct process *p, int signo, pid_t *at) {
    bool ranks = t->o->ranks > 1, all = signo != SIGKILL && rng_below(&t->rng, 3) == 0;
    size_t n = 0, which = (size_t)rng_below(&t->rng, TARGETS);
    if (!ranks) {
        at[n++] = p->pid;
        /* As a batch system does it. A second SIGINT would be another wish: to end at once. */
        if (all && signo != SIGINT) n += processes_below(p, NULL, at + n, TARGETS - n);
        return n;
    }
    n = processes_below(p, "ovseg-train", at, TARGETS); /* none: mpirun is about to start, or end */
    if (n && !all) {
        at[0] = at[which % n];
        n = 1;
    }
    return n;
}

/* Sends it, as soon as it is heard; false: there was nobody. mpirun hands SIGUSR1 and SIGUSR2 on.
 */
static bool send_signal(struct tale *t, const struct process *p, int signo) {
    pid_t at[TARGETS];
    size_t n = choose(t, p, signo, at), sent = 0;
    for (size_t i = 0; i < n; i++)
        if (!wait_for_listener(p, at[i], signo)) at[i] = 0;
    bool by_launcher = n > 1 && t->o->ranks > 1 && (signo == SIGUSR1 || signo == SIGUSR2);
    if (by_launcher) return !process_ended(p) && kill(p->pid, signo) == 0;
    for (size_t i = 0; i < n; i++) sent += at[i] && kill(at[i], signo) == 0;
    return sent > 0;
}

static bool at_work(const char *err, const char *stage) {
    char *begun = mem_format(" %s: stage ", stage), *done = mem_format(" %s: done in ", stage);
    bool is = strstr(err, begun) && !strstr(err, done);
    free(begun);
    free(done);
    return is;
}

/* Until the program works: on a busy machine most of a life would be the loading of libraries. */
static void wait_for_work(const struct tale *t, const struct process *p, int signo) {
    pid_t at[TARGETS] = {p->pid};
    size_t n = 1;
    while (!process_ended(p)) {
        if (t->o->ranks > 1) n = processes_below(p, "ovseg-train", at, TARGETS);
        if (n && listens(at[0], signo)) return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* A life of `moment` seconds of work, and how long it was; true: it was hit, false: it came to its
 * end. */
static bool live(struct tale *t, const char *out, const struct ending *by, double moment,
                 double *lived) {
    struct process p;
    start(t, &p, out);
    if (by) wait_for_work(t, &p, by->signo);
    double works = clock_s();
    while (by && !process_ended(&p) && clock_s() - works < moment)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    bool sent = by && !process_ended(&p) && send_signal(t, &p, by->signo);
    double at = clock_s() - p.started;
    struct ended e = process_wait(&p, at + (sent ? SOON : 600));
    bool hit = sent && e.status != 0; /* it may have ended a moment before the signal */
    check_status(&e, hit ? by->status : 0);
    if (strstr(e.err, " warning ")) test_fail(__FILE__, __LINE__, "a warning:\n%s", e.err);
    check_no_fresh_start(t, e.err);
    char *dir = test_path(out);
    bool killed = hit && by->signo == SIGKILL;
    check_no_process(dir, killed);
    if (killed)
        drop_shared_halves(dir, t->o->ranks);
    else
        check_no_file(dir);
    if (hit) {
        for (size_t i = 0; i < STAGES; i++) t->at[i] += at_work(e.err, stages[i]);
        if (e.seconds - at > t->slowest) t->slowest = e.seconds - at;
    } else {
        t->late += sent;
    }
    *lived = e.seconds;
    ended_free(&e);
    free(dir);
    return hit;
}

/* ---- chains of lives ---- */

/* One of the signals that have not hit often enough; NULL: all have. */
static const struct ending *next_ending(struct tale *t) {
    const struct ending *left[ENDINGS];
    size_t n = 0;
    for (const int *s = t->o->signals; *s; s++)
        for (size_t i = 0; i < ENDINGS; i++)
            if (endings[i].signo == *s && t->hits[i] < t->o->each) left[n++] = &endings[i];
    return n ? left[rng_below(&t->rng, (int64_t)n)] : NULL;
}

/* Moments spread evenly over a third of a chain: several lives for each chain. */
static void run_chain(struct tale *t) {
    char *out = mem_format("chain-%d", t->chains++), *dir = test_path(out);
    double lived;
    int lives = 1;
    memset(t->last, 0, sizeof t->last);
    for (;;) {
        const struct ending *by = next_ending(t);
        if (!live(t, out, by, rng_uniform(&t->rng) * t->seconds / 3, &lived)) break;
        lives++;
        t->hits[by - endings]++;
        check_checkpoints(t, out, by->signo != SIGKILL);
    }
    /* A machine that was busy at the start would let most chains live. */
    if (lives == 1 && lived < t->seconds) t->seconds = lived;
    check_same_chain(out);
    fprintf(stderr, "%s: %d lives\n", out, lives);
    CHECK_OK(dir_remove(dir));
    free(out);
    free(dir);
}

static void tell(const struct tale *t) {
    struct str s = {0};
    for (size_t i = 0; i < ENDINGS; i++)
        if (t->hits[i])
            str_add(&s, "%s%d %s (status %d)", s.n ? ", " : "", t->hits[i], endings[i].name,
                    endings[i].status);
    str_add(&s, " in %d chains", t->chains);
    for (size_t i = 0; i < STAGES; i++)
        str_add(&s, "%s%s %d", i ? ", " : "; at work: ", stages[i], t->at[i]);
    fprintf(stderr, "full: ranks %d, seed %llu: %s; slowest end %.2f s; came after the end: %d\n",
            t->o->ranks, (unsigned long long)t->o->seed, s.at, t->slowest, t->late);
    str_free(&s);
}

void lives_run(const struct ordeal *o) {
    struct tale t = {.o = o, .rng = rng_stream(o->seed, "lives", 0)};
    fprintf(stderr, "ranks %d, seed %llu\n", o->ranks, (unsigned long long)o->seed);
    CHECK(!live(&t, whole, NULL, 0, &t.seconds));
    while (next_ending(&t)) run_chain(&t);
    tell(&t);
}
