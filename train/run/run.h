/* The life of a run folder.
 *
 *   settings.yaml  resolved settings, each with its origin
 *   identity.txt   what the folder's name is a hash of
 *   lock           who is at work in it
 *   metrics.jsonl, events.out.tfevents.*, checkpoint-*, artefacts
 *   result.json    what came out
 *   DONE           written last: the run is whole; {"seconds": ...}
 */
#pragma once

#include "train/run/graph.h"

bool run_is_done(const char *dir, double *seconds);

/* Creates the folder and its descriptions, takes the lock. ERR_IO when it cannot be written,
 * ERR_DEVICE when another process is at work in it. n->done: one has finished it meanwhile. */
int run_begin(struct node *n);
int run_finish(struct node *n, double seconds); /* writes DONE, releases the lock */
/* A process that was killed between DONE and its end has left its lock, which nobody takes over. */
void run_clear(const struct node *n);
void run_leave(struct node *n); /* releases the lock of an unfinished run */

/* ERR_DEVICE when another process has taken the run over meanwhile (train/run/lock.h): what this
 * one would write now would damage what that one wrote. Asked before a checkpoint and before DONE.
 */
int run_is_ours(const struct node *n);

double run_seconds(const struct node *n); /* of a run at work: all its lives so far */

/* Runs one node whose inputs are done, in this process. */
int run_node(struct node *n);

/* The verified weights of an input run: its last checkpoint, or its best where the input or the run
 * says so. *file is owned. ERR_DATA when there is none or it is damaged. */
int run_weights(const struct node_input *in, char **file);
int run_weights_unread(const struct node_input *in, char **file); /* not verified: for its names */

int64_t run_cores(void); /* that this process may use: a job may have been given few of a machine */
int run_threads(const struct node *n); /* that its stage computes with */

/* needed[i]: node i must run for the named config and what follows it; with g->only: it was named
 * and is not done. [g->n], cleared before. */
void graph_needed(const struct graph *g, bool *needed);

/* "RUN", "RUN@last", "RUN@best" -> RUN, owned. */
char *run_split(const char *value, bool *best);

bool run_folder(const char *path); /* a folder that is, or will be, a run */

/* The finished run in a folder as a node, with the runs it was made from, added to the graph. NULL
 * and the error when it is not finished or not readable. */
struct node *run_node_open(struct graph *g, const char *dir);
