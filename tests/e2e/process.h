/* The real program in a process of its own, no shell between: arguments, environment, what it
 * printed, how it ended, signals. And the smoke chain in a folder of the running test. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"

struct process {
    pid_t pid;
    double started;  /* clock_s() */
    char *out, *err; /* paths of what it prints */
};

struct ended {
    int status;     /* exit status; 128 + the signal that killed it */
    double cpu;     /* seconds of user and system time */
    double seconds; /* of wall time */
    char *out, *err;
};

/* What makes a process suffer a fault of tests/fault/inject.h: "write:3:KILL" on paths that contain
 * `under`. */
struct fault_environment {
    char *at[4];
};
struct fault_environment fault_environment(const char *spec, const char *under);
void fault_environment_free(struct fault_environment *e);

/* Starts argv[0] (a path) with the environment of the test and these NAME=VALUE; the lists end with
 * NULL, `environment` may be NULL. Every process runs on one thread. What is not waited for ends
 * with the test, with all that it has started, however the test ends. */
void process_start(struct process *p, const char *const *argv, const char *const *environment);
/* The same with a file as its standard input. */
void process_start_reading(struct process *p, const char *input, const char *const *argv,
                           const char *const *environment);

bool process_ended(const struct process *p); /* it can be waited for without waiting */

/* Waits for its end, at most `limit` seconds: a program that hangs is killed and fails the test. */
struct ended process_wait(struct process *p, double limit);
void ended_free(struct ended *e);

/* ovseg-train CONFIG threads=1 output_dir=DIR/out ARGUMENT...: CONFIG is a file below configs/, or
 * any path with a slash in front; DIR is test_dir(). */
#define TRAIN(out, config, ...) train_run(out, config, (const char *const[]){__VA_ARGS__, NULL})
struct ended train_run(const char *out, const char *config, const char *const *arguments);
void train_start(struct process *p, const char *out, const char *config,
                 const char *const *arguments, const char *const *environment);

/* The same as `ranks` processes of mpirun, which is `p`. Skips the test where there is no MPI. */
void train_start_ranks(struct process *p, int ranks, const char *out, const char *config,
                       const char *const *arguments, const char *const *environment);
#define TRAIN_RANKS(ranks, out, config, ...)                                                       \
    train_run_ranks(ranks, out, config, (const char *const[]){__VA_ARGS__, NULL})
struct ended train_run_ranks(int ranks, const char *out, const char *config,
                             const char *const *arguments);
/* The processes of that name (NULL: of any) which p has started, [most]; how many there are. */
size_t processes_below(const struct process *p, const char *name, pid_t *found, size_t most);

/* ovseg ARGUMENT..., as a user types it, for at most five minutes. */
#define OVSEG(...) ovseg_run((const char *const[]){__VA_ARGS__, NULL})
struct ended ovseg_run(const char *const *arguments);

/* The only run folder of this name below DIR/out; owned. Fails the test when there is none. */
char *run_of(const char *out, const char *name);
char *file_of(const char *out, const char *name, const char *file); /* a file in it; owned */

/* The run of a stage that has begun, as soon as FILE in it is larger than `bytes`: metrics.jsonl
 * after some steps. Within two minutes, or the test fails. Its folder, owned. */
char *wait_for_run(const char *out, const char *name, const char *file, int64_t bytes);

size_t count_text(const char *text, const char *part); /* how often it is there */
/* Ended with `status`; out and err have these texts (NULL: whatever). Frees it. */
void check_says(struct ended e, int status, const char *out, const char *err);
char *text_of(const char *path); /* a whole file, owned; "" when there is none */

/* Every file below a folder with its size and time of change, one a line; owned. */
char *listing_of(const char *dir);

/* No lock and no temporary file lies below a folder. */
void check_nothing_passing(const char *dir);

/* The last checkpoint of two run folders: model and optimizer the same, byte by byte. */
void check_same_checkpoint(const char *run_a, const char *run_b);

/* metrics.jsonl of a run has a training line for each of 1 .. steps, once and in order. */
void check_metrics(const char *run, int64_t steps);
void check_same_metrics(const char *run_a, const char *run_b); /* but for the time of day */

void check_status(const struct ended *e, int status); /* prints stderr when it differs */
