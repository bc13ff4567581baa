/* What a chain on a user's own pictures starts from. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings_doc.h"
#include "base/shipped.h"
#include "checkpoints/import.h"
#include "train/given.h"
#include "train/own/own.h"
#include "train/package/package.h"
#include "train/run/graph.h"
#include "train/run/run.h"

enum { LARGE_WIDTH = 256 }; /* of an image tower: the shipped one has 64, published ones 512 on */

/* A file may be weights of any form; a folder is known by what it holds. */
static bool holds_model(const char *path) {
    return !dir_exists(path) || run_folder(path) || package_is(path) || import_is_weights(path);
}

static int resolve(const char *said, const char *option, bool masks, char **out) {
    bool best;
    if (!said) return 0;
    if (shipped_check(said)) return error_context("%s", option);
    char *run = run_split(said, &best), *path = shipped_path(run), *whole = realpath(path, NULL);
    int status = 0;
    if (!whole)
        status =
            error_set(ERR_MISSING, "%s %s: there is no such run, file or config", option, said);
    else if (!holds_model(whole) && !(masks && given_is(whole)))
        status = error_set(ERR_MISSING, "%s %s: a folder, but no run, model package or weights%s",
                           option, said, masks ? ", and without masks" : "");
    else /* what comes with the program keeps its @name: wherever the program lies then */
        *out = mem_format("%s%s", *run == '@' ? run : whole, best ? "@best" : "");
    free(whole);
    free(path);
    free(run);
    return status;
}

static int look_at_run(const char *dir, int64_t *width, int64_t *layers) {
    struct graph g = {0};
    struct node *n = run_folder(dir) ? run_node_open(&g, dir) : package_open(&g, dir);
    const struct node *clip = n ? node_clip(n) : NULL;
    if (n && !clip) error_set(ERR_DATA, "%s: is not the run of a CLIP", dir);
    if (clip) {
        bool published = clip->config.clip.model != 0; /* then the other fields do not count */
        *width = published ? LARGE_WIDTH : clip->config.clip.width;
        *layers = published ? 0 : clip->config.clip.layers;
    }
    graph_close(&g);
    return error_status();
}

/* A config that names a model has a published one's size. */
static int look_at_config(const char *path, int64_t *width, int64_t *layers) {
    struct settings_doc doc;
    int status = settings_read(&doc, path);
    if (status) return status;
    const char *text = settings_text(&doc, "clip.width"), *stage = settings_text(&doc, "stage");
    const char *depth = settings_text(&doc, "clip.layers");
    *layers = depth ? strtol(depth, NULL, 10) : 0;
    *width = text ? strtol(text, NULL, 10) : LARGE_WIDTH;
    if (!stage || (strcmp(stage, "clip-pretrain") != 0 && strcmp(stage, "import") != 0))
        status = error_set(ERR_DATA, "%s: makes no CLIP to start from (its stage is %s)", path,
                           stage ? stage : "not said");
    settings_doc_free(&doc);
    return status;
}

/* A network that can be trained further is described by a config, or by its run. */
static int look_at_proposals(struct own *o) {
    bool best;
    char *run = run_split(o->proposals, &best);
    struct settings_doc doc;
    int status = 0;
    char *config = path_is_yaml(run) ? mem_strdup(run)
                   : run_folder(run) ? path_join(run, "settings.yaml")
                                     : NULL;
    if (config) status = settings_read(&doc, config);
    const char *stage = config && !status ? settings_text(&doc, "stage") : NULL;
    if (stage && strcmp(stage, "proposals") == 0) o->network = mem_strdup(config);
    if (config && !status && !o->network && (!stage || strcmp(stage, "import") != 0))
        status = error_set(ERR_DATA, "%s: proposes no masks (its stage is %s)", run,
                           stage ? stage : "not said");
    if (config) settings_doc_free(&doc);
    free(config);
    free(run);
    return status;
}

int own_start(struct own *o, const char *clip, const char *proposals) {
    int status = resolve(clip, "--clip", false, &o->clip);
    if (!status) status = resolve(proposals, "--proposals", true, &o->proposals);
    if (!status && o->proposals) status = look_at_proposals(o);
    if (status || !o->clip) return status;
    bool best;
    char *run = run_split(o->clip, &best);
    int64_t width = LARGE_WIDTH;
    if (path_is_yaml(run))
        status = look_at_config(run, &width, &o->layers);
    else if (run_folder(run) || package_is(run))
        status = look_at_run(run, &width, &o->layers);
    o->large = width >= LARGE_WIDTH;
    free(run);
    return status;
}
