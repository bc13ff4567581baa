/* What a chain of stages will take: time, memory, disk. Counts of work come from the settings
 * (plan_counts.c); a short probe measures what a unit of it takes on this machine: the same stages,
 * at their real shapes, for a few steps or pictures, in processes of their own and in a folder that
 * is removed again (plan_probe.c, plan_child.c). The forecast puts both together
 * (plan_forecast.c).
 */
#pragma once

#include "train/run/graph.h"

/* Work of a stage by its settings alone; -1: not known before its inputs are there. */
struct plan_counts {
    int64_t units;     /* steps, or pictures */
    const char *unit;  /* a literal */
    int64_t batch;     /* samples of a unit */
    int64_t at_once;   /* of these, whose activations are there at a time */
    double flop;       /* of a unit: products and convolutions; a multiply-add is two */
    double first_flop; /* of all of a first phase (the backbone's pretraining) */
    int64_t params, trained;
    double state;       /* bytes of parameters, gradients and moments */
    double activations; /* bytes that a sample keeps for the backward, about */
};

/* What a process found out by doing a little of the stage. Times in seconds. */
struct plan_probe {
    bool there;   /* it ended well */
    char *why;    /* otherwise: what it said last */
    double start; /* until the first unit begins, at the sizes of the probe */
    double load;  /* of that, what grows with the pictures of the set */
    double first; /* of the first phase, all of the probe's steps; and these */
    int64_t first_units;
    double unit;           /* one step, one picture */
    double bare;           /* one picture without what CLIP does with masks; NAN: not taken apart */
    double validate, save; /* once */
    double memory;         /* VmHWM, bytes */
    double half_memory;    /* the same with half the batch; 0: none */
    double folder, checkpoint,
        cache;            /* bytes of the run folder, of a checkpoint in it, of caches */
    int64_t units;        /* that it did */
    int64_t total;        /* what the stage itself would have done with these inputs; 0: not said */
    int64_t pictures;     /* of its set, in the probe */
    double picture_bytes; /* of a picture and its labels, decoded */
    int64_t pairs;        /* mined */
    double lasted, waited; /* seconds; of these ready and without a core, NAN: not known */
    double once;           /* seconds that do not grow with the pictures: models, texts */
};

struct plan_stage {
    struct node *node;
    bool reused;
    struct plan_counts counts;
    struct plan_probe probe;
    double seconds, memory, disk, flop; /* NAN: not known */
    int64_t fits;                       /* samples at once, at most; 0: not known */
    int64_t pictures, pairs;            /* of its set when it will run; pairs that come out of it */
};

struct plan {
    struct graph *graph;
    struct plan_stage *at; /* those that are needed or reused, in order */
    size_t n;
    double seconds, wall; /* the sum, and with stages side by side */
    double memory, disk, flop;
    bool whole, counted;      /* times, and work, of all that will run are known */
    double room, free_memory; /* of output_dir; bytes now, or those to fit into */
    bool gpu;                 /* some of what will run is for a GPU, which is not probed as yet */
};

/* How the probe is made. */
struct plan_options {
    bool probe;
    double budget; /* seconds of steps for each stage; the slowest do three steps at least */
    double memory; /* bytes to fit into; 0: those that are free now */
    double share;  /* of the proposals that CLIP is asked about, where the network is untrained */
    int argc;      /* the command line behind "plan", with which a child builds the same graph */
    char **argv;
    int64_t jobs, trial, threads; /* of a sweep: stages side by side; in a child: whose graph, and
                                     the share of each */
    bool judged;
};

void plan_open(struct plan *p, struct graph *g);
void plan_close(struct plan *p);
void plan_count(struct plan_stage *s); /* fills counts */
/* Fills probes; a stage that cannot be probed says why, and those that need it are not probed.
 * ERR_IO when no folder can be made, or the signal that ended it. */
int plan_measure(struct plan *p, const struct plan_options *o);
/* The same in parts, for several chains that share stages: a folder below `runs`, owned; the probes
 * of the nodes that are `wanted` [graph->n], whose inputs were made there before or are wanted,
 * too; the end of the folder, and of `runs` if it was not there. */
int plan_folder(const char *runs, char **dir, bool *made_runs);
int plan_measure_in(struct plan *p, const struct plan_options *o, const char *dir,
                    const bool *wanted);
int plan_folder_remove(const char *runs, char *dir, bool made_runs);
bool plan_is_made(const char *dir, const struct node *n); /* small, by an earlier probe */
void plan_forecast(struct plan *p, const struct plan_options *o);
void plan_print(const struct plan *p, const struct plan_options *o, struct str *out);
void plan_json(const struct plan *p, struct str *out);

/* In a probe's process: makes the chain small, in `dir`, and runs one node there; `half`: with half
 * its batch. What it found lies in DIR/NAME.json (DIR/NAME.half.json) then. */
int plan_child(struct graph *g, const char *path, const char *dir, bool half);

bool plan_trains(const struct node *n);                /* its units are steps */
char *plan_dir(const char *dir, const struct node *n); /* where a probe's run lies; owned */
const char *plan_set(const struct node *n); /* of the scenes input, that it reads; NULL: none */
bool plan_on_gpu(const struct node *n);
bool plan_easy(const struct node *n); /* and the set "easy" beside it */
bool plan_untrained(
    const struct node *n);    /* it looks at masks of a network that is yet to be trained */
enum { PLAN_HELD_OUT = 256 }; /* pictures a probe is measured on, at most */

/* As people read them; "?" for NaN. */
void plan_span(double seconds, char out[16]);
void plan_bytes(double x, char out[16]);
