#include "train/run/run.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/settings_text.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/history.h"
#include "nn/torch/tensor.h"
#include "train/package/package.h"
#include "train/ranks.h"
#include "train/run/identity.h"
#include "train/run/lock.h"
#include "train/run/run_live.h"
#include "train/waiting.h"

static bool holds(const char *dir, const char *name) {
    char *path = path_join(dir, name);
    bool there = file_exists(path);
    free(path);
    return there;
}

bool run_folder(const char *path) { return holds(path, "identity.txt"); }

char *run_split(const char *value, bool *best) {
    size_t n = strlen(value);
    const char *end = n > 5 ? value + n - 5 : "";
    *best = strcmp(end, "@best") == 0;
    if (*best || strcmp(end, "@last") == 0) n -= 5;
    return mem_format("%.*s", (int)n, value);
}

bool run_is_done(const char *dir, double *seconds) {
    if (error_status()) return false; /* the caller's error is not ours to clear */
    char *path = path_join(dir, "DONE");
    struct bytes text = {0};
    bool done = file_exists(path) && !file_read(path, 4096, &text);
    if (done) {
        cJSON *json = cJSON_Parse((const char *)text.at);
        const cJSON *s = cJSON_GetObjectItemCaseSensitive(json, "seconds");
        *seconds = cJSON_IsNumber(s) ? s->valuedouble : 0;
        cJSON_Delete(json);
    }
    error_clear();
    bytes_free(&text);
    free(path);
    return done;
}

static int put(const struct node *n, const char *name, const struct str *text) {
    char *path = path_join(n->dir, name);
    int status = file_write(path, text->at, text->n);
    free(path);
    return status;
}

static char *whole_path(const char *path) {
    char *whole = realpath(path, NULL);
    return whole ? whole : mem_strdup(path);
}

/* How a run names another one: beside it by its folder alone, so that a tree of runs can be moved;
 * elsewhere by its whole path. Owned. */
static char *path_from(const char *run, const char *other) {
    char *a = whole_path(run), *b = whole_path(other);
    char *parent_a = path_dir(a), *parent_b = path_dir(b);
    char *path = mem_strdup(strcmp(parent_a, parent_b) == 0 ? path_base(b) : b);
    char *const owned[] = {a, b, parent_a, parent_b};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return path;
}

/* Which runs and files were used, so that the run can be an input without its config files. */
static int describe(const struct node *n) {
    struct str settings = {0}, identity = {0}, inputs = {0};
    settings_write(config_used(n->config.run.stage), &n->config, &n->doc, &settings);
    str_add(&identity, "%s", n->identity);
    struct json_out j = {.to = &inputs};
    json_object(&j);
    for (size_t i = 0; i < n->n_inputs; i++) {
        const struct node_input *in = &n->input[i];
        json_key(&j, in->name);
        json_object(&j);
        char *path = in->node ? path_from(n->dir, in->node->dir) : whole_path(in->path);
        json_key_string(&j, in->node ? "run" : "path", path);
        json_key_bool(&j, "best", in->best);
        json_end(&j);
        free(path);
    }
    json_end(&j);
    int status = put(n, "settings.yaml", &settings);
    if (!status) status = put(n, "inputs.json", &inputs);
    if (!status) status = put(n, "identity.txt", &identity);
    str_free(&settings);
    str_free(&identity);
    str_free(&inputs);
    return status;
}

static void unlock(struct node *n) {
    comm_at_end(n->comm, NULL, NULL);
    lock_release(n->lock);
    n->lock = NULL;
}

/* What is said of the end of a run that another process has taken over is that one's to say. */
static int live_end(struct node *n, int status) {
    char *message = mem_strdup(error_message());
    error_clear();
    if (run_is_ours(n) == ERR_DEVICE) {
        progress_report(NULL);
        if (!status) error_clear(); /* run_finish finds it again, and tells the other ranks */
    } else {
        error_clear(); /* cannot be read: nothing is known */
        if (status) error_set(status, "%s", message);
        run_live_end(n, status);
    }
    free(message);
    return status ? error_status() : 0;
}

/* Rank 0's, by the communicator's thread: all end, while this rank waits for one that does not come
 * any more. A checkpoint that is being written is left as a killed process leaves it. */
static void let_go(void *ctx, int status) {
    struct node *n = ctx;
    error_set(status, "another rank failed: the log says which, and why"); /* unless one pends */
    live_end(n, status);
    error_clear();
    lock_release(n->lock);
}

/* A process that was killed, or whose parent was, needs a moment to die: up to a second. */
static int lock(struct node *n) {
    char *path = path_join(n->dir, "lock");
    double until = clock_s() + 1;
    int status;
    while ((status = lock_take(path, n->config.run.lock, &n->lock)) == ERR_DEVICE &&
           (n->wait || clock_s() < until)) {
        error_clear();
        if (clock_s() < until)
            nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
        else if ((status = lock_wait(path, n->config.run.lock)))
            break;
    }
    free(path);
    if (!status) comm_at_end(n->comm, let_go, n);
    return status;
}

int run_begin(struct node *n) {
    int status = dir_make(n->dir);
    if (!status) status = lock(n);
    if (status) return status;
    /* Another process may have finished it between the look at DONE and the lock. */
    n->done = n->reused = run_is_done(n->dir, &n->seconds);
    if (!n->done) {
        dir_sweep_own(n->dir); /* a process that was killed may have written here */
        status = describe(n);
    }
    if (status || n->done) unlock(n);
    return status;
}

int run_finish(struct node *n, double seconds) {
    struct str s = {0};
    struct json_out j = {.to = &s};
    json_object(&j);
    json_key_real(&j, "seconds", seconds);
    json_end(&j);
    int status = run_is_ours(n);
    if (!status) status = put(n, "DONE", &s);
    str_free(&s);
    unlock(n);
    n->done = !status;
    n->seconds = seconds;
    return status;
}

void run_clear(const struct node *n) {
    char *path = path_join(n->dir, "lock");
    struct lock *l;
    if (file_exists(path)) {
        if (lock_take(path, n->config.run.lock, &l))
            error_clear(); /* of one that lives, or in a folder where nothing can be written */
        else
            lock_release(l);
    }
    free(path);
}

void run_leave(struct node *n) { unlock(n); }

int run_is_ours(const struct node *n) { return n->lock ? lock_check(n->lock) : 0; }

/* An input as describe() wrote it: a run, or a file or folder, which need not be there any more. */
static int take_input(struct graph *g, struct node *n, const cJSON *in, const char *parent) {
    const char *run = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(in, "run"));
    const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(in, "path"));
    if (!run && !path) return 0;
    struct node_input to = {.name = mem_strdup(in->string)};
    to.best = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "best"));
    if (run) {
        char *child = path_join(parent, run);
        bool package = !run_folder(child) && package_is(child);
        to.node = package ? package_input(g, child, to.name) : run_node_open(g, child);
        free(child);
    } else {
        to.path = mem_strdup(path);
    }
    n->input = mem_grow(n->input, &n->inputs_cap, n->n_inputs + 1, sizeof *n->input);
    n->input[n->n_inputs++] = to;
    return run && !to.node ? error_status() : 0;
}

/* A node made of a finished run, without the config file that it came from. */
struct node *run_node_open(struct graph *g, const char *dir) {
    char *whole = realpath(dir, NULL);
    for (size_t i = 0; whole && i < g->n; i++)
        if (strcmp(g->at[i]->path, whole) == 0) { /* named before, here or by another input */
            free(whole);
            return g->at[i];
        }
    struct node *n = mem_alloc(1, sizeof *n);
    char *settings = path_join(dir, "settings.yaml"), *inputs = path_join(dir, "inputs.json");
    char *identity = path_join(dir, "identity.txt");
    struct bytes text = {0};
    struct problems problems = {0};
    n->path = whole ? whole : mem_strdup(dir);
    n->dir = mem_strdup(n->path);
    n->name = mem_strdup(path_base(n->dir));
    char *dash = strrchr(n->name, '-');
    if (dash) *dash = '\0';
    int status = whole ? 0 : error_set(ERR_MISSING, "%s: %s", dir, strerror(errno));
    if (!status && !run_is_done(dir, &n->seconds))
        status = error_set(ERR_MISSING, "%s: this run is not finished: run its config again", dir);
    if (!status) status = settings_read(&n->doc, settings);
    const char *kind = status ? NULL : settings_text(&n->doc, "stage");
    for (int i = 0; kind && stage_names[i]; i++)
        if (strcmp(kind, stage_names[i]) == 0) {
            n->stage = stage_find(i);
            settings_assign(&n->doc, config_used(i), config_known(), kind, &n->config, &problems);
            n->config.run.stage = i;
        }
    int bad = problems_close(&problems, ERR_DATA);
    if (!status) status = bad;
    if (!status && !n->stage) status = error_set(ERR_DATA, "%s: no stage in it", settings);
    if (!status) status = file_read(identity, 1 << 20, &text);
    if (!status) {
        n->identity = mem_format("%s", (const char *)text.at);
        identity_name(n); /* by its contents, whatever the folder is called now */
        n->done = n->reused = true;
    }
    bytes_free(&text);
    if (!status) status = file_read(inputs, 1 << 20, &text);
    cJSON *json = status ? NULL : cJSON_Parse((const char *)text.at);
    const cJSON *in;
    if (!status && !json)
        status = error_set(ERR_DATA, "%s: not JSON: run the config of this run again", inputs);
    char *parent = path_dir(n->dir);
    cJSON_ArrayForEach(in, json) if (!status) status = take_input(g, n, in, parent);
    cJSON_Delete(json);
    free(parent);
    bytes_free(&text);
    free(settings);
    free(inputs);
    free(identity);
    graph_add(g, n);
    return status ? NULL : n;
}

static void need(struct node *n, const struct graph *g, bool *needed) {
    for (size_t i = 0; i < g->n; i++) {
        if (g->at[i] != n || n->done || needed[i]) continue;
        needed[i] = true;
        for (size_t k = 0; k < n->n_inputs; k++)
            if (n->input[k].node) need(n->input[k].node, g, needed);
    }
}

void graph_needed(const struct graph *g, bool *needed) {
    for (size_t i = 0; g->only && i < g->n; i++) needed[i] = g->only[i] && !g->at[i]->done;
    if (g->only) return; /* also when what comes behind it is done: it was asked for by name */
    need(g->named, g, needed);
    if (g->named->then) need(g->named->then, g, needed);
}

int64_t run_cores(void) { return omp_get_num_procs(); }

/* A launcher that did not divide the cores leaves that to us. */
static int64_t cores_of(const struct node *n) {
    int64_t all = sysconf(_SC_NPROCESSORS_ONLN), mine = run_cores();
    int64_t sharers = mine == all ? comm_local_size(n->comm) : 1;
    return mine / sharers > 0 ? mine / sharers : 1;
}

int run_threads(const struct node *n) {
    int64_t threads = n->config.run.threads ? n->config.run.threads : cores_of(n);
    int64_t most = n->config.run.threads_max;
    return (int)(most && threads > most ? most : threads);
}

double run_seconds(const struct node *n) { return n->seconds + clock_s() - n->began; }

/* Rank 0 takes the folder; who else works on it learns whether there is something to do. */
static int begin(struct node *n) {
    bool first = comm_rank(n->comm) == 0;
    const struct run_options *run = &n->config.run;
    /* Another host's lock is watched; who waits for another's work has no time limit. */
    comm_timeout(n->comm, n->wait ? 0 : run->timeout_first + 2 * run->lock);
    int status = ranks_agree(n->comm, first ? run_begin(n) : 0);
    if (status) {
        if (first) run_leave(n);
        return status;
    }
    comm_broadcast(n->comm, &n->done, sizeof n->done);
    comm_broadcast(n->comm, &n->seconds, sizeof n->seconds);
    comm_timeout(n->comm, run->timeout_first);
    return 0;
}

/* Stages that one process does are rank 0's; the others wait as long as it takes. So they do at the
 * end of other stages, which rank 0 writes. */
static int run_stage(struct node *n) {
    bool alone = !n->stage->ranks && n->comm;
    if (alone) comm_timeout(n->comm, 0);
    int status = alone && comm_rank(n->comm) ? 0 : n->stage->run(n);
    status = alone ? ranks_agree(n->comm, status) : ranks_meet(n->comm, status);
    comm_timeout(n->comm, n->config.run.timeout_first);
    return status;
}

static int run_modes(const struct node *n) {
    bool again = n->config.train.checkpointing == CHECKPOINTING_BLOCKS;
    return T_PRECISION(n->config.run.precision) | (again ? T_RECOMPUTE : T_INHERIT);
}

/* Why work is done that seems to be done already. */
static void tell_nearest(const struct node *n) {
    struct str keys = {0};
    char *dir = identity_nearest(n, &keys);
    if (dir) log_info("%s: not %s, which differs in %s", n->name, dir, keys.at);
    free(dir);
    str_free(&keys);
}

int run_node(struct node *n) {
    bool first = comm_rank(n->comm) == 0, begins = first && !dir_exists(n->dir);
    n->began = clock_s();
    int status = begin(n);
    if (status || n->done) return status;
    log_info("%s: stage %s in %s", n->name, n->stage->name, n->dir);
    if (begins) tell_nearest(n);
    t_set_threads(run_threads(n));
    waiting_choose(run_threads(n));
    int scope = t_scope_open("", run_modes(n));
    n->seconds = 0;
    if (first) run_live_begin(n);
    status = run_stage(n);
    if (first) status = live_end(n, status);
    t_scope_close(scope, NULL);
    if (status) {
        if (first) run_leave(n);
        return status;
    }
    status = ranks_agree(n->comm, first ? run_finish(n, run_seconds(n)) : 0);
    n->done = !status;
    char took[16];
    clock_span(n->seconds, took);
    if (!status) log_info("%s: done in %s", n->name, took);
    return status;
}

int run_weights_unread(const struct node_input *in, char **file) {
    const struct node *from = in->node;
    if (from->weights) { /* of a package, verified when that was opened */
        *file = mem_strdup(from->weights);
        return 0;
    }
    bool best = in->best || from->config.train.validate_keep == KEEP_BEST;
    char *path = best ? history_best(from->dir) : history_last(from->dir);
    *file = path ? path_join(path, "model.safetensors") : NULL;
    if (!path)
        error_set(ERR_DATA, "%s: it has no %s checkpoint", from->dir, best ? "best" : "last");
    free(path);
    return path ? 0 : error_status();
}

int run_weights(const struct node_input *in, char **file) {
    int status = run_weights_unread(in, file);
    if (in->node->weights) return status;
    char *checkpoint = status ? NULL : path_dir(*file);
    if (!status) status = checkpoint_verify(checkpoint);
    free(checkpoint);
    if (!status) return 0;
    error_context("%s is of no use as an input (remove the folder, and it is made again)",
                  in->node->dir);
    free(*file);
    *file = NULL;
    return status;
}
