/* The union of the graphs of a sweep's trials. */
#pragma once

#include "train/sweep/sweep.h"

/* Adds the nodes of a trial's graph that are not there yet. `judged`: it is the graph of the
 * figures that rank the trial. */
void sweep_join(struct sweep *s, size_t trial, const struct graph *g, bool judged);
/* Run folders that stages need, as stages; when all graphs were joined. */
void sweep_join_needs(struct sweep *s);

/* Whether what ranks the trials is measured apart from the figures of their table: the closing
 * evaluation of `g` is of another set than one for choices. */
bool sweep_judged_apart(const struct sweep *s, const struct graph *g);
