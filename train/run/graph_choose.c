#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "train/run/graph.h"

/* Which node a name means; g->n: none, or several, and the error is set. */
static size_t find(const struct graph *g, const char *name) {
    char *path = realpath(name, NULL);
    size_t found = g->n, others = 0;
    for (size_t i = 0; i < g->n; i++) {
        bool this_file = path && strcmp(g->at[i]->path, path) == 0;
        if (!this_file && strcmp(g->at[i]->name, name) != 0) continue;
        others += found < g->n && !this_file;
        if (found == g->n || this_file) found = i;
        if (this_file) {
            others = 0;
            break;
        }
    }
    free(path);
    if (others) {
        error_set(ERR_USAGE,
                  "--only %s: which one? Several configs of this chain have that name: "
                  "give its path",
                  name);
        return g->n;
    }
    if (found < g->n) return found;
    struct str names = {0};
    for (size_t i = 0; i < g->n; i++) str_add(&names, "%s%s", i ? ", " : "", g->at[i]->name);
    error_set(ERR_USAGE, "--only %s: no such stage in this chain; there are %s", name, names.at);
    str_free(&names);
    return g->n;
}

static int check_ready(const struct graph *g) {
    for (size_t i = 0; i < g->n; i++) {
        const struct node *n = g->at[i];
        if (!g->only[i] || n->done) continue;
        for (size_t k = 0; k < n->n_inputs; k++) {
            const struct node *from = n->input[k].node;
            size_t at = 0;
            while (from && g->at[at] != from) at++;
            if (from && !from->done && !g->only[at])
                return error_set(ERR_MISSING,
                                 "%s: needs %s, which is not done: run that first (%s)", n->name,
                                 from->name, from->dir);
        }
    }
    return 0;
}

int graph_choose(struct graph *g, const struct strings *names) {
    g->only = mem_alloc(g->n, sizeof *g->only);
    for (size_t i = 0; i < names->n; i++) {
        size_t at = find(g, names->at[i]);
        if (at == g->n) return error_status();
        g->only[at] = true;
    }
    return check_ready(g);
}
