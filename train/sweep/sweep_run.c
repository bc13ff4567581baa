#include "train/sweep/sweep_run.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/utf8.h"
#include "train/run/run.h"
#include "train/signals.h"
#include "train/sweep/sweep_table.h"

extern char **environ;

struct worker {
    pid_t pid; /* 0: idle */
    size_t stage;
    double began;
};

/* A sweep at work. */
struct crew {
    struct sweep *sweep;
    const struct sweep_work *work;
    struct sweep_table table;
    struct worker *worker; /* [work->jobs] */
    bool *needed;          /* [n_stages] */
    size_t running, ended, total;
    int told; /* the signal that was handed on */
};

/* ---- a process ---- */

static char *text_number(int64_t x) { return mem_format("%lld", (long long)x); }

/* Its messages go to a file of its own: two at a time are not to be read on one terminal. */
static int spawn(pid_t *pid, char **args, const char *log) {
    posix_spawnattr_t attributes; /* a group of its own: Ctrl-C reaches it through us, once */
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    posix_spawn_file_actions_adddup2(&files, 2, 1);
    int e = posix_spawn(pid, "/proc/self/exe", &files, &attributes, args, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return e;
}

static int start(const struct crew *c, struct worker *to, size_t i) {
    struct sweep_stage *stage = &c->sweep->stage[i];
    const struct sweep_work *w = c->work;
    int64_t cores = run_cores();
    char *log = sweep_log(c->sweep, stage), *parent = text_number(getpid());
    char *threads = text_number(cores > w->jobs ? cores / w->jobs : 1);
    char *trial = text_number((int64_t)stage->trial + 1);
    char *run = mem_strdup(path_base(stage->dir));
    char words[][12] = {"ovseg", "sweep", "--make", "--trial", "--threads", "--parent"};
    char *const own[] = {words[0], words[1], words[2], run,      words[3],
                         trial,    words[4], threads,  words[5], parent};
    size_t n = sizeof own / sizeof *own; /* before the user's own, which may contain "--" */
    char **args = mem_alloc(n + (size_t)w->argc + 1, sizeof *args);
    memcpy(args, own, sizeof own);
    for (int k = 1; k < w->argc; k++) args[n++] = w->argv[k];
    int e = spawn(&to->pid, args, log);
    int status =
        e ? error_set(ERR_INTERNAL, "%s: cannot start a process: %s", stage->name, strerror(e)) : 0;
    char *const owned[] = {log, parent, threads, trial, run};
    for (size_t k = 0; k < sizeof owned / sizeof *owned; k++) free(owned[k]);
    free(args);
    to->stage = i;
    to->began = clock_s();
    return status;
}

/* The last error of a log, in one line; owned. */
static char *last_error(const char *log) {
    static const char mark[] = " error ";
    struct bytes text = {0};
    char *said = NULL;
    if (!file_read(log, (size_t)64 << 20, &text))
        for (char *at = (char *)text.at; (at = strstr(at, mark)); at += 1) said = at;
    error_clear();
    char *line = mem_strdup(said ? utf8_short(said + sizeof mark - 1, 400).at : "its log says why");
    for (size_t n = strlen(line); n && line[n - 1] == '\n'; n--) line[n - 1] = '\0';
    for (char *at = line; *at; at++)
        if (*at == '\n') *at = ' ';
    bytes_free(&text);
    return line;
}

static int fail(struct crew *c, struct sweep_stage *stage, int how) {
    char *log = sweep_log(c->sweep, stage), *said;
    int code = WIFEXITED(how) && WEXITSTATUS(how) ? WEXITSTATUS(how) : ERR_INTERNAL;
    if (WIFSIGNALED(how))
        said = mem_format("ended by signal %d%s", WTERMSIG(how),
                          WTERMSIG(how) == SIGKILL ? ": out of memory?" : "");
    else
        said = last_error(log);
    log_error("%s failed, exit %d: %s (%s)", path_base(stage->dir), code, said, log);
    int status = sweep_note_failure(c->sweep, stage, code, said);
    free(said);
    free(log);
    return status;
}

static int finish(struct crew *c, struct worker *w, int how) {
    struct sweep_stage *stage = &c->sweep->stage[w->stage];
    char took[16];
    int status = 0;
    w->pid = 0;
    c->running--;
    c->ended++;
    if (run_is_done(stage->dir, &stage->seconds)) {
        stage->state = SWEEP_DONE;
        clock_span(clock_s() - w->began, took);
        log_info("%zu/%zu %s: done in %s", c->ended, c->total, path_base(stage->dir), took);
        status = sweep_note_failure(c->sweep, stage, 0, NULL);
    } else if (signals_stopped(signals_status(how))) {
        stage->state = SWEEP_STOPPED;
        log_warn("%s stopped, it goes on when the sweep is run again", path_base(stage->dir));
    } else {
        status = fail(c, stage, how);
    }
    if (!status) status = sweep_table_refresh(&c->table);
    return status ? status : sweep_table_write(&c->table);
}

/* ---- all of them ---- */

static bool is_ready(const struct crew *c, size_t i) {
    const struct sweep_stage *stage = &c->sweep->stage[i];
    if (!c->needed[i] || stage->state != SWEEP_WAITING) return false;
    if (c->work->shared_only && stage->n_trials < 2) return false;
    for (size_t k = 0; k < stage->inputs.n; k++)
        if (c->sweep->stage[stage->need[k]].state != SWEEP_DONE) return false;
    return true;
}

static int start_some(struct crew *c) {
    for (size_t i = 0; i < c->sweep->n_stages && c->running < (size_t)c->work->jobs; i++) {
        if (!is_ready(c, i)) continue;
        struct worker *w = c->worker;
        while (w->pid) w++;
        int status = start(c, w, i);
        if (status) return status;
        c->sweep->stage[i].state = SWEEP_RUNNING;
        c->running++;
        log_info("%s begins", path_base(c->sweep->stage[i].dir));
    }
    return 0;
}

static void tell(struct crew *c, int signo) {
    for (int64_t k = 0; k < c->work->jobs; k++)
        if (c->worker[k].pid) kill(c->worker[k].pid, signo);
    c->told = signo;
}

static int look(struct crew *c) {
    int status = 0, stop = signals_pending();
    if (stop && stop != c->told) tell(c, stop);
    for (int64_t k = 0; k < c->work->jobs; k++) {
        struct worker *w = &c->worker[k];
        int how;
        if (!w->pid || waitpid(w->pid, &how, WNOHANG) != w->pid) continue;
        int ended = finish(c, w, how);
        if (!status) status = ended;
    }
    return status;
}

/* What failed before is tried again. */
static void forget_failures(struct crew *c) {
    for (size_t i = 0; i < c->sweep->n_stages; i++) {
        struct sweep_stage *stage = &c->sweep->stage[i];
        if (stage->state == SWEEP_FAILED) stage->state = SWEEP_WAITING;
        if (c->needed[i] && (!c->work->shared_only || stage->n_trials > 1)) c->total++;
    }
}

int sweep_run(struct sweep *s, const struct sweep_work *w) {
    const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
    struct crew c = {.sweep = s, .work = w};
    char *logs = path_join(s->dir, "logs");
    int status = dir_make(logs);
    free(logs);
    if (!status) status = sweep_table_open(&c.table, s);
    if (!status)
        status = sweep_table_write(&c.table); /* for who asks before the first trial is whole */
    if (status) {
        sweep_table_close(&c.table);
        return status;
    }
    c.worker = mem_alloc((size_t)w->jobs, sizeof *c.worker);
    c.needed = mem_alloc(s->n_stages, sizeof *c.needed);
    sweep_needed(s, c.needed);
    forget_failures(&c);
    while (true) {
        if (!status && !signals_pending()) status = start_some(&c);
        if (!c.running) break;
        if (status && !c.told) tell(&c, SIGTERM); /* we cannot go on: a full disk */
        nanosleep(&nap, NULL);
        int looked = look(&c);
        if (!status) status = looked;
    }
    free(c.worker);
    free(c.needed);
    if (!status) status = sweep_table_refresh(&c.table);
    if (!status) status = sweep_table_write(&c.table);
    sweep_table_close(&c.table);
    if (!status && signals_pending())
        status = signals_error("what is whole is kept; the same command goes on from there");
    return status;
}
