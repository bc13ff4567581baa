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
#include "train/places.h"
#include "train/run/graph.h"
#include "train/run/input_kinds.h"
#include "train/run/run.h"
#include "train/run/run_look.h"

enum { LARGE_WIDTH = 256 }; /* of an image tower: the shipped one has 64, published ones 512 on */

/* A file may be weights of any form; a folder is known by what it holds. */
static bool holds_model(const char *path) {
    return !dir_exists(path) || run_folder(path) || package_is(path) || import_is_weights(path);
}

/* The folder of a run of the usual place, by name or hash; NULL: none, and an error only where
 * several are meant. */
static char *find_run(const char *name) {
    char *dir = path_is_yaml(name) ? NULL : run_named(name, places_runs());
    char *whole = dir ? realpath(dir, NULL) : NULL;
    if (error_status() != ERR_USAGE) error_clear();
    free(dir);
    return whole;
}

static int resolve(const char *said, const char *option, bool masks, char **out) {
    bool best;
    if (!said) return 0;
    if (shipped_check(said)) return error_context("%s", option);
    char *run = run_split(said, &best), *path = shipped_path(run), *whole = realpath(path, NULL);
    char *named =
        whole && (holds_model(whole) || (masks && given_is(whole))) ? NULL : find_run(run);
    int status = error_status();
    if (named) {
        free(whole);
        whole = named;
    }
    if (status)
        error_context("%s", option);
    else if (!whole)
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

/* What a file of weights holds, by its header. */
static int look_at_weights(const char *path, bool masks) {
    struct import im;
    int status = import_open(&im, path, NULL);
    bool holds = !status && (masks ? import_has_proposals(&im) : import_clip_prefix(&im) != NULL);
    if (!status && !holds)
        status = error_set(ERR_DATA, "%s: there is no %s in it", path,
                           masks ? "network that proposes masks" : "CLIP");
    import_close(&im);
    return status;
}

/* What may stand as input "clip", since that is what it will be. */
static const struct node *clip_of_config(struct graph *g, const char *path) {
    bool folder = false;
    if (graph_load(g, path, NULL, 0)) return NULL;
    const struct node *n = g->named;
    if (input_kinds("clip", &folder) >> n->config.run.stage & 1) return node_clip(n);
    error_set(ERR_DATA, "%s: makes no CLIP to start from (its stage is %s): name the config of one",
              path, n->stage->name);
    return NULL;
}

static const struct node *clip_of_weights(struct graph *g, const char *file) {
    if (look_at_weights(file, false)) return NULL;
    if (!graph_open_weights(g, file, NULL, 0)) return g->named;
    error_context(
        "--clip: what a file does not say is said by a config that imports it "
        "(docs/published-weights.md), to be named in its place");
    return NULL;
}

/* The node that has the settings of a CLIP; NULL and the error. */
static const struct node *clip_of(struct graph *g, const char *path) {
    if (path_is_yaml(path)) return clip_of_config(g, path);
    if (!run_folder(path) && !package_is(path)) return clip_of_weights(g, path);
    struct node *n = run_folder(path) ? run_node_open(g, path) : package_open(g, path);
    const struct node *clip = n ? node_clip(n) : NULL;
    if (n && !clip) error_set(ERR_DATA, "%s: is not the run of a CLIP", path);
    return clip;
}

/* A config whose weights lie on another machine, where the chain will be trained. */
static void take_unseen(struct own *o, const char *path) {
    const char *why = error_message();
    own_note(o, "--clip %s cannot be looked at here, and is taken for a published one: %.*s", path,
             (int)strcspn(why, "\n"), why);
    error_clear();
    o->context = 77;
    o->layers = 0;
    o->large = true;
}

static int look_at_clip(struct own *o) {
    bool best;
    char *path = run_split(o->clip ? o->clip : "@clip.yaml", &best);
    struct graph g = {0};
    const struct node *n = clip_of(&g, path);
    if (n) {
        const struct clip_model_options *said = &n->config.clip;
        bool published = said->model != 0; /* then its other fields do not count */
        o->context = clip_model(said, NULL).text.context;
        o->layers = published ? 0 : said->layers;
        o->large = published || said->width >= LARGE_WIDTH;
    }
    graph_close(&g);
    if (!n && path_is_yaml(path) && error_status() == ERR_MISSING) take_unseen(o, path);
    free(path);
    return error_status();
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
    if (!config && !package_is(run) && !given_is(run)) status = look_at_weights(run, true);
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
    return status ? status : look_at_clip(o);
}
