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

/* `runs` is where the run lies, when it is said: in the place of the config's output_dir. */
static char *run_of_config(const char *path, const char *runs, bool end) {
    struct graph g = {0};
    struct overrides o = {0};
    char *dir = NULL, *where = mem_format("output_dir=%s", runs);
    bool said = strcmp(runs, places_runs()) != 0;
    int status = said ? overrides_add(&o, where, NULL) : 0;
    if (!status && !graph_open(&g, path, o.at, o.n)) {
        const struct node *n = end ? end_of(g.named) : g.named;
        if (run_folder(n->dir)) {
            dir = mem_strdup(n->dir);
        } else {
            char *other = identity_other(n);
            error_set(ERR_MISSING, "%s: %s was not run yet: ovseg-train %s%s%s does%s", path,
                      n == g.named ? "it" : n->path, path, said ? " " : "", said ? where : "",
                      other);
            free(other);
        }
    }
    graph_close(&g);
    overrides_free(&o);
    free(where);
    return dir;
}

char *run_meant(const char *word, const char *runs) {
    return path_is_yaml(word) ? run_of_config(word, runs, false) : run_named(word, runs);
}

char *run_meant_end(const char *word, const char *runs) {
    return path_is_yaml(word) ? run_of_config(word, runs, true) : run_named(word, runs);
}
