#include "train/run/graph_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/run/run.h"
#include "train/weights/init_weights.h"

/* NAME: must mean one config; two files of one name may lie in different folders. */
static void check_one(const struct graph *g, const struct override *o, struct problems *p) {
    const struct node *first = NULL;
    struct str origin = {0};
    override_origin(o, &origin);
    for (size_t k = 0; o->scope && k < g->n; k++) {
        const struct node *n = g->at[k];
        if (n->identity || strcmp(n->name, o->scope) != 0) continue; /* a finished run: no config */
        if (first)
            problems_add(p,
                         "%s: %s:%s: which one? %s and %s have this name: rename a file, or set "
                         "it there",
                         origin.at, o->scope, o->key, first->path, n->path);
        else
            first = n;
    }
    str_free(&origin);
}

void graph_check_scopes(const struct graph *g, const struct override *overrides, const bool *used,
                        size_t n, struct problems *p) {
    for (size_t i = 0; i < n; i++) {
        const struct override *o = &overrides[i];
        if (used[i]) {
            check_one(g, o, p);
            continue;
        }
        struct str names = {0}, origin = {0};
        override_origin(o, &origin);
        for (size_t k = 0; k < g->n; k++) str_add(&names, "%s%s", k ? ", " : "", g->at[k]->name);
        problems_add(p, "%s: %s:%s: no config of that name; there are %s", origin.at, o->scope,
                     o->key, names.at ? names.at : "none");
        str_free(&names);
        str_free(&origin);
    }
}

/* What holds for every stage that has the setting. */
static void check_common(const struct node *n, struct problems *p) {
    const struct config *c = &n->config;
    int kind = c->run.stage;
    bool trains = kind == STAGE_CLIP_PRETRAIN || kind == STAGE_PROPOSALS ||
                  kind == STAGE_CLIP_FINETUNE || kind == STAGE_MASK_PROMPT ||
                  kind == STAGE_CLIP_JOINT;
    if (trains && !c->optim.steps && !c->optim.epochs)
        problems_add(p, "%s: optim.steps and optim.epochs are both 0: nothing would be trained",
                     n->path);
    if (trains && c->train.validate_keep == KEEP_BEST && !*c->train.validate_set)
        problems_add(p, "%s: validate.keep: best needs a validate.set to be best on", n->path);
    resources_check(&n->doc, &c->resources, c->run.time_limit, p);
    bool needs_gpu = c->run.precision == PRECISION_TF32 || c->run.precision == PRECISION_FP16;
    if (needs_gpu && c->run.device == DEVICE_CPU)
        settings_problem(&n->doc, p, "precision", "%s is for GPUs, and device is cpu",
                         precision_names[c->run.precision]);
    if (c->init.allow_missing.n && !n->init && !node_input(n, "init.weights"))
        settings_problem(&n->doc, p, "init.allow_missing", "there are no init.weights");
    if (node_clip(n) == NULL && node_input(n, "clip"))
        problems_add(p, "%s: inputs.clip: no clip-pretrain stage at its root", n->path);
}

void graph_check(const struct graph *g, struct problems *p) {
    for (size_t i = 0; i < g->n; i++) {
        struct node *n = g->at[i];
        if (!n->stage || n->done) continue;
        check_common(n, p);
        if (n->stage->check) n->stage->check(n, p);
    }
}

int graph_check_inputs(const struct graph *g) {
    bool *needed = mem_alloc(g->n, sizeof *needed);
    int status = 0;
    graph_needed(g, needed);
    for (size_t i = 0; !status && i < g->n; i++) {
        const struct node *n = g->at[i];
        if (needed[i] && n->stage->check_inputs) status = n->stage->check_inputs(n);
        if (!status && needed[i]) status = init_check(n);
    }
    free(needed);
    return status;
}
