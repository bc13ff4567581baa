/* The nouns of a caption. Tokens are those of the regular expression
 *     [a-z0-9]+(?:[-'][a-z0-9]+)*|[^\sa-z0-9]
 * over the lower-cased caption (Unicode): words of ASCII letters and digits, and every other
 * character alone. So "café" is two tokens, of which the parser sees "caf"; captions in other
 * scripts have tokens and no nouns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum nouns_backend {
    NOUNS_LINK_GRAMMAR, /* the parser and dictionary of link-grammar, corrected by context */
};

struct nouns_options {
    enum nouns_backend backend;
    bool keep_case;        /* tokens and names as they are spelt; parsing is always lower-case */
    bool fold_plurals;     /* names in the singular: "dogs" is "dog", "people" is "person" */
    const char *stop_list; /* path of a file of words, one a line, that are no nouns; or NULL */
    /* Limits of one parse, 0: the default. None is a time, so that no result depends on load. */
    int max_words;    /* 16; longer sentences are cut, see nouns_find */
    int max_linkages; /* 20: parses that are costed */
    int max_nulls;    /* 1: words a parse may leave out; beyond, the halves are parsed */
};

struct nouns {
    struct nouns_options options;
    struct strings stop; /* sorted */
    struct link_grammar *parser;
};

struct noun_list {
    struct strings token;
    size_t n, cap;
    size_t *at;          /* [n]: indices into token, rising */
    struct strings name; /* [n]: the noun as its own text */
};

/* ERR_DEVICE when this build has no link-grammar, ERR_MISSING when its English dictionary or the
 * stop list is not there. A handle is for one thread at a time; threads open one each (60 MB and
 * 0.3 s). link-grammar stays silent: what it would print is dropped. */
int nouns_open(struct nouns *n, const struct nouns_options *options);
void nouns_close(struct nouns *n);

/* Replaces what `out` held ({0} at first). The same caption always has the same nouns, whatever
 * came before it. Sentences (up to . ! ? ;) are parsed one by one; one of more than max_words
 * tokens is cut into pieces, each before the last ",", "and", "with" or "while" that keeps it
 * within the limit and above half of it, or at the limit. A piece without a parse is cut in two
 * near its middle, and so on. */
int nouns_find(struct nouns *n, const char *caption, struct noun_list *out);
void noun_list_free(struct noun_list *l);

/* The tokens alone, appended to `out`; n bytes, any of them. */
void nouns_tokenize(const char *caption, size_t n, bool keep_case, struct strings *out);
