#include "train/package/package.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/setting_rows.h"
#include "checkpoints/sealed.h"
#include "checkpoints/weights.h"
#include "nn/models/maskformer.h"
#include "train/run/identity.h"

enum { SETTINGS_MAX = 1 << 20 }; /* bytes of a file of them */

const struct package_part_files package_parts[PACKAGE_PARTS] = {
    [PACKAGE_CLIP] = {"clip", "clip.yaml", "clip.safetensors", STAGE_IMPORT},
    [PACKAGE_TEXT] = {"text", "text.yaml", "text.safetensors", STAGE_IMPORT},
    [PACKAGE_PROPOSALS] = {"proposals", "proposals.yaml", "proposals.safetensors", STAGE_PROPOSALS},
};

/* clang-format off */
#define SETTINGS_OF struct run_options
static const struct setting stage_rows[] = {
    CHOICE("stage", stage, OUTPUT, NULL, stage_names, "what such a file is as a config"),
};
#undef SETTINGS_OF
#define SETTINGS_OF struct prompt_options
static const char *const prompt_kinds[] = {"mask", "tokens", NULL}; /* enum prompt_kind */
static const struct setting found_prompt_rows[] = {
    INT   ("depth",  depth,  RESULT, "0", 0, 128,             "of the prompts in the weights; 0: there are none"),
    CHOICE("kind",   kind,   RESULT, "mask", prompt_kinds,    "in the place of blank patches, or beside the patches"),
    INT   ("tokens", tokens, RESULT, "0", 0, 1000,            "kind tokens: how many"),
};
#undef SETTINGS_OF
#define SETTINGS_OF struct segment_data_options
static const struct setting crop_side_rows[] = {
    INT("crop", crop, RESULT, "0", 0, 65536, "pixels: short side of what the network was trained on"),
};
#undef SETTINGS_OF
/* clang-format on */

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define GROUP(prefix, rows, field)                                                                 \
    { prefix, rows, COUNT(rows), offsetof(struct config, field) }

static const struct setting_group clip_groups[] = {GROUP("clip", clip_model_rows, clip),
                                                   GROUP("prompt", found_prompt_rows, prompt)};
static const struct setting_group proposals_groups[] = {
    GROUP("proposals", proposals_rows, proposals), GROUP("text", text_rows, text),
    GROUP("segment", crop_side_rows, segment)};
static const struct setting_group segment_groups[] = {
    GROUP("", stage_rows, run), GROUP("eval", eval_rows, eval), GROUP("text", text_rows, text),
    GROUP("crop", crop_rows, crop)};

struct settings_table package_table(int part) {
    if (part == PACKAGE_PROPOSALS)
        return (struct settings_table){proposals_groups, COUNT(proposals_groups)};
    if (part == PACKAGE_PARTS)
        return (struct settings_table){segment_groups, COUNT(segment_groups)};
    return (struct settings_table){clip_groups, COUNT(clip_groups)};
}

bool package_is(const char *path) {
    static const char ending[] = ".ovseg";
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    if (!dir_exists(path)) return false;
    bool named =
        n > strlen(ending) && strncmp(path + n - strlen(ending), ending, strlen(ending)) == 0;
    return named || manifest_is(MANIFEST_PACKAGE, path);
}

/* ---- the files ---- */

struct opening {
    struct graph *g;
    const char *dir; /* whole path */
    struct manifest files;
};

static const struct manifest_file *find_file(const struct opening *o, const char *name) {
    const struct manifest_file *f = manifest_find(&o->files, name);
    if (!f)
        error_set(ERR_DATA,
                  "%s: incomplete: its manifest lists no %s; it is no package that `ovseg export` "
                  "wrote",
                  o->dir, name);
    return f;
}

/* What is wrong in a package is damage, not a setting of the user's. */
static int as_data_error(int status) {
    if (status != ERR_CONFIG) return status;
    char *message = mem_strdup(error_message());
    error_clear();
    status = error_set(ERR_DATA, "%s", message);
    free(message);
    return status;
}

static int open_files(struct opening *o) {
    static const char *const needed[] = {PACKAGE_SETTINGS, PACKAGE_TOKENIZER, PACKAGE_CARD};
    int status = manifest_read(&o->files, MANIFEST_PACKAGE, o->dir);
    if (!status) status = sealed_verify(o->dir, &o->files);
    if (status == ERR_DATA)
        error_context("%s is no whole model package: copy or export it again", o->dir);
    status = as_data_error(status); /* of a newer version: whole, and of no use here */
    for (size_t i = 0; !status && i < COUNT(needed); i++)
        if (!find_file(o, needed[i])) status = error_status();
    for (int i = 0; !status && i < PACKAGE_PARTS; i++) {
        if (i == PACKAGE_TEXT && !manifest_find(&o->files, package_parts[i].weights)) continue;
        if (!find_file(o, package_parts[i].settings) || !find_file(o, package_parts[i].weights))
            status = error_status();
    }
    return status;
}

/* A config may have a base, which is another file; a package must not. */
static int refuse_base(const char *path, const struct bytes *text) {
    struct yaml_doc y;
    int status = yaml_doc_parse(&y, path, (const char *)text->at, text->n);
    for (size_t i = 1; !status && i < y.n; i++)
        if (strcmp(y.at[i].key, "base") == 0)
            status = error_set(ERR_DATA, "%s: base: a model package names no other files", path);
    yaml_doc_free(&y);
    return status;
}

static void check_clip(const struct node *n, const char *path, struct problems *p) {
    const struct prompt_options *prompt = &n->config.prompt;
    struct clip_options o = clip_model(&n->config.clip, NULL);
    int64_t layers = o.resnet.width ? 0 : o.image.layers;
    clip_model_check(&n->config.clip, path, p);
    if (prompt->depth > layers)
        problems_add(p, "%s: prompt.depth %lld: the image tower has %lld blocks", path,
                     (long long)prompt->depth, (long long)layers);
    if (prompt->depth && prompt->kind == PROMPT_TOKENS && !prompt->tokens)
        problems_add(p, "%s: prompt.tokens: kind tokens without any", path);
}

/* DIR/NAME into the node: nothing but the settings of this part. */
static int read_settings(const struct opening *o, struct node *n, const char *name, int part) {
    char *path = path_join(o->dir, name);
    struct bytes text = {0};
    struct problems problems = {0};
    struct settings_table table = package_table(part);
    int status = file_read(path, SETTINGS_MAX, &text);
    if (!status) status = refuse_base(path, &text);
    if (!status) status = as_data_error(settings_parse(&n->doc, path, (const char *)text.at));
    if (!status) settings_assign(&n->doc, table, table, "a model package", &n->config, &problems);
    if (!status && part == PACKAGE_PROPOSALS && !problems.n)
        proposals_check(&n->config.proposals, path, &problems);
    if (!status && part < PACKAGE_PROPOSALS && !problems.n) check_clip(n, path, &problems);
    if (!status && part == PACKAGE_PARTS && !problems.n)
        eval_check(&n->config.eval, path, &problems);
    int bad = problems_close(&problems, ERR_DATA);
    bytes_free(&text);
    free(path);
    return status ? status : bad;
}

/* ---- the weights ---- */

/* The registry that the settings of a part describe, as shapes without memory. */
static void describe_part(const struct node *n, int part, struct params *p) {
    int scope = t_scope_open("package", T_NO_GRAD | T_META);
    if (part == PACKAGE_PROPOSALS) {
        struct clip_options text = clip_model(&node_from(n, "clip")->config.clip, NULL);
        struct maskformer maskformer;
        struct maskformer_options o =
            proposals_model(&n->config.proposals, text.features, n->config.proposals.temperature);
        maskformer_init(&maskformer, params_root(p), &o);
    } else {
        const struct prompt_options *prompt = n->config.prompt.depth ? &n->config.prompt : NULL;
        struct clip_options o = clip_model(&n->config.clip, prompt);
        struct clip clip;
        clip_init(&clip, params_root(p), &o);
        clip_free(&clip);
    }
    t_scope_close(scope, NULL);
}

/* Before memory is taken: the weights are those of the settings, which may say any sizes. */
static int check_weights(const struct node *n, int part) {
    static const char *const image_tower[] = {"visual.*"};
    struct weights_options o = {
        .exact = true, .allow_missing = image_tower, .n_allow_missing = part == PACKAGE_TEXT};
    struct params p = {0};
    struct tensor_file f;
    int status = tensor_file_open(&f, n->weights, NULL);
    if (status) return status;
    describe_part(n, part, &p);
    status = weights_check(n->weights, f.table, &p, o);
    status = as_data_error(status);
    tensor_file_close(&f);
    params_free(&p);
    return status;
}

/* ---- the nodes ---- */

static struct node *new_node(struct opening *o, const char *file, int kind) {
    struct node *n = mem_alloc(1, sizeof *n);
    n->name = path_stem(o->dir);
    n->path = path_join(o->dir, file);
    n->dir = mem_strdup(o->dir);
    n->stage = stage_find(kind);
    n->config.run.stage = kind;
    n->packaged = n->done = n->reused = true;
    return n;
}

static void add_input(struct node *n, const char *name, struct node *from) {
    n->input = mem_grow(n->input, &n->inputs_cap, n->n_inputs + 1, sizeof *n->input);
    n->input[n->n_inputs++] = (struct node_input){.name = mem_strdup(name), .node = from};
}

/* What a run that uses it is hashed with: the contents of the part and of what it speaks with. */
static void identify(const struct opening *o, struct node *n, const char *settings,
                     const char *weights) {
    struct str s = {0};
    char hex[17];
    hash_hex(manifest_find(&o->files, settings)->hash, hex);
    str_add(&s, "ovseg package 1\nstage %s\nsettings %s\n", n->stage->name, hex);
    if (weights) {
        hash_hex(manifest_find(&o->files, weights)->hash, hex);
        str_add(&s, "weights %s\n", hex);
    }
    for (size_t i = 0; i < n->n_inputs; i++)
        str_add(&s, "input %s run %s\n", n->input[i].name, n->input[i].node->id);
    n->identity = s.at;
    identity_name(n);
}

/* A part, behind what it is made with; NULL and the error. */
static struct node *open_part(struct opening *o, int part, struct node *clip) {
    const struct package_part_files *f = &package_parts[part];
    struct node *n = new_node(o, f->settings, f->kind);
    graph_add(o->g, n);
    free(n->name);
    n->name = mem_format("%s.%s", path_base(o->dir), f->name);
    n->weights = path_join(o->dir, f->weights);
    n->text_alone = part == PACKAGE_TEXT;
    if (clip)
        add_input(n, "clip", clip);
    else
        n->vocabulary = path_join(o->dir, PACKAGE_TOKENIZER);
    if (read_settings(o, n, f->settings, part) || check_weights(n, part)) return NULL;
    identify(o, n, f->settings, f->weights);
    return n;
}

static struct node *open_nodes(struct opening *o) {
    struct node *clip = open_part(o, PACKAGE_CLIP, NULL), *speaks = clip;
    if (clip && manifest_find(&o->files, package_parts[PACKAGE_TEXT].weights))
        speaks = open_part(o, PACKAGE_TEXT, NULL);
    struct node *proposals = speaks ? open_part(o, PACKAGE_PROPOSALS, speaks) : NULL;
    if (!proposals) return NULL;
    struct node *n = new_node(o, PACKAGE_SETTINGS, STAGE_EVALUATE);
    graph_add(o->g, n);
    add_input(n, "clip", clip);
    add_input(n, "proposals", proposals);
    if (read_settings(o, n, PACKAGE_SETTINGS, PACKAGE_PARTS)) return NULL;
    if (n->config.run.stage != STAGE_EVALUATE) {
        error_set(ERR_DATA, "%s: stage: a model package is of stage evaluate", n->path);
        return NULL;
    }
    identify(o, n, PACKAGE_SETTINGS, NULL);
    return n;
}

/* One that this graph opened before. */
static struct node *find_open(const struct graph *g, const char *dir) {
    for (size_t i = 0; i < g->n; i++)
        if (g->at[i]->packaged && g->at[i]->config.run.stage == STAGE_EVALUATE &&
            strcmp(g->at[i]->dir, dir) == 0)
            return g->at[i];
    return NULL;
}

struct node *package_open(struct graph *g, const char *dir) {
    char *whole = realpath(dir, NULL);
    if (!whole) {
        error_set(ERR_MISSING, "%s: %s", dir, strerror(errno));
        return NULL;
    }
    struct node *n = find_open(g, whole);
    struct opening o = {.g = g, .dir = whole};
    if (!n && !open_files(&o)) n = open_nodes(&o);
    manifest_free(&o.files);
    free(whole);
    return n;
}

struct node *package_input(struct graph *g, const char *dir, const char *input) {
    struct node *n = package_open(g, dir);
    return n ? node_from(n, strcmp(input, "proposals") == 0 ? "proposals" : "clip") : NULL;
}
