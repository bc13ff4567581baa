#include "train/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/shipped.h"
#include "checkpoints/import.h"
#include "configs/reference.h"
#include "train/package/package.h"
#include "train/places.h"
#include "train/run/identity.h"
#include "train/run/run.h"
#include "train/run/run_look.h"
#include "train/segment.h"

/* Takes the nodes of a graph over into another that outlives it. */
static void merge(struct graph *to, struct graph *from) {
    for (size_t i = 0; i < from->n; i++) graph_add(to, from->at[i]);
    free(from->at);
    content_close(&from->content);
    *from = (struct graph){0};
}

/* The config of stage import that `config` is or, as an evaluation, names, owned; NULL and the
 * error when there is none. */
static char *find_import(const char *config, bool or_named) {
    struct settings_doc doc;
    int status = settings_read(&doc, config);
    const char *stage = status ? NULL : settings_text(&doc, "stage");
    char *found = stage && strcmp(stage, "import") == 0 ? mem_strdup(config) : NULL;
    bool evaluation = or_named && stage && strcmp(stage, "evaluate") == 0;
    for (size_t i = 0; evaluation && !found && i < doc.n; i++) {
        const char *key = doc.at[i].yaml.key;
        if (strncmp(key, "inputs.", strlen("inputs.")) != 0 || strcmp(key, "inputs.scenes") == 0)
            continue;
        char *path = settings_path(&doc, key);
        if (path && path_is_yaml(path)) found = find_import(path, false);
        error_clear(); /* an input that is no import may be anything */
        free(path);
    }
    settings_doc_free(&doc);
    if (!found && !status)
        error_set(ERR_CONFIG,
                  "%s: neither a config of stage import nor an evaluation of one: --weights has no "
                  "place there",
                  config);
    return found;
}

/* Weights with what a config says of their model. */
static struct node *open_weights(struct graph *g, const char *config,
                                 const struct model_options *o) {
    char *import = path_is_yaml(config) ? find_import(config, true) : NULL;
    if (!import) {
        if (!error_status())
            error_set(ERR_USAGE, "--weights %s: goes with --config CONFIG", o->weights);
        return NULL;
    }
    struct graph chain;
    struct override *all = mem_alloc(o->n_overrides + 1, sizeof *all);
    for (size_t i = 0; i < o->n_overrides; i++) all[i] = o->overrides[i];
    all[o->n_overrides] =
        (struct override){.key = mem_strdup("inputs.file"), .value = mem_strdup(o->weights)};
    int status = graph_open(&chain, import, all, o->n_overrides + 1);
    struct node *n = chain.named;
    override_free(&all[o->n_overrides]);
    free(all);
    free(import);
    merge(g, &chain);
    return status ? NULL : n;
}

/* Of the overrides, which are those of an evaluation, what says where the model's run lies, too; by
 * reference. */
static struct override *of_places(const struct model_options *o, size_t *n) {
    struct override *out = mem_alloc(o->n_overrides + 1, sizeof *out);
    *n = 0;
    for (size_t i = 0; i < o->n_overrides; i++)
        if (strcmp(o->overrides[i].key, "output_dir") == 0 ||
            strncmp(o->overrides[i].key, "paths.", strlen("paths.")) == 0)
            out[(*n)++] = o->overrides[i];
    return out;
}

/* The finished run of a config; its `then` may still be to do. Published weights need no run: they
 * are read from their file, and take overrides of the model, too. */
static struct node *open_config(struct graph *g, const char *path, const struct model_options *o) {
    struct graph chain;
    bool weights = !path_is_yaml(path);
    size_t n_places;
    struct override *places = of_places(o, &n_places);
    int status = weights ? graph_open_weights(&chain, path, o->overrides, o->n_overrides)
                         : graph_open(&chain, path, places, n_places);
    struct node *n = chain.named;
    free(places);
    if (!weights && !status && n->config.run.stage == STAGE_IMPORT) { /* again, with overrides */
        graph_close(&chain);
        status = graph_open(&chain, path, o->overrides, o->n_overrides);
        n = chain.named;
    }
    if (!status && !n->done && n->config.run.stage != STAGE_IMPORT) {
        char *other = identity_other(n);
        status = error_set(ERR_MISSING, "%s: its run is not finished: ovseg-train %s makes it%s",
                           path, path, other);
        free(other);
    }
    merge(g, &chain);
    return status ? NULL : n;
}

/* What is no model: what it is, and what is needed in its place. */
static int tell_no_model(const char *name, bool proposals) {
    if (!*name)
        return error_set(ERR_USAGE,
                         "\"\": an empty name: a run, model package, config or weights are needed "
                         "(a variable of the shell that is not set?)");
    if (shipped_check(name)) return error_status();
    if (dir_exists(name))
        return error_set(ERR_MISSING, "%s: a folder, but no run, model package or weights%s", name,
                         proposals
                             ? "; and without masks: NAME.json, NAME.png or a folder NAME for "
                               "a picture NAME.jpg"
                             : ": `ovseg runs list` shows the runs");
    return error_set(ERR_MISSING,
                     "%s: no run folder, model package, config or weights: `ovseg runs list` shows "
                     "the runs",
                     name);
}

/* Where runs are: the usual folder, or what the command line says in its place. */
static const char *runs_of(const struct model_options *o) {
    const char *runs = places_runs();
    for (size_t i = 0; i < o->n_overrides; i++)
        if (strcmp(o->overrides[i].key, "output_dir") == 0 ||
            strcmp(o->overrides[i].key, "paths.runs") == 0)
            runs = o->overrides[i].value;
    return runs;
}

/* Of that folder, by name or hash. */
static struct node *open_named(struct graph *g, const char *name, const struct model_options *o,
                               bool proposals) {
    char *dir = run_named(name, runs_of(o));
    if (!dir && error_status() != ERR_USAGE) { /* several are meant */
        error_clear();
        tell_no_model(name, proposals);
    }
    struct node *n = dir ? run_node_open(g, dir) : NULL;
    free(dir);
    return n;
}

struct node *model_node(struct graph *g, const char *name, const struct model_options *o,
                        bool *best) {
    *best = false;
    if (!*name) {
        tell_no_model(name, false);
        return NULL;
    }
    if (o->weights && name == o->name) return open_weights(g, name, o);
    char *dir = run_split(name, best);
    struct node *n = NULL;
    if (run_folder(dir))
        n = run_node_open(g, dir);
    else if (package_is(name))
        n = package_open(g, name);
    else if (path_is_yaml(name) || import_is_weights(name))
        n = open_config(g, name, o);
    else
        n = open_named(g, dir, o, name == o->proposals);
    free(dir);
    return n;
}

static bool makes_clip(const struct node *n) {
    switch ((enum stage_kind)n->config.run.stage) {
    case STAGE_CLIP_PRETRAIN:
    case STAGE_CLIP_FINETUNE:
    case STAGE_MASK_PROMPT:
    case STAGE_CLIP_JOINT:
    case STAGE_IMPORT: return true;
    default: return false;
    }
}

int model_clip(struct node *model, bool best, struct node_input *clip) {
    *clip = (struct node_input){.node = model, .best = best};
    if (model->config.run.stage == STAGE_EVALUATE) {
        for (size_t i = 0; i < model->n_inputs; i++)
            if (segment_is_clip(model->input[i].name)) *clip = model->input[i];
        return 0;
    }
    if (makes_clip(model)) return 0;
    return error_set(ERR_MISSING, "%s: a run of stage %s: needed is a CLIP's or an evaluation's",
                     model->path, model->stage->name);
}

static void override_all(struct settings_doc *doc, const struct model_options *o,
                         struct problems *p) {
    for (int turn = 0; turn < REFERENCE_TURNS; turn++)
        for (size_t i = 0; i < o->n_overrides; i++)
            if (reference_turn(o->overrides[i].key) == turn &&
                config_override(doc, &o->overrides[i]))
                problems_take_error(p);
}

/* What the evaluation that goes with `weights` says, over its model's, and the overrides of it; the
 * others are the model's own, which took them. */
static int inherit_config(struct settings_doc *doc, const struct model_options *o,
                          const char *const *patterns, struct problems *p) {
    struct settings_doc from = {0}, over = {0};
    int status = settings_read(&from, o->name);
    if (!status) status = settings_inherit(doc, &from, patterns);
    if (!status) status = settings_parse(&over, "command line", "stage: import\n");
    if (!status) override_all(&over, o, p);
    if (!status) status = settings_inherit(doc, &over, patterns);
    settings_doc_free(&over);
    settings_doc_free(&from);
    return status;
}

/* The settings of an evaluation, from the run's and from the command line. */
static int configure(struct node *n, const struct node *model, const struct model_options *o) {
    static const char *const model_keys[] = {"text.*", "crop.*", NULL};
    static const char *const eval_keys[] = {"eval.*", "text.*", "crop.*", NULL};
    bool import = model->config.run.stage == STAGE_IMPORT;
    const struct node *evaluation =
        import || model->config.run.stage == STAGE_EVALUATE ? model : NULL;
    if (model->then && model->then->config.run.stage == STAGE_EVALUATE) evaluation = model->then;
    const char *base =
        evaluation ? "stage: evaluate\n" : "stage: evaluate\neval: {temperature: 0}\n";
    struct problems problems = {0};
    int status = settings_parse(&n->doc, o->command, base);
    if (!status) status = settings_inherit(&n->doc, &model->doc, model_keys);
    if (!status && evaluation) status = settings_inherit(&n->doc, &evaluation->doc, eval_keys);
    if (!status && o->weights) status = inherit_config(&n->doc, o, eval_keys, &problems);
    bool taken = o->weights || (import && !run_folder(o->name)); /* by the model, with its own */
    if (!status && !taken) override_all(&n->doc, o, &problems);
    if (!status)
        settings_assign(&n->doc, config_used(STAGE_EVALUATE), config_known(), o->command,
                        &n->config, &problems);
    if (!status) eval_check(&n->config.eval, o->command, &problems);
    n->config.run.stage = STAGE_EVALUATE;
    int bad = problems_close(&problems, ERR_CONFIG);
    return status ? status : bad;
}

struct node *model_evaluation(struct graph *g, const struct node *model,
                              const struct model_options *o) {
    enum { INPUTS = 2 };
    struct node *n = mem_alloc(1, sizeof *n);
    n->name = mem_strdup("segment");
    n->path = mem_strdup("");
    n->stage = stage_find(STAGE_EVALUATE);
    n->input = mem_alloc(INPUTS, sizeof *n->input);
    graph_add(g, n);
    return configure(n, model, o) ? NULL : n;
}

void model_input(struct node *evaluation, const char *name, const struct node_input *in) {
    evaluation->input[evaluation->n_inputs++] =
        (struct node_input){.name = mem_strdup(name), .node = in->node, .best = in->best};
}

struct node *model_namer(struct graph *g, const struct model_options *o) {
    bool best;
    struct node_input clip;
    struct node *model = model_node(g, o->name, o, &best);
    if (!model || model_clip(model, best, &clip)) return NULL;
    struct node *n = model_evaluation(g, model, o);
    if (n) model_input(n, "clip", &clip);
    return n;
}
