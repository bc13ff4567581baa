/* Runs the nodes of a graph that are not done, in order; stages that are content with few threads
 * run side by side, each in a process of its own that does nothing else. */
#pragma once

#include "train/run/graph.h"

enum { TOGETHER_MAX = 16 };
/* Which nodes run next, side by side: ready ones, in order, as long as their threads fit the cores;
 * at least one while there is one. to: [TOGETHER_MAX]. */
size_t scheduler_next(const struct graph *g, const bool *needed, struct node **to);

/* `argv`: the command line after "train", with which a child rebuilds the same graph. */
int run_graph(struct graph *g, int argc, char **argv);

/* In a child: ends it when its parent has died, however that happened. */
void child_of(long parent);
