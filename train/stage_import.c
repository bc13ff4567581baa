/* Weights that others published, as a run: read as data, checked against the model that the
 * settings describe, and written as a checkpoint, so that every stage can start from them. */
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/import.h"
#include "nn/models/ovseg.h"
#include "train/run/graph.h"
#include "train/run/run.h"

/* The registry of what a file holds: a whole model, or a CLIP by itself. */
struct imported {
    struct params params;
    struct ovseg whole;
    struct clip clip;
};

static void make(struct imported *m, const struct config *c, bool whole) {
    struct clip_options clip = clip_model(&c->clip, c->prompt.depth ? &c->prompt : NULL);
    int scope = t_scope_open("import", T_NO_GRAD);
    if (whole) {
        struct maskformer_options proposals =
            proposals_model(&c->proposals, clip.features, c->proposals.temperature);
        ovseg_init(&m->whole, params_root(&m->params), &proposals, &clip);
    } else {
        clip_init(&m->clip, params_root(&m->params), &clip);
    }
    t_scope_close(scope, NULL);
}

static void imported_free(struct imported *m) {
    ovseg_free(&m->whole);
    clip_free(&m->clip);
    params_free(&m->params);
}

static int run(struct node *n) {
    const char *file = node_input(n, "file")->path;
    struct imported *m = mem_alloc(1, sizeof *m);
    struct import im;
    int status = import_open(&im, file, NULL);
    bool whole = !status && import_has_proposals(&im);
    if (!status && !import_clip_prefix(&im))
        status = error_set(ERR_DATA, "%s: there is no CLIP in it", file);
    if (!status) {
        make(m, &n->config, whole);
        status = import_copy(&im, &m->params, (struct import_options){0});
    }
    if (!status) {
        struct checkpoint c = {.part = {{"model", &m->params}}, .config = n->id, .state = "{}"};
        status = run_is_ours(n);
        if (!status) status = checkpoint_save(n->dir, &c);
    }
    if (!status)
        log_info("%s: %s of %zu tensors, %s", n->name, whole ? "a whole model" : "a CLIP",
                 m->params.n, import_family_name(&im));
    import_close(&im);
    imported_free(m);
    free(m);
    return status;
}

static void check(const struct node *n, struct problems *p) {
    proposals_check(&n->config.proposals, n->path, p);
}

static const char *const inputs[] = {"file", NULL};
const struct stage stage_import = {
    .name = "import",
    .inputs = inputs,
    .revision = 1,
    .check = check,
    .run = run,
};
