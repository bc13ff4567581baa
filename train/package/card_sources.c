/* What came from outside, and under which licence. Known are the files that are told by their
 * contents, whose licences are those of data/sources.c, and what this program draws; of the rest
 * the user may say it. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "checkpoints/import.h"
#include "data/sources.h"
#include "train/package/card.h"

static cJSON *add(struct card *c, const char *of, const char *input, const char *kind,
                  const char *file) {
    cJSON *sources = cJSON_GetObjectItemCaseSensitive(c->json, "sources"), *old;
    char *name = input ? mem_format("%s.%s", of, input) : mem_strdup(of);
    cJSON_ArrayForEach(
        old,
        sources) if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(old, "name")),
                            name) == 0) {
        free(name);
        return NULL; /* two runs of one config */
    }
    cJSON *source = cJSON_CreateObject();
    cJSON_AddStringToObject(source, "name", name);
    cJSON_AddStringToObject(source, "kind", kind);
    cJSON_AddStringToObject(source, "file", file ? file : CARD_UNKNOWN);
    cJSON_AddItemToArray(sources, source);
    free(name);
    return source;
}

/* forbids, whether it keeps the model from commercial use: "yes", "no", "maybe" or unknown. */
static void put(cJSON *source, const char *licence, const char *forbids) {
    if (!source) return;
    cJSON_AddStringToObject(source, "licence", licence);
    cJSON_AddStringToObject(source, "non_commercial", forbids);
}

/* What is known by its contents to be of that entry of data/sources.c. */
static void put_published(cJSON *source, const char *name) {
    const struct source *s = source_find(name);
    REQUIRE(s && s->licence, "%s: no licence in data/sources.c", name);
    put(source, s->licence, s->non_commercial ? "yes" : "no");
}

/* A name proves nothing: the licence stays unknown, what it would be is said. */
static void put_by_name(cJSON *source, const char *path) {
    const struct source *s = source_of_path(path);
    if (!s || !s->licence) {
        put(source, CARD_UNKNOWN, CARD_UNKNOWN);
        return;
    }
    char *text = mem_format(CARD_UNKNOWN "; by its name it is of %s: %s", s->name, s->licence);
    put(source, text, s->non_commercial ? "maybe" : CARD_UNKNOWN);
    free(text);
}

static void put_like_ovseg(cJSON *source) {
    const struct source *s = source_find("ovseg-swinb-vitl14");
    REQUIRE(s && s->licence, "no licence in data/sources.c");
    char *text =
        mem_format(CARD_UNKNOWN "; the weights that OVSeg's authors publish are %s", s->licence);
    put(source, text, "maybe");
    free(text);
}

/* A file of weights is told by its contents, as far as it is there. */
static void add_weights(struct card *c, const struct node *n, const char *input, const char *path) {
    cJSON *source = add(c, n->name, input, "weights", path_base(path));
    struct import im = {0};
    if (!source) return;
    bool opened = access(path, R_OK) == 0 && !import_open(&im, path, NULL);
    if (opened) cJSON_AddStringToObject(source, "layout", import_family_name(&im));
    if (opened && im.facts.published) {
        cJSON_AddStringToObject(source, "published", im.facts.published);
        put_published(source, "clip-vit-b16"); /* all of OpenAI's have one licence */
    } else if (opened && im.family == IMPORT_OVSEG) {
        put_like_ovseg(source);
    } else {
        put_by_name(source, path);
    }
    if (opened) import_close(&im);
    error_clear(); /* gone or damaged by now */
}

void card_sources(struct card *c, const struct node *n) {
    if (n->config.run.stage == STAGE_SCENES)
        put(add(c, n->name, NULL, "pictures, captions, label maps", "drawn"),
            "none needed: drawn by ovseg", "no");
    for (size_t i = 0; i < n->n_inputs; i++) {
        const struct node_input *in = &n->input[i];
        if (in->node) continue;
        if (n->config.run.stage == STAGE_IMPORT && strcmp(in->name, "file") == 0)
            add_weights(c, n, in->name, in->path);
        else
            put_by_name(add(c, n->name, in->name, "files", path_base(in->path)), in->path);
    }
    if (n->init) add_weights(c, n, "init.weights", n->init);
    if (n->vocabulary || n->config.run.stage == STAGE_CLIP_PRETRAIN ||
        n->config.run.stage == STAGE_IMPORT)
        put_published(add(c, "tokenizer", NULL, "byte pairs", "bpe_simple_vocab_16e6.txt.gz"),
                      "clip-vocabulary");
}

/* ---- what the user says ---- */

/* A word of a text, letter case aside; "NC" must stand alone: "CC BY-NC 4.0". */
static bool has_word(const char *text, const char *word, bool alone) {
    size_t n = strlen(word);
    for (const char *at = text; *at; at++) {
        bool begins = at == text || !isalnum((unsigned char)at[-1]);
        if (strncasecmp(at, word, n) != 0) continue;
        if (!alone || (begins && !isalnum((unsigned char)at[n]))) return true;
    }
    return false;
}

static bool forbids(const char *licence) {
    return has_word(licence, "nc", true) || has_word(licence, "non-commercial", false) ||
           has_word(licence, "noncommercial", false) ||
           has_word(licence, "non commercial", false) ||
           has_word(licence, "research only", false) ||
           has_word(licence, "research purposes", false) || has_word(licence, "academic", false);
}

static void say(cJSON *source, const char *licence) {
    const char *commerce = strcasecmp(licence, CARD_UNKNOWN) == 0 ? CARD_UNKNOWN
                           : forbids(licence)                     ? "yes"
                                                                  : "no";
    cJSON_ReplaceItemInObjectCaseSensitive(source, "licence", cJSON_CreateString(licence));
    cJSON_ReplaceItemInObjectCaseSensitive(source, "non_commercial", cJSON_CreateString(commerce));
}

static const char *text_of(const cJSON *o, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
    return text ? text : CARD_UNKNOWN;
}

/* A name says it of its source, whatever was known; a pattern of those of which nothing is. */
static int take_said(struct card *c, const char *pattern, const char *licence) {
    cJSON *source, *sources = cJSON_GetObjectItemCaseSensitive(c->json, "sources");
    struct str names = {0};
    size_t found = 0;
    cJSON_ArrayForEach(source, sources) {
        const char *name = text_of(source, "name");
        str_add(&names, "%s%s", names.n ? ", " : "", name);
        if (fnmatch(pattern, name, 0) != 0) continue;
        found++;
        bool unknown = strcmp(text_of(source, "non_commercial"), CARD_UNKNOWN) == 0;
        if (unknown || strcmp(pattern, name) == 0) say(source, licence);
    }
    int status =
        found ? 0
              : error_set(ERR_USAGE, "--licence %s=...: no source of that name; there are %s",
                          pattern, names.at ? names.at : "none");
    str_free(&names);
    return status;
}

/* ---- what follows ---- */

static void warn_of(struct card *c, const cJSON *source) {
    char *line = mem_format("%s (%s): %s: %s", text_of(source, "name"), text_of(source, "file"),
                            text_of(source, "licence"),
                            strcmp(text_of(source, "non_commercial"), "yes") == 0
                                ? "not for commercial use, and so is the model"
                                : "if it is theirs, the model is not for commercial use");
    strings_add(&c->warnings, line);
    free(line);
}

/* "yes" over "maybe" over "unknown" over "no". */
static int rank_of(const char *forbidden) {
    static const char *const ranks[] = {"no", CARD_UNKNOWN, "maybe", "yes"};
    for (int i = 0; i < 4; i++)
        if (strcmp(forbidden, ranks[i]) == 0) return i;
    return 1;
}

int card_licences(struct card *c, const struct string_map *said) {
    int status = 0;
    for (size_t i = 0; !status && i < said->names.n; i++)
        status = take_said(c, said->names.at[i], said->values.at[i]);
    if (status) return status;
    cJSON *source, *sources = cJSON_GetObjectItemCaseSensitive(c->json, "sources");
    const char *most = "no";
    struct str unknown = {0};
    cJSON_ArrayForEach(source, sources) {
        const char *forbidden = text_of(source, "non_commercial");
        if (rank_of(forbidden) > rank_of(most)) most = forbidden;
        if (rank_of(forbidden) >= 2) warn_of(c, source);
        if (rank_of(forbidden) == 1)
            str_add(&unknown, "%s%s", unknown.n ? ", " : "", text_of(source, "name"));
    }
    cJSON_AddStringToObject(c->json, "non_commercial", most);
    if (unknown.n) {
        char *line = mem_format("licence unknown: %s; --licence NAME=TEXT says it", unknown.at);
        strings_add(&c->warnings, line);
        free(line);
    }
    str_free(&unknown);
    return 0;
}
