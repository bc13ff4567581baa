/* The probe of a chain: its stages one after the other, or side by side as they will be, each in a
 * process of its own (plan_child.c) that is stopped when it has done enough. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
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
#include "checkpoints/history.h"
#include "train/cluster/slurm_text.h"
#include "train/plan/plan.h"
#include "train/plan/plan_rows.h"
#include "train/run/run.h"
#include "train/run/run_look.h"
#include "train/run/scheduler.h"
#include "train/signals.h"

extern char **environ;

enum { LEAST_STEPS = 3, MOST_S = 900 };

/* A child at work. */
struct trial {
    struct plan_stage *stage;
    bool half;
    pid_t pid;
    char *dir, *log; /* its run folder, what it says */
    double began;
    bool told; /* to stop */
};

static void trial_open(struct trial *t, struct plan_stage *s, const char *dir, bool half) {
    char *run = plan_dir(dir, s->node);
    *t = (struct trial){.stage = s, .half = half};
    t->dir = mem_format("%s%s", run, half ? ".half" : "");
    t->log = mem_format("%s.log", t->dir);
    free(run);
}

static void trial_close(struct trial *t) {
    free(t->dir);
    free(t->log);
}

static int start(struct trial *t, const char *dir, const struct plan_options *o) {
    char parent[32], trial[48], threads[48],
        program[] = "ovseg", plan[] = "plan", node[] = "--node", in[] = "--dir", of[] = "--parent",
        half[] = "--half", judged[] = "--judged", *where = mem_strdup(dir);
    char **args = mem_alloc((size_t)o->argc + 13, sizeof(char *));
    size_t n = 0;
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    snprintf(trial, sizeof trial, "--trial=%lld", (long long)o->trial);
    snprintf(threads, sizeof threads, "--threads=%lld", (long long)o->threads);
    char *const own[] = {program, plan, node, t->stage->node->path, in, where, of, parent};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) args[n++] = own[i];
    if (t->half) args[n++] = half;
    if (o->trial) args[n++] = trial;
    if (o->trial) args[n++] = threads;
    if (o->judged) args[n++] = judged;
    for (int i = 1; i < o->argc; i++) args[n++] = o->argv[i];
    posix_spawn_file_actions_t to;
    posix_spawnattr_t attributes; /* a group of its own: Ctrl-C reaches it through us */
    posix_spawn_file_actions_init(&to);
    posix_spawn_file_actions_addopen(&to, 1, t->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&to, 1, 2);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int e = posix_spawn(&t->pid, "/proc/self/exe", &to, &attributes, args, environ);
    posix_spawn_file_actions_destroy(&to);
    posix_spawnattr_destroy(&attributes);
    free(args);
    free(where);
    t->began = clock_s();
    if (e) t->pid = 0;
    return e ? error_set(ERR_INTERNAL, "%s: cannot start a process: %s", t->stage->node->name,
                         strerror(e))
             : 0;
}

/* Enough steps, for enough time. */
static bool is_enough(const struct trial *t, double budget) {
    struct plan_rows rows;
    if (!plan_trains(t->stage->node)) return false;
    plan_rows_read(&rows, t->dir);
    double spent = rows.n ? rows.at[rows.n - 1].wall - rows.at[0].wall : 0;
    bool enough = rows.trained >= LEAST_STEPS && (t->half || spent >= budget);
    plan_rows_free(&rows);
    return enough;
}

/* The last line of a log. */
static char *last_words(const char *log) {
    struct bytes text = {0};
    char *found = NULL;
    if (!file_read(log, 4 << 20, &text)) {
        char *at = (char *)text.at;
        size_t n = text.n;
        while (n && at[n - 1] == '\n') at[--n] = '\0';
        char *line = strrchr(at, '\n');
        if (n) found = mem_strdup(line ? line + 1 : at);
    }
    error_clear();
    bytes_free(&text);
    return found ? found : mem_strdup("it said nothing");
}

static void ended(struct trial *t, int how) {
    t->pid = 0;
    if (WIFEXITED(how) && WEXITSTATUS(how) == 0) return;
    if (t->half) return; /* the forecast does without */
    free(t->stage->probe.why);
    t->stage->probe.why =
        WIFSIGNALED(how) ? mem_format("ended by signal %d", WTERMSIG(how)) : last_words(t->log);
}

static int watch(struct trial *t, size_t n, double budget) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++) left += t[i].pid > 0;
    while (left) {
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
        for (size_t i = 0; i < n; i++) {
            int how;
            if (!t[i].pid) continue;
            bool late = clock_s() - t[i].began > MOST_S;
            if (signals_pending() || late) kill(t[i].pid, SIGKILL);
            if (!t[i].told && is_enough(&t[i], budget)) {
                t[i].told = true;
                kill(t[i].pid, SIGTERM);
            }
            if (waitpid(t[i].pid, &how, WNOHANG) != t[i].pid) continue;
            ended(&t[i], how);
            left--;
        }
    }
    return signals_pending() ? signals_error("nothing of the probe is kept") : 0;
}

/* ---- what they found ---- */

static double number(const cJSON *o, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

static cJSON *found_by(const struct trial *t) {
    char *dir = path_dir(t->dir), *name = mem_format("%s.json", path_base(t->dir));
    cJSON *json = run_json(dir, name);
    free(name);
    free(dir);
    return json;
}

/* Where the wall time of its process went. */
static void take_times(struct plan_probe *p, const struct trial *t, double began, double ended_at) {
    struct plan_rows rows, first;
    char *phase = path_join(t->dir, "pretrain");
    int64_t ahead = t->stage->node->config.train.loader_ahead;
    plan_rows_read(&rows, t->dir);
    plan_rows_read(&first, phase);
    if (rows.trained) {
        p->unit = plan_rows_unit(&rows, ahead);
        p->units = rows.trained;
        p->validate = rows.validate;
        p->start = rows.at[0].wall - began - p->unit;
        p->save = ended_at - rows.at[rows.n - 1].wall;
    }
    if (rows.trained && first.trained) {
        double unit = plan_rows_unit(&first, ahead);
        double end = first.at[first.n - 1].wall;
        p->first = unit;
        p->first_units = first.trained;
        p->start = first.at[0].wall - began - unit + rows.at[0].wall - end - p->unit;
    }
    p->start = fmax(p->start, 0);
    plan_rows_free(&rows);
    plan_rows_free(&first);
    free(phase);
}

static void take_disk(struct plan_probe *p, const struct trial *t) {
    char *last = history_last(t->dir);
    p->folder = (double)tree_bytes(t->dir, NULL);
    p->checkpoint = last ? (double)tree_bytes(last, NULL) : 0;
    free(last);
}

static void take(const struct trial *t) {
    struct plan_probe *p = &t->stage->probe;
    cJSON *json = found_by(t), *progress = run_json(t->dir, "progress.json"), *mined;
    if (t->half) {
        p->half_memory = json ? number(json, "memory") : 0;
    } else if (json) {
        p->there = true;
        p->unit = number(json, "unit");
        p->bare = number(json, "bare");
        p->memory = number(json, "memory");
        p->waited = number(json, "waited");
        p->units = (int64_t)number(json, "units");
        p->load = number(json, "load");
        p->pictures = (int64_t)number(json, "pictures");
        p->picture_bytes = number(json, "picture_bytes");
        p->once = number(json, "text");
        p->lasted = p->start = fmax(0, number(json, "ended") - number(json, "began"));
        if (plan_trains(t->stage->node))
            take_times(p, t, number(json, "began"), number(json, "ended"));
        take_disk(p, t);
        mined = run_json(t->dir, "mining.json");
        p->pairs = mined ? (int64_t)number(mined, "pairs") : 0;
        cJSON_Delete(mined);
        if (progress) p->total = (int64_t)number(progress, "total");
    }
    cJSON_Delete(progress);
    cJSON_Delete(json);
}

/* ---- the chain ---- */

static struct plan_stage *stage_of(const struct plan *p, const struct node *n) {
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].node == n) return &p->at[i];
    return NULL;
}

static double caches(const char *dir) {
    char *text = path_join(dir, ".text"), *mined = path_join(dir, ".mined");
    double bytes = (double)(tree_bytes(text, NULL) + tree_bytes(mined, NULL));
    free(text);
    free(mined);
    return bytes;
}

static char *why_not_prepared(const struct node *n) {
    char *word = shell_word(n->path);
    char *why = mem_format(
        "takes all of its set: run it first, ovseg-train %s, then plan what follows", word);
    free(word);
    return why;
}

/* Together, as the chain will run them: they slow each other down then, too. */
static int try_together(const struct plan *p, struct node **node, size_t n, const char *dir,
                        const struct plan_options *o, bool half) {
    struct trial t[TOGETHER_MAX] = {{0}};
    struct str names = {0};
    size_t k = 0;
    int status = 0;
    double before = caches(dir);
    for (size_t i = 0; i < n; i++) {
        struct plan_stage *s = stage_of(p, node[i]);
        if (half && (!s->probe.there || !plan_trains(node[i]) || s->counts.at_once < 2)) continue;
        if (node[i]->config.run.stage == STAGE_PREPARE) {
            s->probe.why = why_not_prepared(node[i]);
            continue;
        }
        if (plan_on_gpu(node[i])) {
            s->probe.why = mem_strdup(
                "for a GPU: probes are of CPUs as yet; try some steps, or plan with device=cpu");
            continue;
        }
        str_add(&names, "%s%s", k ? ", " : "", node[i]->name);
        trial_open(&t[k], s, dir, half);
        if (!status) status = start(&t[k], dir, o);
        k++;
    }
    if (k && !half) log_info("probe: %s", names.at);
    str_free(&names);
    int watched = watch(t, k, o->budget);
    if (!status) status = watched;
    for (size_t i = 0; i < k; i++) {
        if (!status) take(&t[i]);
        if (!status && !half) t[i].stage->probe.cache = fmax(0, caches(dir) - before);
        if (half) dir_remove(t[i].dir); /* room for the next ones */
        trial_close(&t[i]);
    }
    return status;
}

bool plan_is_made(const char *dir, const struct node *n) {
    char *run = plan_dir(dir, n), *report = mem_format("%s.json", run);
    bool made = file_exists(report);
    free(run);
    free(report);
    return made;
}

int plan_measure_in(struct plan *p, const struct plan_options *o, const char *dir,
                    const bool *wanted) {
    struct graph *g = p->graph;
    bool *needed = mem_alloc(g->n, sizeof *needed), *was = mem_alloc(g->n, sizeof *was);
    struct node *group[TOGETHER_MAX];
    int status = 0;
    for (size_t i = 0; i < g->n; i++) {
        needed[i] = wanted[i];
        was[i] = g->at[i]->done;
        g->at[i]->done |= !wanted[i] && plan_is_made(dir, g->at[i]);
    }
    for (size_t n; !status && (n = scheduler_next(g, needed, group));) {
        status = try_together(p, group, n, dir, o, false);
        if (!status) status = try_together(p, group, n, dir, o, true);
        for (size_t i = 0; i < n; i++) { /* what failed is not tried again, nor what needs it */
            group[i]->done = stage_of(p, group[i])->probe.there;
            for (size_t k = 0; k < g->n; k++) needed[k] &= g->at[k] != group[i];
        }
    }
    for (size_t i = 0; i < g->n; i++) g->at[i]->done = was[i];
    free(needed);
    free(was);
    return status;
}

int plan_folder(const char *runs, char **dir, bool *made_runs) {
    *made_runs = !dir_exists(runs);
    *dir = NULL;
    int status = dir_make(runs);
    if (status) return status;
    char *whole = realpath(runs, NULL);
    *dir = path_join(whole ? whole : runs, ".probe-XXXXXX");
    free(whole);
    if (mkdtemp(*dir)) return 0;
    status = error_set(ERR_IO, "%s: cannot make a folder: %s", *dir, strerror(errno));
    free(*dir);
    *dir = NULL;
    return status;
}

int plan_folder_remove(const char *runs, char *dir, bool made_runs) {
    int status = dir ? dir_remove(dir) : 0;
    if (made_runs) rmdir(runs); /* when it is empty, as before */
    free(dir);
    return status;
}

int plan_measure(struct plan *p, const struct plan_options *o) {
    const char *runs = p->graph->named->config.run.output_dir;
    bool *needed = mem_alloc(p->graph->n, sizeof *needed), made_runs;
    char *dir;
    graph_needed(p->graph, needed);
    int status = plan_folder(runs, &dir, &made_runs);
    if (!status) status = plan_measure_in(p, o, dir, needed);
    int removed = plan_folder_remove(runs, dir, made_runs);
    free(needed);
    return status ? status : removed;
}
