/* A sweep: the trials of a file (train/sweep/sweep_file.h), each an ordinary graph of stages, and
 * the union of these graphs: stages with one run folder, which is named after a hash of all that
 * decides their result, are one stage, run once.
 *
 *   OUTPUT_DIR/sweep-NAME-HASH/   the hash is over what the trials' results are hashes of
 *     sweep.csv, sweep.md         train/sweep/sweep_table.h
 *     logs/RUN.log                what the process that made a run said
 *     failed/RUN                  exit status and message of one that failed, until it is made
 */
#pragma once

#include <sys/types.h>

#include "train/run/graph.h"
#include "train/sweep/sweep_trials.h"

enum sweep_state {
    SWEEP_WAITING, /* not begun, or not finished */
    SWEEP_RUNNING, /* by this process */
    SWEEP_DONE,
    SWEEP_FAILED,
    SWEEP_STOPPED, /* by a signal, after a checkpoint */
};

struct sweep_stage {
    char *name, *kind, *dir;
    struct strings inputs;  /* run folders that it needs */
    size_t *need;           /* [inputs.n] the same as stages */
    size_t trial, n_trials; /* the first that has it; how many have it */
    enum sweep_state state;
    bool reused; /* done before this command */
    double seconds;
    double asks;   /* resources.time: how long it may take; 0: nobody says */
    int code;      /* failed: the exit status */
    char *message; /* failed: why; owned */
};

enum { WANTED_MAX = 3 };
struct sweep_trial {
    size_t setting; /* of sweep.settings */
    int64_t seed;
    size_t *stage, n_stages, cap;        /* all it has, inputs first */
    size_t wanted[WANTED_MAX], n_wanted; /* what it must have in the end; its inputs follow */
    size_t closing, judged;              /* where its figures are, and those that rank it */
};

struct sweep {
    struct sweep_file file;
    struct sweep_settings settings;
    struct overrides given; /* of the command line, for all trials */
    struct sweep_trial *trial;
    size_t n_trials;
    struct sweep_stage *stage;
    size_t n_stages, stages_cap;
    size_t *slot, n_slots; /* stages by run folder */
    char *output_dir, *dir;
    char *time_limit;                    /* that trials have */
    int (*check)(const struct graph *g); /* of each graph, besides; NULL: nothing */
};

/* Reads the file and numbers its trials; `seeds` takes the place of the file's unless it is empty.
 * ERR_CONFIG with all mistakes, ERR_MISSING. Takes `given` over. Close it in any case. */
int sweep_read(struct sweep *s, const char *path, struct overrides *given,
               const struct ints *seeds);
/* Builds and checks the graphs of all trials and joins them: the mistakes of all at once. */
int sweep_build(struct sweep *s);
void sweep_close(struct sweep *s);

/* Whether the file sets this setting for trials, in any scope. */
bool sweep_tries(const struct sweep *s, const char *key);

/* The graph of a trial without identities (graph_load). */
int sweep_load(const struct sweep *s, size_t trial, struct graph *g);
/* The graph of a trial, from 0 on; `judged`: that of the figures that rank it, which may be the
 * same one. */
int sweep_graph(const struct sweep *s, size_t trial, bool judged, struct graph *g);

/* needed[i]: stage i is not done, and a trial that is not whole needs it. [n_stages] */
void sweep_needed(const struct sweep *s, bool *needed);
bool sweep_trial_done(const struct sweep *s, size_t trial);
/* The stage that keeps a trial from being whole because it failed; SIZE_MAX: there is none. */
size_t sweep_trial_failed(const struct sweep *s, size_t trial);

/* Files of the folder of the sweep; owned. */
char *sweep_log(const struct sweep *s, const struct sweep_stage *stage);
/* Remembers, or forgets (code 0), that a stage failed. */
int sweep_note_failure(const struct sweep *s, struct sweep_stage *stage, int code,
                       const char *message);
