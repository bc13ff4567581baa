/* What must hold of a graph whose files have all been read (graph_load(), graph_check_inputs()). */
#pragma once

#include "base/problems.h"
#include "base/settings.h"
#include "train/run/graph.h"

/* That each override with a scope means one config; `used` of them, [n], were given to one. */
void graph_check_scopes(const struct graph *g, const struct override *overrides, const bool *used,
                        size_t n, struct problems *p);

/* That the settings of each stage go together. */
void graph_check(const struct graph *g, struct problems *p);
