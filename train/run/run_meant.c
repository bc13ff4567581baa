#include "train/run/run_meant.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "train/run/graph.h"
#include "train/run/identity.h"
#include "train/run/run.h"
#include "train/run/run_look.h"

static char *run_of_config(const char *path) {
    struct graph g;
    char *dir = NULL;
    if (!graph_open(&g, path, NULL, 0)) {
        if (run_folder(g.named->dir)) {
            dir = mem_strdup(g.named->dir);
        } else {
            char *other = identity_other(g.named);
            error_set(ERR_MISSING, "%s: it was not run yet: ovseg-train %s does%s", path, path,
                      other);
            free(other);
        }
    }
    graph_close(&g);
    return dir;
}

char *run_meant(const char *word, const char *runs) {
    return path_is_yaml(word) ? run_of_config(word) : run_named(word, runs);
}
