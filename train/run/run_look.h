/* What a run folder says of its run, read by whoever may read the files: nothing is locked,
 * verified or changed, and what is missing or damaged is left out. Works from any host. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/mem.h"

enum run_state {
    RUN_DONE,
    RUN_RUNNING,    /* its lock is held by a process that lives */
    RUN_UNFINISHED, /* stopped or killed: its command goes on from the last checkpoint */
    RUN_FAILED,     /* its last life ended with an error */
};
extern const char *const run_state_names[]; /* ends with NULL */

struct run_holder {
    long pid;
    char host[128], job[64]; /* job: Slurm's; "" */
    bool here;               /* on this host: what is said of its life is seen, not inferred */
    double since;            /* seconds that it held the lock when it last said so */
};

struct run_input {
    char *name; /* "clip" */
    char *path; /* of a run folder, or of a file or folder of the user's */
    bool run, best;
};

struct run_look {
    char *dir, *name, *config; /* "mpt-770de2670357", "mpt" */
    char *stage;               /* "?" before it is described */
    enum run_state state;
    bool locked; /* there is a lock file, and who wrote it: */
    struct run_holder holder;
    double seconds;      /* of a finished run; NaN */
    int64_t bytes;       /* of all files in it */
    time_t began, moved; /* when it was described, when something in it changed last */
    char metric[64];     /* its main figure; "" and NaN: none yet */
    double value;
    int failed_code;
    char *failed; /* the message, or NULL */
    struct run_input *input;
    size_t n_inputs, cap;
};

void run_look(struct run_look *r, const char *dir); /* a folder that run_folder() knows */
void run_look_free(struct run_look *r);

/* All runs of a folder, by name. ERR_MISSING when there is no such folder. */
struct run_looks {
    struct run_look *at;
    size_t n, cap;
};
int run_look_all(struct run_looks *all, const char *dir);
void run_looks_free(struct run_looks *all);

/* The folder that a command names: DIR itself, or NAME-HASH, or a NAME or HASH (or its beginning)
 * that one run of `runs` alone has. Owned; NULL and ERR_USAGE, ERR_MISSING. */
char *run_named(const char *text, const char *runs);

bool run_uses(const struct run_look *r, const char *dir); /* as an input, or through a symlink */

int64_t tree_bytes(const char *path, time_t *newest); /* of all files below; *newest: may be NULL */

/* The objects of metrics.jsonl, one a line: the last one of a kind, or NULL: a cJSON, owned. */
struct cJSON *run_last_metrics(const char *dir, const char *kind);
struct cJSON *run_json(const char *dir, const char *name); /* a file of it; NULL: none, damaged */
