/* ovseg runs gc [DIR]: removes what is left over. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "train/cache_files.h"
#include "train/commands/cmd.h"
#include "train/commands/cmd_arguments.h"
#include "train/commands/cmd_runs.h"
#include "train/places.h"
#include "train/run/run_remove.h"

struct arguments {
    const char *dir;
    double older;
    bool unfinished, unused, caches, yes, aged, named; /* named: DIR was given */
};

enum { KEY_OLDER = 256, KEY_UNFINISHED, KEY_UNUSED, KEY_CACHES, KEY_RUNS };

static const struct argp_option options[] = {
    {"unfinished", KEY_UNFINISHED, 0, 0, "Runs that were stopped, killed, or failed", 0},
    {"unused", KEY_UNUSED, 0, 0,
     "Finished runs that no other one was made from and that closed "
     "no command (no result.json); again, until none is left",
     0},
    {"caches", KEY_CACHES, 0, 0,
     "What runs keep for other runs, and what is made again: in DIR; without DIR where the runs "
     "are, and in paths.cache. `ovseg cache gc` has more rules",
     0},
    {"older-than", KEY_OLDER, "AGE", 0,
     "Only what has not changed for so long: 12h, 7d, 4w; alone: "
     "both kinds of runs",
     0},
    {"yes", 'y', 0, 0, "Remove; without it is only said what would go", 0},
    {"runs", KEY_RUNS, "DIR", 0, "The same as DIR", 0},
    {0},
};

static const char doc[] =
    "Removes what is left over in a folder of runs (paths.runs, or \"runs\", when none is given), "
    "and what a removal that was cut short has left. Prints a line for each, and how many bytes. "
    "Never goes: a run that a process works in, and one that a run that stays was made from.\v"
    "Exit status: 0 done, 64 usage, 66 no such folder, 74 cannot be removed.";

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct arguments *a = state->input;
    switch (key) {
    case KEY_UNFINISHED: a->unfinished = true; break;
    case KEY_UNUSED: a->unused = true; break;
    case KEY_CACHES: a->caches = true; break;
    case KEY_OLDER:
        a->older = argument_age(state, "--older-than", arg);
        a->aged = true;
        break;
    case 'y': a->yes = true; break;
    case KEY_RUNS: /* as the other parts have it */
    case ARGP_KEY_ARG:
        if (a->dir) argp_usage(state);
        a->dir = arg;
        a->named = true;
        break;
    case ARGP_KEY_END:
        if (a->aged && !a->unfinished && !a->unused && !a->caches) a->unfinished = a->unused = true;
        if (!a->unfinished && !a->unused && !a->caches)
            argp_error(state, "say what may go: --unfinished, --unused, --caches, --older-than");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static bool is_old(const struct arguments *a, time_t moved) {
    return difftime(time(NULL), moved) >= a->older;
}

static bool closed_a_command(const struct run_look *r) {
    char *path = path_join(r->dir, "result.json");
    bool there = file_exists(path);
    free(path);
    return there;
}

static bool may_go(const struct arguments *a, const struct run_look *r) {
    switch (r->state) {
    case RUN_RUNNING: return false;
    case RUN_DONE: return a->unused && is_old(a, r->moved) && !closed_a_command(r);
    case RUN_UNFINISHED:
    case RUN_FAILED: return a->unfinished && is_old(a, r->moved);
    }
    return false;
}

/* Which go: an input of one that goes may be unused then, so again until nothing new comes. */
static size_t choose(const struct arguments *a, const struct run_looks *all,
                     const struct run_look **going) {
    size_t n = 0, before;
    bool *taken = mem_alloc(all->n, sizeof *taken);
    do {
        before = n;
        for (size_t i = 0; i < all->n; i++) {
            if (taken[i] || !may_go(a, &all->at[i])) continue;
            taken[i] = !run_check_unused(&all->at[i], all, going, n);
            error_clear(); /* its user is no mistake here */
            if (taken[i]) going[n++] = &all->at[i];
        }
    } while (n > before);
    free(taken);
    return n;
}

/* What is kept in a folder for other runs; no folder keeps nothing. */
static int sweep_caches(const struct arguments *a, const char *dir, int64_t *bytes) {
    static const char *const folders[] = {".text", ".mined"};
    struct cache_files c = {0};
    struct cache_rule rule = {.older = a->older, .unused = -1, .keep = -1};
    char size[16];
    int64_t files = 0;
    if (!dir_exists(dir)) return 0;
    int status = cache_files_read(&c, dir);
    bool *go = mem_alloc(c.n + 1, sizeof *go);
    int64_t sum = status ? 0 : cache_files_choose(&c, &rule, go);
    for (size_t i = 0; !status && i < c.n; i++) {
        files += go[i];
        if (go[i] && a->yes) status = file_remove(c.at[i].path);
    }
    for (size_t i = 0; !status && a->yes && i < 2; i++) { /* what killed writers left, a day ago */
        char *path = path_join(dir, folders[i]);
        dir_sweep(path);
        free(path);
    }
    bytes_text(sum, size);
    if (!status && files) printf("%s\tcache, %lld files\t%s\n", dir, (long long)files, size);
    *bytes += sum;
    cache_files_free(&c);
    free(go);
    return status;
}

/* Beside the runs, and where paths.cache says; a DIR that is named is all that is looked at. */
static int sweep_all_caches(const struct arguments *a, int64_t *bytes) {
    const char *elsewhere = places_cache();
    int status = sweep_caches(a, a->dir, bytes);
    if (status || !*elsewhere || strcmp(elsewhere, a->dir) == 0) return status;
    if (!a->named) return sweep_caches(a, elsewhere, bytes);
    log_info(
        "%s (paths.cache) is kept: `ovseg cache gc` looks there, and so does --caches without "
        "DIR",
        elsewhere);
    return 0;
}

/* Users come before what they were made from: where one stays, because it was begun since we
 * looked, what it needs stays, too. */
static int remove_runs(const struct arguments *a, const struct run_looks *all, int64_t *bytes) {
    const struct run_look **going = mem_alloc(all->n, sizeof(struct run_look *));
    size_t n = choose(a, all, going), gone = 0;
    int status = 0;
    for (size_t i = 0; !status && i < n; i++) {
        const struct run_look *r = going[i];
        char size[16], since[16];
        status = run_check_unused(r, all, going, gone);
        if (!status && a->yes) status = run_remove(r);
        if (status == ERR_USAGE || status == ERR_DEVICE) {
            log_warn("it stays: %s", error_message());
            error_clear();
            status = 0;
            continue;
        }
        if (status) break;
        going[gone++] = r;
        *bytes += r->bytes;
        bytes_text(r->bytes, size);
        age_text(difftime(time(NULL), r->moved), since);
        printf("%s\t%s, %s old\t%s\n", r->dir, run_state_names[r->state], since, size);
    }
    free(going);
    return status;
}

static int gc(const struct arguments *a) {
    struct run_looks all;
    int64_t bytes = 0;
    char size[16];
    int status = run_look_all(&all, a->dir);
    if (!status) status = remove_runs(a, &all, &bytes);
    if (!status) bytes += run_sweep(a->dir, a->yes);
    if (!status && a->caches) status = sweep_all_caches(a, &bytes);
    if (!status) status = error_status();
    run_looks_free(&all);
    bytes_text(bytes, size);
    if (!status) printf("%s %s\n", size, a->yes ? "freed" : "would go; --yes removes them");
    if (!status && fflush(stdout)) status = error_set(ERR_IO, "stdout: cannot write");
    return status;
}

int cmd_runs_gc(int argc, char **argv) {
    static const struct argp argp = {options, parse, "[DIR]", doc, 0, 0, 0};
    struct arguments a = {0};
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (!a.dir) a.dir = places_runs();
    return gc(&a) ? cmd_failed() : 0;
}
