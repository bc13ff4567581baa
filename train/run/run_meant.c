#include "train/run/run_meant.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings_doc.h"
#include "train/places.h"
#include "train/run/graph.h"
#include "train/run/identity.h"
#include "train/run/run.h"
#include "train/run/run_look.h"

static const struct node *end_of(const struct node *n) {
    while (n->then) n = n->then;
    return n;
}

/* `runs` is where the run lies, when it is said: in the place of the config's output_dir; *where:
 * what says so to ovseg-train, "" when nothing has to. */
static int open_config(struct graph *g, const char *path, const char *runs, char **where) {
    struct overrides o = {0};
    bool said = strcmp(runs, places_runs()) != 0;
    *where = said ? mem_format("output_dir=%s", runs) : mem_strdup("");
    int status = said ? overrides_add(&o, *where, NULL) : 0;
    if (!status) status = graph_open(g, path, o.at, o.n);
    overrides_free(&o);
    return status;
}

static char *run_of_config(const char *path, const char *runs, bool end) {
    struct graph g = {0};
    char *dir = NULL, *where = NULL;
    if (!open_config(&g, path, runs, &where)) {
        const struct node *n = end ? end_of(g.named) : g.named;
        if (run_folder(n->dir)) {
            dir = mem_strdup(n->dir);
        } else {
            char *other = identity_other(n);
            error_set(ERR_MISSING, "%s: %s was not run yet: ovseg-train %s%s%s does%s", path,
                      n == g.named ? "it" : n->path, path, *where ? " " : "", where, other);
            free(other);
        }
    }
    graph_close(&g);
    free(where);
    return dir;
}

char *run_meant(const char *word, const char *runs) {
    return path_is_yaml(word) ? run_of_config(word, runs, false) : run_named(word, runs);
}

char *run_meant_end(const char *word, const char *runs) {
    return path_is_yaml(word) ? run_of_config(word, runs, true) : run_named(word, runs);
}

static int chain_of_config(const char *path, const char *runs, struct strings *dirs,
                           size_t *named) {
    struct graph g = {0};
    char *where = NULL;
    int status = open_config(&g, path, runs, &where);
    bool *needed = mem_alloc(g.n + 1, sizeof *needed);
    if (!status) graph_needed(&g, needed);
    for (size_t i = 0; i < g.n && !status; i++) {
        const struct node *n = g.at[i];
        if (n == g.named) *named = dirs->n;
        if (n == g.named || needed[i] || run_folder(n->dir)) strings_add(dirs, n->dir);
    }
    free(needed);
    graph_close(&g);
    free(where);
    return status;
}

int run_meant_chain(const char *word, const char *runs, struct strings *dirs, size_t *named) {
    *dirs = (struct strings){0};
    *named = 0;
    if (path_is_yaml(word)) return chain_of_config(word, runs, dirs, named);
    char *dir = run_named(word, runs);
    if (dir) strings_add(dirs, dir);
    free(dir);
    return dir ? 0 : error_status();
}
