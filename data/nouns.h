/* The nouns of a caption. Tokens are those of the regular expression
 *     [a-z0-9]+(?:[-'][a-z0-9]+)*|[^\sa-z0-9]
 * over the lower-cased caption (Unicode): words of ASCII letters and digits, and every other
 * character alone. So "café" is two tokens, of which a tagger sees "caf"; captions in other
 * scripts have tokens and no nouns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "data/noun_parser.h"
#include "data/noun_phrases.h"
#include "data/noun_tags.h"
#include "data/perceptron.h"

enum nouns_backend {
    NOUNS_LINK_GRAMMAR, /* the parser and dictionary of link-grammar, corrected by context */
    NOUNS_PERCEPTRON,   /* a tagger with weights that the user has */
    NOUNS_TAGS,         /* what another program found */
};

struct nouns_options {
    enum nouns_backend backend;
    struct noun_limits limits;       /* of link-grammar */
    const struct perceptron *tagger; /* of NOUNS_PERCEPTRON, the caller's, shared by threads */
    const struct noun_tags *tags;    /* of NOUNS_TAGS, the same */
    /* What holds for every backend, each off as it stands. */
    const char *phrases;   /* path of phrases that are one noun each, before any backend; or NULL */
    const char *stop_list; /* path of a file of words, one a line, that are no nouns; or NULL */
    bool compounds;        /* nouns that follow each other are one: "fire hydrant" */
    bool lemmatize;        /* names in their dictionary form, without 's, every word of them */
    bool fold_plurals;     /* names in the singular: "dogs" is "dog", "people" is "person" */
    bool keep_case;        /* tokens and names as they are spelt, which the perceptron sees, too */
};

struct nouns {
    struct nouns_options options;
    struct strings stop; /* sorted */
    struct noun_phrases phrases;
    struct noun_parser *parser;
};

struct noun_caption {
    const char *text; /* n bytes, any of them; a NUL counts as white space */
    size_t n;
    int64_t id;     /* of the set; where there is none, its number */
    int64_t number; /* in the order of the set or the stream, from 0 */
};

struct noun_list {
    struct strings token;
    size_t n, cap;
    size_t *at;          /* [n]: indices into token, rising; of several words the last one's */
    struct strings name; /* [n]: the noun as its own text */
    struct strings tag;  /* of each token, where a tagger gave it; else empty */
};

/* ERR_MISSING, ERR_DATA of the stop list and the phrases, and the errors of noun_parser_open. A
 * handle is for one thread at a time. */
int nouns_open(struct nouns *n, const struct nouns_options *options);
void nouns_close(struct nouns *n);

/* Replaces what `out` held ({0} at first). The same caption always has the same nouns, whatever
 * came before it. ERR_DATA from noun_tags_find alone. */
int nouns_find(struct nouns *n, const struct noun_caption *caption, struct noun_list *out);
/* The same of tokens that the caller split: `out` holds them, and nothing else. */
void nouns_find_in(struct nouns *n, struct noun_list *out);
void noun_list_free(struct noun_list *l);

/* The tokens alone, appended to `out`; n bytes, any of them. */
void nouns_tokenize(const char *caption, size_t n, bool keep_case, struct strings *out);
