/* Job scripts for Slurm: what `ovseg submit` and `ovseg sweep --on slurm` print and send.
 * docs/cluster.md shows one. */
#pragma once

#include "configs/resources.h"
#include "train/cluster/site.h"

/* In a word of a job: where the index of its task in the array stands. A control character, which
 * no other word has. */
#define SLURM_INDEX "\001"

/* Other jobs of the submission, by their places in it. */
struct slurm_links {
    size_t *at, n, cap;
};

struct slurm_job {
    char *name;
    struct resources_options resources; /* its texts are the configs', or the submission's */
    struct strings parts;               /* what it does, for its head; none: all there is */
    struct strings words;            /* behind the program: "train", "configs/mpt.yaml", "seed=2" */
    char *array;                     /* as sbatch has it, "1-8%2"; NULL: none */
    struct strings folders;          /* its runs; none where they differ by the index */
    struct slurm_links needs, after; /* that must be done before; that must have ended, however */
};

/* Adds a word; each `mark` in it (NULL: none) is the index. ERR_USAGE: a control character in it,
 * which a script cannot show. */
int slurm_word(struct slurm_job *j, const char *text, const char *mark);
void slurm_link(struct slurm_links *l, size_t job);

/* What all jobs of one command have in common. */
struct submission {
    const char *verb, *file; /* "submit", and the config as it was given */
    char *dir;               /* where it was called: paths start there */
    char *program;           /* this one, a whole path */
    const char *account;     /* NULL: none */
    int64_t margin;          /* seconds of SIGUSR1 ahead of the limit; 0: it is not asked for */
    int64_t requeue;         /* how often a job may queue itself again; 0: never */
    int64_t tries;           /* 1, or jobs that take each other's place (--chain) */
    struct site site;
    struct slurm_job *job; /* those that are needed before those that need them */
    size_t n, cap;
    struct strings texts; /* that resources point to */
};
struct slurm_job *submission_add(struct submission *s);        /* valid until the next one */
char *submission_keep(struct submission *s, const char *text); /* a copy among its texts */
void submission_free(struct submission *s);

/* Seconds that a job may take; 0: nobody says. */
double slurm_job_time(const struct submission *s, const struct slurm_job *j);

/* ERR_CONFIG when the margin does not fit a job's time. */
int slurm_check_times(const struct submission *s);

/* The script of a job. ERR_USAGE when a text has a line break in it. */
int slurm_script(const struct submission *s, const struct slurm_job *j, struct str *out);

/* A script of shell that sends all of them, each after those that it needs. */
int slurm_sender(const struct submission *s, struct str *out);

/* What sbatch is told of a job's place: "afterok:12:13,afterany:14", empty: nothing. ids[i]: of job
 * i, or a variable of shell; before: of the same job's earlier try, or NULL. */
void slurm_dependency(const struct submission *s, const struct slurm_job *j, const char *const *ids,
                      const char *before, struct str *out);
