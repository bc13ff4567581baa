#include "train/package/card.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/settings_text.h"
#include "data/set_index.h"
#include "train/evaluation/protocol.h"
#include "train/package/package.h"
#include "train/run/run_look.h"

enum { CARD_VERSION = 1 };

static void put_count(cJSON *o, const char *key, double x) {
    if (isfinite(x))
        cJSON_AddNumberToObject(o, key, x);
    else
        cJSON_AddStringToObject(o, key, CARD_UNKNOWN);
}

static double number_of(const cJSON *o, const char *key) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(x) ? x->valuedouble : NAN;
}

static const char *run_name(const struct node *n) { return n->dir ? path_base(n->dir) : n->name; }

/* ---- model, inference ---- */

static cJSON *strings_json(const struct strings *l) {
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < l->n; i++) cJSON_AddItemToArray(array, cJSON_CreateString(l->at[i]));
    return array;
}

static void put_model(struct card *c, const struct segmenter *s) {
    cJSON *model = cJSON_AddObjectToObject(c->json, "model");
    const struct clip *clip = &s->namer.clip.clip;
    cJSON_AddStringToObject(model, "clip", run_name(node_from(s->node, "clip")));
    cJSON_AddNumberToObject(model, "clip_parameters",
                            (double)params_count(&s->namer.clip.params, false));
    cJSON_AddNumberToObject(model, "clip_pixels", (double)clip_image_size(clip));
    cJSON_AddNumberToObject(model, "prompt_depth",
                            clip->resnet ? 0 : (double)clip->opt.image.prompt_depth);
    cJSON_AddStringToObject(model, "proposals", run_name(node_from(s->node, "proposals")));
    cJSON_AddNumberToObject(model, "proposals_parameters",
                            (double)params_count(&s->proposals.params, false));
}

static void put_inference(struct card *c, const struct segmenter *s) {
    const struct config *k = &s->node->config;
    cJSON *o = cJSON_AddObjectToObject(c->json, "inference");
    cJSON_AddBoolToObject(o, "ensemble", k->eval.ensemble);
    cJSON_AddNumberToObject(o, "lambda", k->eval.lambda);
    cJSON_AddNumberToObject(o, "mask_threshold", k->eval.mask_threshold);
    cJSON_AddNumberToObject(o, "temperature", s->namer.namer.temperature);
    cJSON_AddBoolToObject(o, "prompts", k->eval.prompts);
    cJSON_AddNumberToObject(o, "shortest", (double)s->size.shortest);
    cJSON_AddNumberToObject(o, "longest", (double)s->size.longest);
    cJSON_AddItemToObject(o, "templates", strings_json(&k->text.templates));
}

/* ---- lineage ---- */

static void put_facts(cJSON *o, const char *identity) {
    struct strings lines = {0};
    for (const char *at = identity; at && *at;) {
        size_t n = strcspn(at, "\n");
        char *line = mem_format("%.*s", (int)n, at);
        strings_add(&lines, line);
        free(line);
        at += n + (at[n] == '\n');
    }
    if (lines.n)
        cJSON_AddItemToObject(o, "facts", strings_json(&lines));
    else
        cJSON_AddStringToObject(o, "facts", CARD_UNKNOWN);
    strings_free(&lines);
}

static void put_inputs(cJSON *o, const struct node *n) {
    cJSON *inputs = cJSON_AddObjectToObject(o, "inputs");
    for (size_t i = 0; i < n->n_inputs; i++) {
        const struct node_input *in = &n->input[i];
        char *what = mem_format("%s%s", in->node ? run_name(in->node) : path_base(in->path),
                                in->best ? "@best" : "");
        cJSON_AddStringToObject(inputs, in->name, what);
        free(what);
    }
    if (n->init) cJSON_AddStringToObject(inputs, "init.weights", path_base(n->init));
}

/* Steps and samples of training, and from which of its checkpoints the weights are. */
static void put_training(cJSON *o, const struct node *n) {
    if (!config_trains(n->config.run.stage)) return;
    cJSON *last = n->dir ? run_last_metrics(n->dir, "train") : NULL;
    double steps = number_of(last, "step");
    put_count(o, "steps", steps);
    put_count(o, "samples", steps * (double)n->config.train.batch_global);
    cJSON_AddStringToObject(o, "checkpoint",
                            n->config.train.validate_keep == KEEP_BEST ? "best" : "last");
    cJSON_Delete(last);
}

static void put_run(struct card *c, const struct node *n) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "run", run_name(n));
    cJSON_AddStringToObject(o, "stage", n->stage->name);
    cJSON_AddStringToObject(o, "identity", *n->id ? n->id : CARD_UNKNOWN);
    put_inputs(o, n);
    put_training(o, n);
    put_facts(o, n->identity);
    cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(c->json, "lineage"), o);
}

/* ---- data ---- */

static void put_set(cJSON *sets, const char *run, const char *dir, const char *file) {
    struct dataset d;
    char *path = path_join(dir, file), *name = path_stem(file);
    if (!set_or_index_open(&d, path)) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "of", run);
        cJSON_AddStringToObject(o, "set", name);
        cJSON_AddNumberToObject(o, "images", (double)d.n_images);
        cJSON_AddNumberToObject(o, "captions", (double)d.n_captions);
        cJSON_AddNumberToObject(o, "classes", (double)d.n_classes);
        cJSON_AddItemToArray(sets, o);
        dataset_close(&d);
    }
    error_clear(); /* no set, or damaged by now */
    free(name);
    free(path);
}

static void put_sets(struct card *c, const char *run, const char *dir) {
    cJSON *sets = cJSON_GetObjectItemCaseSensitive(c->json, "sets");
    struct strings files = {0};
    if (dir_list(dir, &files)) error_clear();
    for (size_t i = 0; i < files.n; i++) {
        size_t n = strlen(files.at[i]);
        if (n > 3 && strcmp(files.at[i] + n - 3, ".h5") == 0) put_set(sets, run, dir, files.at[i]);
    }
    strings_free(&files);
}

static void put_pairs(struct card *c, const struct node *n) {
    cJSON *said = n->dir ? run_json(n->dir, "mining.json") : NULL, *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "of", run_name(n));
    put_count(o, "pairs", number_of(said, "pairs"));
    put_count(o, "nouns", number_of(said, "nouns"));
    cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(c->json, "pairs"), o);
    cJSON_Delete(said);
}

static void put_data(struct card *c, const struct node *n) {
    int kind = n->config.run.stage;
    const struct node_input *folder = node_input(n, "scenes");
    if ((kind == STAGE_SCENES || kind == STAGE_PREPARE) && n->dir)
        put_sets(c, run_name(n), n->dir);
    else if (folder && folder->path)
        put_sets(c, path_base(folder->path), folder->path);
    if (kind == STAGE_MINE) put_pairs(c, n);
}

/* ---- packages that it came from ---- */

/* Several nodes are of one package. Another of the same name, from another folder, has a card of
 * its own, and its sources count as well. */
static bool has_package(const cJSON *packages, const char *name, const cJSON *card) {
    const cJSON *old;
    cJSON_ArrayForEach(old, packages) {
        const char *its = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(old, "name"));
        const cJSON *was = cJSON_GetObjectItemCaseSensitive(old, "card");
        bool same = card ? cJSON_Compare(was, card, true) : cJSON_IsString(was);
        if (its && strcmp(its, name) == 0 && same) return true;
    }
    return false;
}

static void put_package(struct card *c, const struct node *n) {
    cJSON *packages = cJSON_GetObjectItemCaseSensitive(c->json, "packages"), *source;
    cJSON *card = run_json(n->dir, PACKAGE_CARD);
    char *name = path_stem(n->dir);
    if (has_package(packages, name, card)) {
        cJSON_Delete(card);
        free(name);
        return;
    }
    cJSON *o = cJSON_CreateObject();
    cJSON *sources = cJSON_GetObjectItemCaseSensitive(c->json, "sources");
    cJSON_AddStringToObject(o, "name", name);
    cJSON_ArrayForEach(source, cJSON_GetObjectItemCaseSensitive(card, "sources")) {
        cJSON *copy = cJSON_Duplicate(source, true);
        const char *was = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(copy, "name"));
        char *whole = mem_format("%s/%s", name, was ? was : CARD_UNKNOWN);
        cJSON_DeleteItemFromObjectCaseSensitive(copy, "name");
        cJSON_AddStringToObject(copy, "name", whole);
        cJSON_AddItemToArray(sources, copy);
        free(whole);
    }
    cJSON_AddItemToObject(o, "card", card ? card : cJSON_CreateString(CARD_UNKNOWN));
    cJSON_AddItemToArray(packages, o);
    free(name);
}

/* Inputs before those that needed them, each once. */
static void walk(struct card *c, const struct node *n, struct strings *seen) {
    if (!n) return;
    for (size_t i = 0; i < seen->n; i++)
        if (strcmp(seen->at[i], n->path) == 0) return;
    strings_add(seen, n->path);
    if (n->packaged) {
        put_package(c, n);
        return;
    }
    for (size_t i = 0; i < n->n_inputs; i++) walk(c, n->input[i].node, seen);
    put_run(c, n);
    put_data(c, n);
    card_sources(c, n);
}

/* ---- results ---- */

/* Where figures of this model may be: the evaluation it was named by, or else its own run. */
static const struct node *measured(const struct segmenter *s) {
    for (size_t i = 0; i < s->graph.n; i++) {
        const struct node *n = s->graph.at[i];
        if (n != s->node && n->dir && !n->packaged && n->config.run.stage == STAGE_EVALUATE)
            return n;
    }
    return node_from(s->node, "clip");
}

/* The row of the CLIP that is packed; NULL: not told. */
static const char *row_of(const struct segmenter *s, const struct node *evaluation) {
    const struct node_input *clip = node_input(s->node, "clip");
    const char *row = NULL;
    for (size_t i = 0; i < evaluation->n_inputs; i++) {
        const struct node_input *in = &evaluation->input[i];
        if (segment_is_clip(in->name) && in->node == clip->node && in->best == clip->best)
            row = in->name;
    }
    return row;
}

/* What inference differs in from what was measured: overrides of the export. */
static void put_differences(cJSON *results, const struct segmenter *s, const cJSON *protocol) {
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(protocol, "settings"), *one;
    struct str now = {0}, lines = {0};
    struct strings differ = {0};
    settings_describe(config_used(STAGE_EVALUATE), &s->node->config, &now);
    str_add(&lines, "\n%s", now.at);
    cJSON_ArrayForEach(one, said) {
        bool inference = one->string && (strncmp(one->string, "eval.", 5) == 0 ||
                                         strncmp(one->string, "text.", 5) == 0 ||
                                         strncmp(one->string, "crop.", 5) == 0);
        if (!inference || !cJSON_IsString(one) || strcmp(one->string, "eval.images") == 0) continue;
        char *line = mem_format("\n%s=%s\n", one->string, one->valuestring);
        if (!strstr(lines.at, line)) strings_add(&differ, one->string);
        free(line);
    }
    cJSON_AddItemToObject(results, "other_settings", strings_json(&differ));
    strings_free(&differ);
    str_free(&lines);
    str_free(&now);
}

static void put_results(struct card *c, const struct segmenter *s) {
    const struct node *n = measured(s);
    cJSON *json = NULL;
    if (!n->dir || n->packaged || protocol_read(n->dir, &json)) error_clear();
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(json, "rows");
    const cJSON *protocol = cJSON_GetObjectItemCaseSensitive(json, "protocol");
    if (!rows || !protocol) {
        cJSON_AddStringToObject(c->json, "protocol", CARD_UNKNOWN);
        cJSON_AddStringToObject(c->json, "results", CARD_UNKNOWN);
        cJSON_Delete(json);
        return;
    }
    cJSON_AddItemToObject(c->json, "protocol", cJSON_Duplicate(protocol, true));
    cJSON *results = cJSON_AddObjectToObject(c->json, "results");
    const char *row = row_of(s, n);
    cJSON_AddStringToObject(results, "of", run_name(n));
    cJSON_AddStringToObject(results, "row", row ? row : CARD_UNKNOWN);
    put_differences(results, s, protocol);
    cJSON_AddItemToObject(results, "rows", cJSON_Duplicate(rows, true));
    cJSON_Delete(json);
}

/* ---- all of it ---- */

int card_gather(struct card *c, const struct segmenter *s, const struct string_map *licences) {
    static const char *const lists[] = {"lineage", "packages", "sources", "sets", "pairs"};
    struct strings seen = {0};
    *c = (struct card){.json = cJSON_CreateObject()};
    cJSON_AddStringToObject(c->json, "format", "ovseg-card");
    cJSON_AddNumberToObject(c->json, "version", CARD_VERSION);
    cJSON_AddStringToObject(c->json, "tool", OVSEG_VERSION);
    put_model(c, s);
    put_inference(c, s);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        cJSON_AddArrayToObject(c->json, lists[i]);
    for (size_t i = 0; i < s->node->n_inputs; i++) walk(c, s->node->input[i].node, &seen);
    strings_free(&seen);
    put_results(c, s);
    return card_licences(c, licences);
}

void card_free(struct card *c) {
    cJSON_Delete(c->json);
    strings_free(&c->warnings);
    *c = (struct card){0};
}

/* ---- names ---- */

static bool take_names(const struct node *n, const char *set, struct vocabulary *v) {
    struct dataset d;
    if (!node_input(n, "scenes") || clip_open_set(n, set, &d)) {
        error_clear();
        return false;
    }
    vocabulary_of(v, d.class_name, (size_t)d.n_classes);
    for (size_t k = 0; k < v->n; k++) v->at[k].unseen = !d.class_seen[k];
    dataset_close(&d);
    return v->n > 0;
}

char *card_names(const struct segmenter *s, struct vocabulary *v) {
    const struct node *n = measured(s), *network = node_from(s->node, "proposals");
    *v = (struct vocabulary){0};
    if (n->packaged || network->packaged) { /* its names are this one's */
        char *path = path_join(n->packaged ? n->dir : network->dir, PACKAGE_NAMES);
        bool read = file_exists(path) && !vocabulary_read(v, path);
        error_clear();
        free(path);
        return read ? mem_format("the package it came from") : NULL;
    }
    if (n->config.run.stage == STAGE_EVALUATE) {
        const struct node_input *names = node_input(n, "names");
        if (names && names->path && !vocabulary_read(v, names->path))
            return mem_format("%s, of %s", path_base(names->path), run_name(n));
        error_clear();
        if (take_names(n, n->config.eval.set, v))
            return mem_format("set %s of %s", n->config.eval.set, run_name(n));
    }
    if (take_names(network, "seen", v)) return mem_format("set seen of %s", run_name(network));
    return NULL;
}
