#include "train/run/graph.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings_path.h"
#include "base/shipped.h"
#include "checkpoints/import.h"
#include "configs/reference.h"
#include "train/clip_validate.h"
#include "train/package/package.h"
#include "train/places.h"
#include "train/run/graph_check.h"
#include "train/run/identity.h"
#include "train/run/input_kinds.h"
#include "train/run/run.h"
#include "train/weights/import_settings.h"

/* What loading needs besides the graph. */
struct builder {
    struct graph *graph;
    const struct override *overrides;
    size_t n_overrides;
    bool *override_used;
    struct problems problems;
    int missing; /* inputs that are not there */
    struct strings visiting;
};

static struct node *load(struct builder *b, const char *config);
static struct node *load_weights(struct builder *b, const char *file);

const struct node_input *node_input(const struct node *n, const char *name) {
    for (size_t i = 0; i < n->n_inputs; i++)
        if (strcmp(n->input[i].name, name) == 0) return &n->input[i];
    return NULL;
}

struct node *node_from(const struct node *n, const char *name) {
    const struct node_input *in = node_input(n, name);
    return in ? in->node : NULL;
}

const char *node_path(const struct node *n, const char *name) {
    const struct node_input *in = node_input(n, name);
    return in ? in->path : NULL;
}

char *node_input_path(const struct node *n, const char *name, const char *file) {
    const struct node_input *in = node_input(n, name);
    REQUIRE(in, "stage %s has no input %s", n->stage->name, name);
    return path_join(in->node ? in->node->dir : in->path, file);
}

const struct node *node_clip(const struct node *n) {
    while (n && n->config.run.stage != STAGE_CLIP_PRETRAIN && n->config.run.stage != STAGE_IMPORT)
        n = node_from(n, "clip");
    return n;
}

/* What a setting that is a path means (base/settings_path.h). Owned; NULL when it is not set, or
 * after a mistake. */
static char *resolve(struct builder *b, const struct node *n, const char *key) {
    char *path;
    if (settings_resolve(&n->doc, key, &path)) {
        settings_problem(&n->doc, &b->problems, key, "%s", error_message());
        error_clear();
    }
    return path;
}

static void apply_overrides(struct builder *b, struct node *n, bool named) {
    if (!named) settings_inherit(&n->doc, &b->graph->named->doc, config_inherited);
    for (int turn = 0; turn < REFERENCE_TURNS; turn++)
        for (size_t i = 0; i < b->n_overrides; i++) {
            const struct override *o = &b->overrides[i];
            bool meant =
                !o->scope ? named : strcmp(o->scope, "*") == 0 || !strcmp(o->scope, n->name);
            if (!meant || reference_turn(o->key) != turn) continue;
            b->override_used[i] = true;
            if (config_override(&n->doc, o)) problems_take_error(&b->problems);
        }
    if (places_beneath(&n->doc)) problems_take_error(&b->problems);
}

/* Which kind of stage: asked before the table of its settings can be chosen. -1: a mistake. */
static int kind_of(struct builder *b, const struct node *n) {
    const char *text = settings_text(&n->doc, "stage");
    for (int i = 0; text && stage_names[i]; i++)
        if (strcmp(text, stage_names[i]) == 0) return i;
    struct str names = {0}, origin = {0};
    for (int i = 0; stage_names[i]; i++) str_add(&names, "%s%s", i ? ", " : "", stage_names[i]);
    setting_origin(settings_find(&n->doc, "stage"), &origin);
    if (text)
        problems_add(&b->problems, "%s: stage: \"%s\" is none of %s", origin.at, text, names.at);
    else
        problems_add(&b->problems, "%s: missing stage: one of %s", n->path, names.at);
    str_free(&names);
    str_free(&origin);
    return -1;
}

static bool accepts(const char *const *names, const char *name) {
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0 || strcmp(*names, "*") == 0) return true;
    return false;
}

static void add_input(struct node *n, struct node_input in) {
    n->input = mem_grow(n->input, &n->inputs_cap, n->n_inputs + 1, sizeof *n->input);
    n->input[n->n_inputs++] = in;
}

static void load_input(struct builder *b, struct node *n, const char *name) {
    char *key = mem_format("inputs.%s", name), *path = resolve(b, n, key);
    struct str origin = {0};
    setting_origin(settings_find(&n->doc, key), &origin);
    struct node_input in = {.name = mem_strdup(name)};
    if (!accepts(n->stage->inputs, name) && !accepts(n->stage->maybe, name))
        problems_add(&b->problems, "%s: inputs.%s: stage %s has no such input", origin.at, name,
                     n->stage->name);
    bool folder, is_run = input_kinds(name, &folder); /* names of classes are YAML, too */
    if (path && is_run && path_is_yaml(path)) {
        in.node = load(b, path);
    } else if (path) {
        char *run = run_split(path, &in.best);
        if (run_folder(run)) {
            in.node = run_node_open(b->graph, run);
            if (!in.node) problems_take_error(&b->problems);
        } else if (is_run && package_is(run)) {
            in.node = package_input(b->graph, run, name);
            if (!in.node) problems_take_error(&b->problems);
        } else if (access(path, R_OK) == 0 && input_takes_weights(name) &&
                   !input_is_masks(name, path) && import_is_weights(path)) {
            in.node = load_weights(b, path);
        } else if (access(path, R_OK) == 0) {
            in.path = mem_strdup(path);
        } else {
            b->missing++;
            problems_add(&b->problems, "%s: inputs.%s: %s: %s", origin.at, name, path,
                         strerror(errno));
        }
        free(run);
    }
    input_check(&in, origin.at, &b->problems);
    add_input(n, in);
    str_free(&origin);
    free(path);
    free(key);
}

static void load_inputs(struct builder *b, struct node *n) {
    const struct string_map *m = &n->config.run.inputs;
    for (size_t i = 0; i < m->names.n; i++) load_input(b, n, m->names.at[i]);
    for (const char *const *need = n->stage->inputs; *need; need++)
        if (!node_input(n, *need))
            problems_add(&b->problems, "%s: missing inputs.%s: stage %s needs it", n->path, *need,
                         n->stage->name);
}

static struct node *find_loaded(const struct graph *g, const char *path) {
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->at[i]->path, path) == 0) return g->at[i];
    return NULL;
}

static bool enter(struct builder *b, const char *path) {
    for (size_t i = 0; i < b->visiting.n; i++)
        if (strcmp(b->visiting.at[i], path) == 0) {
            problems_add(&b->problems, "%s: needs its own result, by way of its inputs", path);
            return false;
        }
    strings_add(&b->visiting, path);
    return true;
}

static void leave(struct builder *b) { free(b->visiting.at[--b->visiting.n]); }

/* Weights know most of what the model's settings say. A file that is missing is told as an input.
 */
static void tell_settings(struct builder *b, struct node *n) {
    char *file = resolve(b, n, "inputs.file");
    if (file && access(file, R_OK) == 0 && import_settings(&n->doc, file))
        problems_take_error(&b->problems);
    free(file);
}

/* Weights that a run has, or will have: the run is an input, by the setting's name. */
static void load_init(struct builder *b, struct node *n, const char *key) {
    struct node_input in = {.name = mem_strdup(key)};
    char *run = run_split(n->init, &in.best);
    bool folder, proposals = n->config.run.stage == STAGE_PROPOSALS;
    in.node = path_is_yaml(run) ? load(b, run) : run_node_open(b->graph, run);
    if (!in.node) problems_take_error(&b->problems);
    unsigned kinds = input_kinds(proposals ? "proposals" : "clip", &folder);
    if (in.node && in.node->stage && !(kinds >> in.node->config.run.stage & 1))
        settings_problem(&n->doc, &b->problems, key,
                         "%s is a run of stage %s, which has no weights for this one",
                         in.node->path, in.node->stage->name);
    add_input(n, in);
    free(run);
    free(n->init);
    n->init = NULL;
}

static void find_init(struct builder *b, struct node *n) {
    static const char key[] = "init.weights";
    bool best;
    if (!n->config.init.weights || !*n->config.init.weights) return;
    n->init = resolve(b, n, key);
    if (!n->init) return;
    char *run = run_split(n->init, &best);
    bool is_run = path_is_yaml(run) || run_folder(run);
    free(run);
    if (is_run) {
        load_init(b, n, key);
        return;
    }
    if (access(n->init, R_OK) == 0) {
        if (!import_is_weights(n->init))
            settings_problem(&n->doc, &b->problems, key, "%s is a folder; a file is needed",
                             n->init);
        return;
    }
    b->missing++;
    settings_problem(&n->doc, &b->problems, key, "%s: %s", n->init, strerror(errno));
}

/* The files that settings name are inputs, by the settings' names. */
static void load_files(struct builder *b, struct node *n) {
    for (const char *const *key = n->stage->files; key && *key; key++) {
        const char *value = settings_text(&n->doc, *key);
        bool file = value && *value && !(*key == clip_probe_files[0] && clip_probe_is_drawn(n));
        char *path = file ? resolve(b, n, *key) : NULL;
        if (!path) continue;
        if (access(path, R_OK)) {
            b->missing++;
            settings_problem(&n->doc, &b->problems, *key, "%s: %s", path, strerror(errno));
            free(path);
            continue;
        }
        add_input(n, (struct node_input){.name = mem_strdup(*key), .path = path});
    }
}

/* What a document makes of a node: its stage, its settings and its inputs, before it in the graph.
 */
static void build(struct builder *b, struct node *n, bool named) {
    apply_overrides(b, n, named);
    int kind = kind_of(b, n);
    if (kind < 0) return;
    if (kind == STAGE_IMPORT) tell_settings(b, n);
    char *what = mem_format("stage %s", stage_names[kind]);
    n->stage = stage_find(kind);
    settings_assign(&n->doc, config_used(kind), config_known(), what, &n->config, &b->problems);
    n->config.run.stage = kind;
    free(what);
    places_of_node(n, &b->problems);
    find_init(b, n);
    load_inputs(b, n);
    load_files(b, n);
}

/* What a config is called; the settings of a run (`ovseg eval RUN`) as the run without its hash,
 * those of a package as the package. */
static char *config_name(const char *path) {
    char *dir = path_dir(path), *name = path_stem(path), *dash = strrchr(path_base(dir), '-');
    bool settings = strcmp(path_base(path), "settings.yaml") == 0;
    if (settings && package_is(dir)) {
        free(name);
        name = path_stem(dir);
    } else if (settings && dash && run_folder(dir)) {
        free(name);
        *dash = '\0';
        name = mem_strdup(path_base(dir));
    }
    free(dir);
    return name;
}

/* A node of the file at `path`, which it takes over; the first one is the named one. */
static struct node *new_node(struct graph *g, char *path) {
    struct node *n = mem_alloc(1, sizeof *n);
    n->path = path;
    n->name = config_name(path);
    if (!g->named) g->named = n;
    return n;
}

/* The node of a config file, with all it needs before it in the graph; NULL after a mistake. */
static struct node *load(struct builder *b, const char *config) {
    struct graph *g = b->graph;
    if (shipped_check(config)) {
        b->missing += error_status() == ERR_MISSING;
        problems_take_error(&b->problems);
        return NULL;
    }
    char *said = shipped_path(config), *path = realpath(said, NULL);
    free(said);
    if (!path) {
        b->missing++;
        problems_add(&b->problems, "%s: %s", *config ? config : "\"\"", strerror(errno));
        return NULL;
    }
    struct node *n = find_loaded(g, path);
    if (n || !enter(b, path)) {
        free(path);
        return n;
    }
    n = new_node(g, path);
    bool named = g->named == n;
    int status = settings_read(&n->doc, config);
    if (status) {
        b->missing += status == ERR_MISSING; /* a base file */
        problems_take_error(&b->problems);
    } else {
        build(b, n, named);
    }
    leave(b);
    graph_add(g, n); /* behind its inputs */
    if (n->stage && named && *n->config.run.then) {
        char *then = resolve(b, n, "then");
        if (then) n->then = load(b, then);
        free(then);
    }
    return n;
}

/* A file of weights that was named as an input is an import of its own. */
static struct node *load_weights(struct builder *b, const char *file) {
    struct graph *g = b->graph;
    char *path = realpath(file, NULL);
    REQUIRE(path, "%s went away", file);
    struct node *n = find_loaded(g, path);
    if (n) {
        free(path);
        return n;
    }
    n = new_node(g, path);
    struct override input = {.key = mem_strdup("inputs.file"), .value = mem_strdup(path)};
    if (settings_parse(&n->doc, path, "stage: import\n") || settings_override(&n->doc, &input))
        problems_take_error(&b->problems);
    else
        build(b, n, g->named == n);
    override_free(&input);
    graph_add(g, n);
    return n;
}

void graph_add(struct graph *g, struct node *n) {
    g->at = mem_grow(g->at, &g->cap, g->n + 1, sizeof(struct node *));
    g->at[g->n++] = n;
}

static int open_any(struct graph *g, const char *path, bool weights,
                    const struct override *overrides, size_t n) {
    *g = (struct graph){0};
    struct builder b = {.graph = g, .overrides = overrides, .n_overrides = n};
    b.override_used = mem_alloc(n, sizeof *b.override_used);
    if (weights)
        load_weights(&b, path);
    else
        load(&b, path);
    if (!b.problems.n) graph_check_scopes(g, overrides, b.override_used, n, &b.problems);
    if (!b.problems.n) graph_check(g, &b.problems); /* may trust what every file says by itself */
    free(b.override_used);
    strings_free(&b.visiting);
    return problems_close(&b.problems, b.missing ? ERR_MISSING : ERR_CONFIG);
}

int graph_open_weights(struct graph *g, const char *file, const struct override *overrides,
                       size_t n) {
    return open_any(g, file, true, overrides, n);
}

int graph_load(struct graph *g, const char *config, const struct override *overrides, size_t n) {
    return open_any(g, config, false, overrides, n);
}

int graph_identify(struct graph *g) {
    int status = 0;
    const struct node *n = g->named;
    content_open(&g->content, n->cache ? n->cache : n->config.run.output_dir);
    for (size_t i = 0; !status && i < g->n; i++) status = identity_of(g->at[i], &g->content);
    return status;
}

int graph_open(struct graph *g, const char *config, const struct override *overrides, size_t n) {
    int status = graph_load(g, config, overrides, n);
    return status ? status : graph_identify(g);
}

static void node_free(struct node *n) {
    for (size_t i = 0; i < n->n_inputs; i++) {
        free(n->input[i].name);
        free(n->input[i].path);
    }
    free(n->input);
    free(n->name);
    free(n->path);
    free(n->init);
    free(n->cache);
    free(n->weights);
    free(n->vocabulary);
    free(n->identity);
    free(n->dir);
    config_free(&n->config);
    settings_doc_free(&n->doc);
    free(n);
}

void graph_close(struct graph *g) {
    for (size_t i = 0; i < g->n; i++) node_free(g->at[i]);
    free(g->at);
    free(g->only);
    content_close(&g->content);
    *g = (struct graph){0};
}
