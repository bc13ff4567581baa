#include "tests/slurm/box.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/test.h"

/* Not where tests have their files, in memory: it is often mounted without programs. */
static const char place[] = "/tmp/ovseg-slurm-XXXXXX";
static char folder[sizeof place]; /* "": there is no box */

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL); }

static bool installed(void) {
    return access("/usr/sbin/slurmctld", X_OK) == 0 && access("/usr/sbin/munged", X_OK) == 0;
}

static struct ended run_path(const char *path, const char *const *words,
                             const char *const *environment) {
    enum { MAX = 40 };
    const char *argv[MAX] = {path};
    for (size_t n = 1; *words; words++) {
        CHECK(n + 1 < MAX);
        argv[n++] = *words;
    }
    struct process p;
    process_start(&p, argv, environment);
    return process_wait(&p, 300);
}
#define RUN_PATH(path, ...) run_path(path, (const char *const[]){__VA_ARGS__, NULL}, NULL)

struct ended box_run(const char *const *argv) {
    return run_path("/usr/bin/env", argv, NULL);
}

static void stop(void) {
    if (!*folder) return;
    char *script = test_source("scripts/onebox");
    struct ended e = RUN_PATH(script, "stop", folder);
    free(script);
    ended_free(&e);
    dir_remove(folder);
    *folder = '\0';
}

static void install(void) {
    char *script = test_source("scripts/setup");
    struct ended e = RUN_PATH(script, "--slurm", "--no-torch");
    check_status(&e, 0);
    ended_free(&e);
    free(script);
}

void box_start(bool may_install) {
    if (!installed() && may_install && geteuid() == 0) install();
    if (!installed()) test_skip("Slurm is not installed: scripts/setup --slurm");
    memcpy(folder, place, sizeof place);
    CHECK(mkdtemp(folder));
    test_at_end(stop);
    char *script = test_source("scripts/onebox"), *conf = path_join(folder, "slurm.conf");
    char *port = mem_format("ONEBOX_PORT=%d", 20000 + 110 * (int)(getpid() % 100));
    char *owner = mem_format("ONEBOX_OWNER=%d", (int)getpid());
    struct ended e = run_path(script, (const char *const[]){"start", folder, NULL},
                              (const char *const[]){port, owner, NULL});
    check_status(&e, 0);
    setenv("SLURM_CONF", conf, 1);
    ended_free(&e);
    free(script);
    free(conf);
    free(port);
    free(owner);
}

char *box_site(const char *yaml) {
    struct str s = {0};
    char *log = test_path("log-%j"), *path = test_path("site.yaml");
    str_add(&s, "sbatch: {output: ");
    json_quote(&s, log);
    str_add(&s, "}\n%s", yaml);
    CHECK_OK(file_write(path, s.at, s.n));
    str_free(&s);
    free(log);
    return path;
}

char *box_log(long job) {
    char *name = mem_format("log-%ld", job), *path = test_path(name), *text = text_of(path);
    free(name);
    free(path);
    return text;
}

void box_ids(const struct ended *e, long *ids, size_t n) {
    check_status(e, 0);
    const char *line = e->out;
    for (size_t i = 0; i < n; i++) {
        char *end;
        ids[i] = strtol(line, &end, 10);
        if (end == line) test_fail(__FILE__, __LINE__, "%zu ids wanted, printed:\n%s", n, e->out);
        line = end + strcspn(end, "\n") + 1;
    }
    CHECK_TEXT(line, "");
}

void box_submit(const char *out, const char *config, const char *site, long *ids, size_t n,
                const char *const *arguments) {
    enum { MAX = 32 };
    char *bin = path_dir(TEST_PROGRAM), *program = path_join(bin, "ovseg");
    char *relative = mem_format("configs/%s", config), *dir = test_path(out);
    char *file = *config == '/' ? mem_strdup(config) : test_source(relative);
    char *output = mem_format("output_dir=%s", dir);
    const char *words[MAX] = {"submit", file, "--go", "threads=1", output, "--site", site};
    for (size_t k = 7; *arguments; arguments++) {
        CHECK(k + 1 < MAX);
        words[k++] = *arguments;
    }
    struct ended e = run_path(program, words, NULL);
    box_ids(&e, ids, n);
    ended_free(&e);
    char *const owned[] = {bin, program, relative, dir, file, output};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}

char *box_field(const char *job, const char *name) {
    struct ended e = BOX_RUN("scontrol", "show", "job", job);
    char *key = mem_format(" %s=", name), *at = strstr(e.out, key);
    char *value = at ? mem_format("%.*s", (int)strcspn(at + strlen(key), " \n"), at + strlen(key))
                     : mem_strdup("");
    free(key);
    ended_free(&e);
    return value;
}

static bool is_final(const char *state) {
    static const char *const final[] = {"COMPLETED", "FAILED",   "CANCELLED",    "TIMEOUT",
                                        "NODE_FAIL", "DEADLINE", "OUT_OF_MEMORY"};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (strcmp(state, final[i]) == 0) return true;
    return false;
}

char *box_end(long job, double seconds) {
    char *id = mem_format("%ld", job), *state = box_field(id, "JobState");
    for (double until = clock_s() + seconds; !is_final(state);) {
        char *log = clock_s() < until ? NULL : box_log(job);
        if (log)
            test_fail(__FILE__, __LINE__, "job %ld is %s after %.0f s; it said:\n%s", job, state,
                      seconds, log);
        nap();
        free(state);
        state = box_field(id, "JobState");
    }
    free(id);
    return state;
}

void box_ends(long job, double seconds, const char *state) {
    char *is = box_end(job, seconds), *log = box_log(job);
    if (strcmp(is, state) != 0)
        test_fail(__FILE__, __LINE__, "job %ld is %s, expected %s; it said:\n%s", job, is, state,
                  log);
    free(is);
    free(log);
}

/* Lines of metrics.jsonl of the only run of that name; 0: there is none yet. */
static int64_t steps_of(const char *out, const char *name) {
    char *dir = test_path(out);
    struct strings names = {0};
    int64_t steps = 0;
    if (dir_exists(dir)) CHECK_OK(dir_list(dir, &names));
    for (size_t i = 0; i < names.n; i++) {
        size_t n = strlen(name);
        if (strncmp(names.at[i], name, n) != 0 || strlen(names.at[i]) != n + 13) continue;
        char *run = path_join(dir, names.at[i]), *path = path_join(run, "metrics.jsonl");
        char *text = text_of(path);
        for (const char *c = text; *c; c++) steps += *c == '\n';
        free(text);
        free(path);
        free(run);
    }
    strings_free(&names);
    free(dir);
    return steps;
}

void box_steps(const char *out, const char *name, int64_t steps, double seconds) {
    for (double until = clock_s() + seconds; steps_of(out, name) < steps; nap())
        if (clock_s() > until)
            test_fail(__FILE__, __LINE__, "%s: %lld steps after %.0f s, %lld are waited for", name,
                      (long long)steps_of(out, name), seconds, (long long)steps);
}
