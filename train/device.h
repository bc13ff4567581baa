/* The device that a stage's results come from, which its settings say, and the one that this
 * process works on. They meet when a stage is run: a chain can be looked at, planned and sent to a
 * cluster where there is no such device. */
#pragma once

#include "dist/comm.h"
#include "train/run/graph.h"

/* "cpu" or "cuda": where the results of a stage come from, by its settings; `auto` is what this
 * machine has. */
const char *device_kind(const struct node *n);

/* Stages that one process will run, computing, are to work on one device: ERR_CONFIG. */
int device_check_graph(const struct graph *g);

/* The device of what a chain will run here, with the ranks of g->comm; or of one node. Before the
 * first tensor. ERR_DEVICE: no usable GPU where one is wanted, or on some ranks alone, or a
 * precision that the device lacks; device_open_graph also ERR_CONFIG as above. */
int device_open_graph(const struct graph *g);
int device_open(const struct node *n);

/* Whether device_open_graph could: the same errors, without that each stage must be for the same
 * device. For who starts a process for each. */
int device_usable(const struct graph *g);

/* Before that: which of several GPUs, by the process's number among those of its job on this
 * machine.
 */
void device_rank(int local_rank);

/* Whether there may be GPUs, before anything is loaded (dist/launch.h wants to know). */
bool device_has_gpus(void);

/* After that on all ranks: on GPUs, tensors are exchanged through NCCL. ERR_DEVICE: there is none,
 * or they are CPUs of a job without MPI. */
int device_join(struct comm *c, const struct launch *l);

/* Tests: the CPU counts as a GPU for launch_read() and NCCL, for which there is a stand-in that
 * takes its memory (tests/fake_nccl.c). */
extern bool device_stand_in;

/* device_open_graph() without a graph: what `auto` takes. */
int device_find(struct comm *c);
