/* ovseg nouns: captions on stdin, one a line; their tokens and nouns on stdout, a JSON object a
 * line: {"tokens": ["a", "red", "car"], "nouns": [2]}. */
#include <argp.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "data/unicode.h"
#include "train/commands/cmd.h"
#include "train/mine/noun_source.h"

enum { KEY_COMPOUNDS = 256, KEY_LEMMATIZE, KEY_FOLD, KEY_CASE, KEY_JSON, KEY_TOKENS, KEY_TAGS };

static const struct argp_option options[] = {
    {"backend", 'b', "NAME", 0,
     "What finds them: link-grammar (the default), perceptron (needs --weights), tags (needs "
     "--tags)",
     1},
    {"weights", 'w', "PATH", 0,
     "The perceptron's weights, NLTK's averaged_perceptron_tagger: the folder of its three JSON "
     "files, its pickle, or a text (docs/nouns.md)",
     1},
    {"tags", 't', "FILE", 0,
     "What another program found: JSON Lines, {\"tokens\": [...], \"nouns\": [...]} or "
     "{\"tokens\": [...], \"tags\": [...]}, one for each caption; what this command writes is read",
     1},
    {"phrases", 'p', "FILE", 0,
     "Phrases, one a line, each of which is one noun wherever it stands; the longest counts, and "
     "all before the backend",
     2},
    {"stop-list", 's', "FILE", 0,
     "Words, one a line, that are no nouns: data/relational_nouns.txt has front, top, group, ...",
     2},
    {"compounds", KEY_COMPOUNDS, NULL, 0, "Nouns that follow each other are one: fire hydrant", 2},
    {"lemmatize", KEY_LEMMATIZE, NULL, 0, "Every word of a noun in its dictionary form, without 's",
     2},
    {"fold-plurals", KEY_FOLD, NULL, 0, "Nouns in the singular", 2},
    {"keep-case", KEY_CASE, NULL, 0, "Tokens and nouns as they are spelt, not in lower case", 2},
    {"json", KEY_JSON, NULL, 0,
     "Lines of stdin are objects, {\"id\": 7, \"caption\": \"...\"}; the id is passed on", 3},
    {"tokens", KEY_TOKENS, NULL, 0, "Lines of stdin are tokens with white space between", 3},
    {"show-tags", KEY_TAGS, NULL, 0, "Write the perceptron's tags, too", 3},
    {0},
};

static const char doc[] =
    "Reads captions from stdin, one a line, and writes a JSON object a line: \"tokens\", "
    "lower-case, and \"nouns\", the indices of those that are nouns, from 0. With an option that "
    "changes what nouns are called, or makes one of several tokens, also \"names\", one for each "
    "of "
    "\"nouns\", which then has the index of the last token.\v"
    "Exit status: 0 done, 64 usage, 65 bad input, 66 a file or the dictionary is not there, 69 a "
    "build without link-grammar, 74 input or output.";

struct arguments {
    struct noun_settings nouns;
    bool json, tokens, show_tags;
};

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const char *const backends[] = {"link-grammar", "perceptron", "tags"};
    struct arguments *a = state->input;
    switch (key) {
    case 'b':
        for (int i = 0; i < 3; i++) {
            a->nouns.backend = i;
            if (!strcmp(arg, backends[i])) return 0;
        }
        argp_error(state, "--backend %s: there are link-grammar, perceptron and tags", arg);
        break;
    case 'w': a->nouns.weights = arg; break;
    case 't': a->nouns.tags = arg; break;
    case 'p': a->nouns.phrases = arg; break;
    case 's': a->nouns.stop_list = arg; break;
    case KEY_COMPOUNDS: a->nouns.compounds = true; break;
    case KEY_LEMMATIZE: a->nouns.lemmatize = true; break;
    case KEY_FOLD: a->nouns.fold_plurals = true; break;
    case KEY_CASE: a->nouns.keep_case = true; break;
    case KEY_JSON: a->json = true; break;
    case KEY_TOKENS: a->tokens = true; break;
    case KEY_TAGS: a->show_tags = true; break;
    case ARGP_KEY_ARG: argp_usage(state); break;
    case ARGP_KEY_END: {
        const char *what, *wrong = noun_settings_problem(&a->nouns, &what);
        if (wrong) argp_error(state, "--%s: %s", wrong, what);
        bool tags = a->nouns.backend == NOUNS_TAGS;
        if (a->tokens && (a->json || tags))
            argp_error(state, "--tokens: not with --json, nor with the backend tags");
        if (a->show_tags && a->nouns.backend != NOUNS_PERCEPTRON)
            argp_error(state, "--show-tags: the perceptron alone has tags");
        break;
    }
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- writing ---- */

static void put_texts(struct json_out *j, const char *key, const struct strings *texts) {
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < texts->n; i++) json_string(j, texts->at[i]);
    json_end(j);
}

/* Whether a name can be something else than its token. */
static bool has_names(const struct nouns *n) {
    const struct nouns_options *o = &n->options;
    return n->phrases.longest || o->compounds || o->lemmatize || o->fold_plurals ||
           o->backend == NOUNS_TAGS;
}

/* A line of stdin. */
struct line {
    struct noun_caption caption;
    bool has_id;
    cJSON *json; /* that the caption lies in, or NULL */
};

static int print_nouns(const struct nouns *n, const struct arguments *a, const struct line *from,
                       const struct noun_list *l, struct str *text) {
    struct json_out j = {.to = text};
    text->n = 0;
    json_object(&j);
    if (from->has_id) json_key_int(&j, "id", from->caption.id);
    put_texts(&j, "tokens", &l->token);
    json_key(&j, "nouns");
    json_array(&j);
    for (size_t i = 0; i < l->n; i++) json_int(&j, (int64_t)l->at[i]);
    json_end(&j);
    if (has_names(n)) put_texts(&j, "names", &l->name);
    if (a->show_tags) put_texts(&j, "tags", &l->tag);
    json_end(&j);
    str_put(text, "\n", 1);
    return fwrite(text->at, 1, text->n, stdout) == text->n
               ? 0
               : error_set(ERR_IO, "stdout: cannot write: %s", strerror(errno));
}

/* ---- reading ---- */

/* {"id": 7, "caption": "..."}; the id may be left out. */
static int read_object(const char *text, struct line *l) {
    bool nul = memchr(text, '\0', l->caption.n); /* nothing is left over behind the object */
    l->json = nul ? NULL : cJSON_ParseWithOpts(text, NULL, true);
    const cJSON *caption = cJSON_GetObjectItemCaseSensitive(l->json, "caption");
    if (!cJSON_IsString(caption))
        return error_set(ERR_DATA, "is not a JSON object with a text \"caption\"");
    if (noun_caption_id(l->json, &l->has_id, &l->caption.id)) return error_status();
    l->caption.text = caption->valuestring;
    l->caption.n = strlen(caption->valuestring);
    return 0;
}

/* Tokens with white space between, any bytes. */
static void split(const struct noun_caption *c, struct strings *out) {
    struct str one = {0};
    for (size_t i = 0; i <= c->n;) {
        int32_t code = ' ';
        size_t k = i < c->n ? unicode_get(c->text + i, c->n - i, &code) : 1;
        if (code && !unicode_is_space(code)) {
            str_put(&one, c->text + i, k);
        } else if (one.n) {
            strings_add(out, one.at);
            one.n = 0;
        }
        i += k;
    }
    str_free(&one);
}

static int find(struct nouns *n, const struct arguments *a, struct line *l,
                struct noun_list *found) {
    int status = a->json ? read_object(l->caption.text, l) : 0;
    const struct noun_tags *tags = n->options.tags;
    if (!status && n->options.backend == NOUNS_TAGS && tags->by_id && !l->has_id)
        return error_set(ERR_DATA, "the lines of %s have ids, and this caption none: see --json",
                         tags->path);
    if (status || !a->tokens) return status ? status : nouns_find(n, &l->caption, found);
    noun_list_free(found);
    split(&l->caption, &found->token);
    nouns_find_in(n, found);
    return 0;
}

static int read_captions(struct nouns *nouns, const struct arguments *a) {
    struct noun_list list = {0};
    struct str out = {0};
    char *text = NULL;
    size_t cap = 0;
    ssize_t n;
    int status = 0;
    setvbuf(stdout, NULL, _IOLBF, 1 << 16); /* who writes a line may wait for its answer */
    errno = 0;
    for (int64_t number = 0; !status && (n = getline(&text, &cap, stdin)) >= 0; number++) {
        if (n && text[n - 1] == '\n') text[--n] = '\0';
        if (n && text[n - 1] == '\r') text[--n] = '\0';
        struct line l = {.caption = {text, (size_t)n, number, number}};
        status = find(nouns, a, &l, &list);
        if (status) error_context("stdin: line %lld", (long long)number + 1);
        if (!status) status = print_nouns(nouns, a, &l, &list, &out);
        cJSON_Delete(l.json);
    }
    if (!status && ferror(stdin))
        status = error_set(ERR_IO, "stdin: cannot read: %s", strerror(errno));
    if (!status && (fflush(stdout) || ferror(stdout)))
        status = error_set(ERR_IO, "stdout: cannot write");
    free(text);
    str_free(&out);
    noun_list_free(&list);
    return status;
}

int cmd_nouns(int argc, char **argv) {
    static const struct argp argp = {options, parse, NULL, doc, 0, 0, 0};
    struct arguments a = {0};
    struct noun_source source;
    struct nouns nouns;
    argp_err_exit_status = ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    int status = noun_source_open(&source, &a.nouns);
    if (!status) status = nouns_open(&nouns, &source.options);
    if (!status) {
        status = read_captions(&nouns, &a);
        nouns_close(&nouns);
    }
    noun_source_close(&source);
    return status ? cmd_failed() : 0;
}
