#include "train/run/scheduler.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "train/ranks.h"
#include "train/run/run.h"
#include "train/shards.h"
#include "train/signals.h"

extern char **environ;

struct child {
    struct node *node;
    pid_t pid; /* 0: ended */
};

static bool is_ready(const struct node *n) {
    for (size_t i = 0; i < n->n_inputs; i++)
        if (n->input[i].node && !n->input[i].node->done) return false;
    return !n->done;
}

size_t scheduler_next(const struct graph *g, const bool *needed, struct node **to) {
    int64_t cores = run_cores();
    size_t n = 0;
    for (size_t i = 0; i < g->n && n < TOGETHER_MAX; i++) {
        if (!needed[i] || !is_ready(g->at[i])) continue;
        cores -= run_threads(g->at[i]);
        if (n && (cores < 0 || g->comm)) break; /* ranks do one after the other, together */
        to[n++] = g->at[i];
    }
    return n;
}

static size_t choose(const struct graph *g, const bool *needed, struct child *to) {
    struct node *ready[TOGETHER_MAX];
    size_t n = scheduler_next(g, needed, ready);
    for (size_t i = 0; i < n; i++) to[i] = (struct child){.node = ready[i]};
    return n;
}

void child_of(long parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent) _exit(ERR_AGAIN); /* it died before we could ask */
}

static int start(struct child *c, int argc, char **argv) {
    char **args = mem_alloc((size_t)argc + 7, sizeof(char *)), parent[32];
    size_t n = 0;
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    char program[] = "ovseg", train[] = "train", node_option[] = "--node",
         parent_option[] = "--parent";
    args[n++] = program;
    args[n++] = train;
    args[n++] = node_option; /* before the user's own arguments, which may contain "--" */
    args[n++] = c->node->path;
    args[n++] = parent_option;
    args[n++] = parent;
    for (int i = 1; i < argc; i++) args[n++] = argv[i];
    posix_spawnattr_t attributes; /* a group of its own: Ctrl-C reaches it through us, once */
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    int e = posix_spawn(&c->pid, "/proc/self/exe", NULL, &attributes, args, environ);
    posix_spawnattr_destroy(&attributes);
    free(args);
    return e ? error_set(ERR_INTERNAL, "%s: cannot start a process: %s", c->node->name, strerror(e))
             : 0;
}

static void finish(struct child *c, int how) {
    c->pid = 0;
    c->node->done = WIFEXITED(how) && !WEXITSTATUS(how);
    if (c->node->done) {
        if (!error_status()) run_is_done(c->node->dir, &c->node->seconds);
        return;
    }
    int code = signals_status(how);
    if (WIFSIGNALED(how) && signals_stopped(code))
        error_set(code, "%s: stopped before it began", c->node->name);
    else if (WIFSIGNALED(how))
        error_set(code, "%s: ended by signal %d", c->node->name, WTERMSIG(how));
    else
        error_set(code, "%s: stopped, see its message above", c->node->name);
}

/* Until all have ended; a signal that asks us to stop is handed on. */
static void wait_all(struct child *c, size_t n) {
    int told = 0;
    for (size_t left = n; left;) {
        const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
        nanosleep(&nap, NULL);
        int stop = signals_pending();
        for (size_t i = 0; i < n; i++) {
            int how;
            if (!c[i].pid) continue;
            if (stop && stop != told) kill(c[i].pid, stop); /* a later one may outweigh it */
            if (waitpid(c[i].pid, &how, WNOHANG) != c[i].pid) continue;
            finish(&c[i], how);
            left--;
        }
        told = stop;
    }
}

static int run_together(struct child *c, size_t n, int argc, char **argv) {
    struct str names = {0};
    for (size_t i = 0; i < n; i++) str_add(&names, "%s%s", i ? ", " : "", c[i].node->name);
    log_info("side by side: %s", names.at);
    str_free(&names);
    size_t started = 0;
    while (started < n && !start(&c[started], argc, argv)) started++;
    for (size_t i = 0; started < n && i < started; i++) kill(c[i].pid, SIGTERM);
    wait_all(c, started);
    return error_status();
}

/* All ranks look at the same files, some of them a moment later: rank 0 says what is done. */
static int agree_on_graph(struct graph *g) {
    struct str ids = {0};
    for (size_t i = 0; i < g->n; i++) str_add(&ids, "%s ", g->at[i]->id);
    uint64_t mine = hash_bytes(ids.at, ids.n), first = mine;
    str_free(&ids);
    comm_broadcast(g->comm, &first, sizeof first);
    int status = 0;
    if (first != mine)
        status = error_set(ERR_CONFIG,
                           "this rank's chain of runs differs from rank 0's: they see different "
                           "config files, inputs or versions of the program");
    status = ranks_agree(g->comm, status);
    for (size_t i = 0; !status && i < g->n; i++)
        comm_broadcast(g->comm, &g->at[i]->done, sizeof g->at[i]->done);
    return status;
}

/* What a training stage cannot divide among the ranks is said before the first one starts. */
static int check_shards(const struct graph *g, const bool *needed) {
    struct problems p = {0};
    for (size_t i = 0; i < g->n; i++)
        if (needed[i] && config_trains(g->at[i]->config.run.stage)) shards_of(g->at[i], &p);
    return problems_close(&p, ERR_CONFIG);
}

/* Opening a stage may take longer than its first step: one that was asked to stop begins none. */
static int may_begin(const struct graph *g) {
    if (!ranks_stop(g->comm)) return 0;
    return signals_error("what is whole is kept; the same command goes on from there");
}

int run_graph(struct graph *g, int argc, char **argv) {
    bool *needed = mem_alloc(g->n, sizeof *needed);
    struct child group[TOGETHER_MAX];
    for (size_t i = 0; i < g->n; i++) g->at[i]->comm = g->comm;
    int status = agree_on_graph(g);
    graph_needed(g, needed);
    if (!status) status = ranks_agree(g->comm, check_shards(g, needed));
    for (size_t n; !status && (n = choose(g, needed, group));) {
        status = may_begin(g);
        if (!status) status = n > 1 ? run_together(group, n, argc, argv) : run_node(group->node);
    }
    free(needed);
    return status;
}
