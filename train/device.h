/* The device that a process works on, and whether it can do what the settings ask for. */
#pragma once

#include "train/graph.h"

/* Decides between CPU and GPU for a chain, or for one node that is not run as one. Before the
 * first tensor; later calls keep the first one's choice. ERR_DEVICE: `cuda`, but no usable GPU, or
 * a precision that the device lacks; ERR_CONFIG: nodes of one chain that name different devices. */
int device_open_graph(const struct graph *g);
int device_open(const struct node *n);

/* "cpu" or "cuda": where the results of a stage come from. */
const char *device_kind(const struct node *n);
