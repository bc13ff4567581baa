/* Job scripts for Slurm: what `ovseg submit` prints and sends. docs/cluster.md shows one. */
#pragma once

#include "configs/resources.h"
#include "train/site.h"

/* One job: stages that ask for the same. */
struct slurm_job {
    char *name;
    struct resources_options resources; /* its texts are the configs' */
    struct strings stages;              /* for --only, in their order; none: all there are */
    struct strings folders;             /* their runs; none where they differ by the index */
    bool array;
    size_t *needs; /* jobs of the submission that must be done before */
    size_t n_needs;
};

/* What all jobs of one `ovseg submit` have in common. */
struct submission {
    const char *config;          /* as it was given */
    struct strings overrides;    /* as they were given; %a in them is the index in an array */
    const char *dir;             /* where it was called: paths start there */
    const char *program;         /* this one, a whole path */
    const char *account, *array; /* NULL: none */
    int64_t margin;              /* seconds of SIGUSR1 ahead of the limit; 0: it is not asked for */
    int64_t requeue;             /* how often a job may queue itself again; 0: never */
    int64_t tries;               /* 1, or jobs that take each other's place (--chain) */
    struct site site;
    struct slurm_job *job; /* those that are needed before those that need them */
    size_t n, cap;
};
void submission_free(struct submission *s);

/* Seconds that a job may take; 0: nobody says. */
double slurm_job_time(const struct submission *s, const struct slurm_job *j);

/* `text` with each %a as the index. */
void slurm_index(struct str *to, const char *text, const char *index);

/* The script of a job. ERR_USAGE when a text has a line break in it. */
int slurm_script(const struct submission *s, const struct slurm_job *j, struct str *out);

/* A script of shell that sends all of them, each after those that it needs. */
int slurm_sender(const struct submission *s, struct str *out);

/* What sbatch is told of a job's place: "afterok:12:13,afterany:14", empty: nothing. ids[i]: of job
 * i, or a variable of shell; before: of the same job's earlier try, or NULL. */
void slurm_dependency(const struct submission *s, const struct slurm_job *j, const char *const *ids,
                      const char *before, struct str *out);
