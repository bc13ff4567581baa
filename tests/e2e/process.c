#include "tests/e2e/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "checkpoints/history.h"
#include "tests/offspring.h"
#include "tests/test.h"

extern char **environ;

enum { ARGUMENTS = 40 };

/* Thousands of small files: in memory where that is possible, unless TMPDIR says otherwise. */
__attribute__((constructor)) static void use_memory(void) {
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 0);
}

struct fault_environment fault_environment(const char *spec, const char *under) {
    return (struct fault_environment){{mem_strdup("LD_PRELOAD=" TEST_FAULT_LIBRARY),
                                       mem_format("OVSEG_FAULT=%s", spec),
                                       mem_format("OVSEG_FAULT_UNDER=%s", under), NULL}};
}

void fault_environment_free(struct fault_environment *e) {
    for (size_t i = 0; i < 3; i++) free(e->at[i]);
}

/* The environment of the test with one thread for OpenMP, then `more`; later entries win. */
static char **environment_with(const char *const *more) {
    size_t n = 0, k = 0;
    while (environ[n]) n++;
    while (more && more[k]) k++;
    char **e = mem_alloc(n + k + 1, sizeof *e);
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        bool replaced = false;
        for (size_t j = 0; j < k; j++) {
            size_t name = strcspn(more[j], "=") + 1;
            replaced |= strncmp(environ[i], more[j], name) == 0;
        }
        if (!replaced) e[to++] = mem_strdup(environ[i]);
    }
    for (size_t j = 0; j < k; j++) e[to++] = mem_strdup(more[j]);
    return e;
}

void process_start(struct process *p, const char *const *argv, const char *const *environment) {
    process_start_reading(p, "/dev/null", argv, environment);
}

void process_start_reading(struct process *p, const char *input, const char *const *argv,
                           const char *const *environment) {
    static int count;
    char *name = mem_format("process-%d", count++), *base = test_path(name);
    offspring_guard(TEST_GUARD);
    *p = (struct process){.out = mem_format("%s.out", base), .err = mem_format("%s.err", base)};
    posix_spawn_file_actions_t actions;
    CHECK_INT(posix_spawn_file_actions_init(&actions), 0);
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, p->out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_addopen(&actions, 2, p->err, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    char **with = environment_with(environment);
    p->started = clock_s();
    int code = posix_spawn(&p->pid, argv[0], &actions, NULL, (char *const *)argv, with);
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; with[i]; i++) free(with[i]);
    free(with);
    free(name);
    free(base);
    if (code) test_fail(__FILE__, __LINE__, "%s: %s", argv[0], strerror(code));
}

bool process_ended(const struct process *p) {
    siginfo_t info = {0};
    CHECK_INT(waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == p->pid;
}

/* User and system time of all children so far. */
static double children_cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

struct ended process_wait(struct process *p, double limit) {
    double before = children_cpu();
    bool hangs = false;
    while (!process_ended(p) && !hangs) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        hangs = clock_s() - p->started > limit;
    }
    if (hangs) kill(p->pid, SIGKILL);
    int status;
    while (waitpid(p->pid, &status, 0) < 0) CHECK(errno == EINTR);
    struct ended e = {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                      .seconds = clock_s() - p->started,
                      .cpu = children_cpu() - before,
                      .out = text_of(p->out),
                      .err = text_of(p->err)};
    free(p->out);
    free(p->err);
    *p = (struct process){0};
    if (hangs) test_fail(__FILE__, __LINE__, "still at work after %.0f s:\n%s", limit, e.err);
    return e;
}

void ended_free(struct ended *e) {
    free(e->out);
    free(e->err);
    *e = (struct ended){0};
}

/* argv after the first n: CONFIG threads=1 output_dir=DIR/out ARGUMENT... */
static void start_with(struct process *p, const char **argv, size_t n, const char *out,
                       const char *config, const char *const *arguments,
                       const char *const *environment) {
    char *relative = mem_format("configs/%s", config);
    char *file = *config == '/' ? mem_strdup(config) : test_source(relative);
    char *dir = test_path(out), *output = mem_format("output_dir=%s", dir);
    argv[n++] = file;
    argv[n++] = "threads=1";
    argv[n++] = output;
    for (; *arguments; arguments++) {
        CHECK(n + 1 < ARGUMENTS);
        argv[n++] = *arguments;
    }
    process_start(p, argv, environment);
    free(relative);
    free(file);
    free(dir);
    free(output);
}

void train_start(struct process *p, const char *out, const char *config,
                 const char *const *arguments, const char *const *environment) {
    const char *argv[ARGUMENTS] = {TEST_PROGRAM};
    start_with(p, argv, 1, out, config, arguments, environment);
}

void train_start_ranks(struct process *p, int ranks, const char *out, const char *config,
                       const char *const *arguments, const char *const *environment) {
    if (!*TEST_MPIRUN) test_skip("there is no MPI");
    char *count = mem_format("%d", ranks);
    /* Root in a container, more ranks than cores: mpirun wants to be told. */
    const char *argv[ARGUMENTS] = {
        TEST_MPIRUN, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-np",
        count,       TEST_PROGRAM};
    start_with(p, argv, 8, out, config, arguments, environment);
    free(count);
}

struct ended train_run_ranks(int ranks, const char *out, const char *config,
                             const char *const *arguments) {
    struct process p;
    train_start_ranks(&p, ranks, out, config, arguments, NULL);
    return process_wait(&p, 600);
}

/* The parent and the name of a process; false when it has ended. */
static bool look_at(const char *pid, pid_t *parent, char name[32]) {
    char *path = mem_format("/proc/%s/stat", pid), line[512];
    FILE *f = fopen(path, "r");
    bool got = f && fgets(line, sizeof line, f);
    if (f) fclose(f);
    free(path);
    char *open = got ? strchr(line, '(') : NULL, *close = open ? strrchr(open, ')') : NULL;
    if (!close) return false;
    snprintf(name, 32, "%.*s", (int)(close - open - 1), open + 1);
    *parent = (pid_t)strtol(close + 4, NULL, 10);
    return close[2] != 'Z';
}

size_t processes_below(const struct process *p, const char *name, pid_t *found, size_t most) {
    struct strings all;
    size_t n = 0;
    CHECK_OK(dir_list("/proc", &all));
    for (size_t i = 0; i < all.n && n < most; i++) {
        pid_t parent;
        char is[32];
        if (look_at(all.at[i], &parent, is) && parent == p->pid && (!name || !strcmp(is, name)))
            found[n++] = (pid_t)strtol(all.at[i], NULL, 10);
    }
    strings_free(&all);
    return n;
}

struct ended ovseg_run(const char *const *arguments) {
    enum { MAX = 32 };
    char *folder = path_dir(TEST_PROGRAM), *program = path_join(folder, "ovseg");
    const char *argv[MAX] = {program};
    struct process p;
    for (int i = 0; arguments[i]; i++) {
        CHECK(i + 2 < MAX);
        argv[i + 1] = arguments[i];
    }
    process_start(&p, argv, NULL);
    free(folder);
    free(program);
    return process_wait(&p, 300);
}

struct ended train_run(const char *out, const char *config, const char *const *arguments) {
    struct process p;
    train_start(&p, out, config, arguments, NULL);
    return process_wait(&p, 600);
}

char *run_of(const char *out, const char *name) {
    char *dir = test_path(out), *found = NULL;
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    size_t n = strlen(name);
    for (size_t i = 0; i < names.n; i++) {
        if (strncmp(names.at[i], name, n) != 0 || strlen(names.at[i]) != n + 13) continue;
        if (found) test_fail(__FILE__, __LINE__, "%s: more than one run %s", dir, name);
        found = path_join(dir, names.at[i]);
    }
    if (!found) test_fail(__FILE__, __LINE__, "%s: no run %s", dir, name);
    strings_free(&names);
    free(dir);
    return found;
}

char *file_of(const char *out, const char *name, const char *file) {
    char *run = run_of(out, name), *path = path_join(run, file);
    free(run);
    return path;
}

static char *find_begun(const char *dir, const char *name, const char *file, int64_t bytes) {
    struct strings names = {0};
    char *found = NULL;
    size_t n = strlen(name);
    if (dir_exists(dir)) CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n && !found; i++) {
        char *run = path_join(dir, names.at[i]), *path = path_join(run, file);
        bool is = strncmp(names.at[i], name, n) == 0 && strlen(names.at[i]) == n + 13;
        if (is && file_size(path) > bytes) found = mem_strdup(run);
        free(path);
        free(run);
    }
    strings_free(&names);
    return found;
}

char *wait_for_run(const char *out, const char *name, const char *file, int64_t bytes) {
    char *dir = test_path(out), *found = NULL;
    for (double until = clock_s() + 120; !found && clock_s() < until;) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        found = find_begun(dir, name, file, bytes);
    }
    if (!found) test_fail(__FILE__, __LINE__, "%s did not begin", name);
    free(dir);
    return found;
}

char *text_of(const char *path) {
    struct bytes b;
    if (!file_exists(path)) return mem_strdup("");
    CHECK_OK(file_read(path, (size_t)64 << 20, &b));
    return (char *)b.at; /* file_read puts a NUL behind it */
}

static void list(const char *dir, struct str *to) {
    struct strings names;
    CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        char *path = path_join(dir, names.at[i]);
        struct stat s;
        CHECK_INT(lstat(path, &s), 0);
        str_add(to, "%s %lld %lld.%09ld\n", path, (long long)s.st_size, (long long)s.st_mtim.tv_sec,
                s.st_mtim.tv_nsec);
        if (S_ISDIR(s.st_mode)) list(path, to);
        free(path);
    }
    strings_free(&names);
}

char *listing_of(const char *dir) {
    struct str s = {0};
    str_add(&s, "%s\n", dir);
    if (dir_exists(dir)) list(dir, &s);
    return s.at;
}

void check_nothing_passing(const char *dir) {
    static const char *const passing[] = {".tmp", "/lock", "/.first-try"};
    char *all = listing_of(dir), *folder = mem_format("%s/", test_dir());
    for (char *line = all, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
            if (strlen(line) > strlen(folder) && strstr(line + strlen(folder), passing[i]))
                test_fail(__FILE__, __LINE__, "left behind: %s", line);
    }
    free(all);
    free(folder);
}

void check_same_checkpoint(const char *run_a, const char *run_b) {
    static const char *const files[] = {"model.safetensors", "optimizer.safetensors"};
    char *a = history_last(run_a), *b = history_last(run_b);
    if (!a || !b) test_fail(__FILE__, __LINE__, "%s: no checkpoint in it", a ? run_b : run_a);
    CHECK_TEXT(path_base(a), path_base(b)); /* the same step */
    for (size_t i = 0; i < 2; i++) {
        char *path_a = path_join(a, files[i]), *path_b = path_join(b, files[i]);
        struct bytes x, y;
        CHECK_OK(file_read(path_a, (size_t)1 << 30, &x));
        CHECK_OK(file_read(path_b, (size_t)1 << 30, &y));
        if (x.n != y.n || memcmp(x.at, y.at, x.n) != 0)
            test_fail(__FILE__, __LINE__, "%s and %s differ", path_a, path_b);
        bytes_free(&x);
        bytes_free(&y);
        free(path_a);
        free(path_b);
    }
    free(a);
    free(b);
}

void check_metrics(const char *run, int64_t steps) {
    char *path = path_join(run, "metrics.jsonl"), *text = text_of(path), *at = text;
    int64_t expected = 1;
    for (char *end; (end = strchr(at, '\n')); at = end + 1) {
        *end = '\0';
        if (!strstr(at, "\"kind\":\"train\"")) continue;
        const char *step = strstr(at, "\"step\":");
        CHECK(step);
        CHECK_INT(strtoll(step + 7, NULL, 10), expected);
        expected++;
    }
    CHECK_TEXT(at, ""); /* no line is cut off */
    CHECK_INT(expected - 1, steps);
    free(path);
    free(text);
}

/* metrics.jsonl without the times of day. */
static char *metrics_of(const char *run) {
    char *path = path_join(run, "metrics.jsonl"), *text = text_of(path), *at = text;
    struct str s = {0};
    for (char *wall; (wall = strstr(at, "\"wall\":")); at = wall + strcspn(wall, ","))
        str_add(&s, "%.*s", (int)(wall - at), at);
    str_add(&s, "%s", at);
    free(path);
    free(text);
    return s.at;
}

void check_same_metrics(const char *run_a, const char *run_b) {
    char *a = metrics_of(run_a), *b = metrics_of(run_b);
    CHECK_HAS(a, "\"loss\":");
    CHECK_TEXT(b, a);
    free(a);
    free(b);
}

void check_status(const struct ended *e, int status) {
    if (e->status != status)
        test_fail(__FILE__, __LINE__, "exit status %d, expected %d; it said:\n%s", e->status,
                  status, e->err);
}

void check_says(struct ended e, int status, const char *out, const char *err) {
    check_status(&e, status);
    if (out) CHECK_HAS(e.out, out);
    if (err) CHECK_HAS(e.err, err);
    ended_free(&e);
}

size_t count_text(const char *text, const char *part) {
    size_t n = 0;
    for (; (text = strstr(text, part)); text++) n++;
    return n;
}
