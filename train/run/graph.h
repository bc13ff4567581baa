/* The graph of stages behind a config file: one file is one node, its inputs are nodes, run folders
 * or files, `then` is a node that follows. A node's identity is a hash of what decides its results;
 * the run folder is named after it, so that a finished run is found again, whoever made it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/settings.h"
#include "configs/config.h"
#include "train/run/content.h"
#include "train/stage.h"

struct comm; /* dist/comm.h */

struct node_input {
    char *name;        /* "clip" */
    struct node *node; /* the run that gives it; NULL: a path */
    char *path;        /* of a file or folder; NULL: a node */
    uint64_t hash;     /* of what is at the path; set with the identity */
    size_t unlisted;   /* pictures in it that no list names (train/prepare_input.h) */
    bool best;         /* RUN@best: the checkpoint that validated best, not the last */
};

struct node {
    char *name; /* of the config file, without its suffix */
    char *path; /* of the config file, or of the run folder that was named as an input */
    struct settings_doc doc;
    struct config config;
    const struct stage *stage;
    struct node_input *input;
    size_t n_inputs, inputs_cap;
    struct node *then; /* NULL: nothing follows */
    char *cache;       /* paths.cache: what is kept for other runs; NULL: where the runs are */
    char *init;        /* the path of init.weights; NULL: none, or a run: input "init.weights" */

    bool packaged;    /* of a model package (train/package/package.h), verified: no run */
    char *weights;    /* of its parts: the file */
    char *vocabulary; /* of its CLIPs: the file of the tokenizer */
    bool text_alone;  /* a CLIP of which there is the text tower only */

    char *identity;    /* the text that is hashed, one fact a line */
    char id[13];       /* 12 hex digits */
    char *dir;         /* <output_dir>/<name>-<id> */
    bool done;         /* finished before this command, or by it */
    bool reused;       /* finished before this command */
    bool wait;         /* until another process that is at work in it has ended */
    double seconds;    /* that it took, over all its lives; at work: over the earlier ones */
    double began;      /* at work: clock_s() at the start of this life */
    struct lock *lock; /* train/run/lock.h, while this process works in dir; else NULL */
    struct comm *comm; /* the ranks that work on it together; NULL: this process alone */
};

struct graph {
    struct node **at; /* inputs before those that need them */
    size_t n, cap;
    struct node *named;     /* of the command line */
    struct comm *comm;      /* of its nodes */
    bool *only;             /* by node, whether it may run; NULL: all may */
    struct content content; /* of its input files */
};

/* Reads the config and all it leads to, with overrides, checks everything, computes identities and
 * finds finished runs. ERR_CONFIG with all mistakes, ERR_MISSING when a file is not there. No
 * device is touched, but that `device: auto` looks for one (train/device.h). */
int graph_open(struct graph *g, const char *config, const struct override *overrides, size_t n);
/* The same in two steps, for who decides something in between: reading and checking, identities. */
int graph_load(struct graph *g, const char *config, const struct override *overrides, size_t n);
int graph_identify(struct graph *g);
/* The same of a file of published weights: one import, whose run is not looked for. */
int graph_open_weights(struct graph *g, const char *file, const struct override *overrides,
                       size_t n);
void graph_close(struct graph *g);

/* Nothing but these stages is to run: names of configs, or their paths. ERR_USAGE when there is no
 * such stage, or a name means several; ERR_MISSING when one needs a stage that is neither done nor
 * among them. */
int graph_choose(struct graph *g, const struct strings *names);

/* Looks at the inputs of the stages to be run: their errors, before the first one starts. */
int graph_check_inputs(const struct graph *g);

const struct node_input *node_input(const struct node *n, const char *name); /* NULL: not given */
struct node *node_from(const struct node *n, const char *name); /* the node of an input, or NULL */

const char *node_path(const struct node *n, const char *name); /* that an input names, or NULL */

/* A file inside the run, or the folder, of an input: owned. "scenes", "test.h5". */
char *node_input_path(const struct node *n, const char *name, const char *file);

/* The node whose settings describe the CLIP model that this node uses or makes: where it was
 * pretrained or imported. */
const struct node *node_clip(const struct node *n);

void graph_add(struct graph *g, struct node *n); /* takes it over */

/* What would run, what is reused; with `explain` also why, against the nearest older run. */
void graph_print(const struct graph *g, struct str *out, bool explain);
