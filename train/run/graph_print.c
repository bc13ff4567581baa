#include <stdlib.h>

#include "train/run/graph.h"
#include "train/run/identity.h"
#include "train/run/run.h"

void graph_print(const struct graph *g, struct str *out, bool explain) {
    bool *needed = mem_alloc(g->n, sizeof *needed);
    graph_needed(g, needed);
    for (size_t i = 0; i < g->n; i++) {
        const struct node *n = g->at[i];
        const char *what = n->done ? "reuse" : needed[i] ? "run" : "not needed";
        str_add(out, "%-10s %-14s %-14s %s\n", what, n->name, n->stage->name, n->dir);
        if (explain && needed[i]) identity_explain(n, out);
    }
    free(needed);
}
