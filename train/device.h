/* The device that a process works on, and whether it can do what the settings ask for. */
#pragma once

#include "dist/comm.h"
#include "train/graph.h"

/* Decides between CPU and GPU for a chain, or for one node that is not run as one. Before the
 * first tensor; later calls keep the first one's choice. ERR_DEVICE: `cuda`, but no usable GPU, or
 * a precision that the device lacks; ERR_CONFIG: nodes of one chain that name different devices. */
int device_open_graph(const struct graph *g);
int device_open(const struct node *n);

/* Before that: which of several GPUs, by the process's number among those of its job on this
 * machine.
 */
void device_rank(int local_rank);

/* Whether there may be GPUs, before anything is loaded (dist/launch.h wants to know). */
bool device_has_gpus(void);

/* After device_open_graph() on all ranks: on GPUs, tensors are exchanged through NCCL. ERR_DEVICE:
 * there is none; some ranks have a GPU and others do not; the CPUs of a job without MPI. */
int device_join(struct comm *c, const struct launch *l);

/* Tests: the CPU counts as a GPU for launch_read() and NCCL, for which there is a stand-in that
 * takes its memory (tests/fake_nccl.c). */
extern bool device_stand_in;

/* The same without settings: what `auto` takes. NULL, or why it is not a GPU. */
const char *device_find(void);

/* "cpu" or "cuda": where the results of a stage come from. */
const char *device_kind(const struct node *n);
