/* Nouns that another program found: JSON Lines, one object for each caption.
 *
 *   {"id": 37, "tokens": ["two", "dogs", "run"], "nouns": [1]}
 *   {"tokens": ["two", "dogs", "run"], "tags": ["CD", "NNS", "VBP"]}
 *
 * "tokens" are the caption's text without its white space, however it was split and in any case
 * (and with `` and '' for "). Nouns are given by their indices in "nouns", or by "tags", one a
 * token, of the Penn Treebank or Universal Dependencies. "names", one for each of "nouns", are what
 * they are called where that is not the token. "id" is the caption's; all lines have one or none
 * has, and the caption's line is then the one of its number. Other members are not looked at: what
 * `ovseg nouns` writes is read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

enum { NOUN_TAGS_LINE = 64 << 20 }; /* bytes of a line */

struct noun_tags_line {
    int64_t id;    /* or its number, from 0, where there are no ids */
    size_t number; /* of the line, from 1 */
    size_t text;   /* tokens, then names: n_tokens + n_names of them, each with a NUL behind */
    size_t noun;
    uint32_t n_tokens, n_nouns;
    bool named;
};

struct noun_tags {
    char *path;
    struct noun_tags_line *line; /* by rising id */
    size_t n, cap;
    bool by_id;
    struct str text;
    uint32_t *noun; /* indices of tokens, rising within a line */
    size_t n_nouns, cap_nouns;
};

/* Reads all of it; from then on it does not change and serves any number of threads. ERR_MISSING,
 * ERR_DATA with the line. */
int noun_tags_read(struct noun_tags *t, const char *path);
void noun_tags_free(struct noun_tags *t);

/* The line of the caption with this id, or with this number from 0: NULL and ERR_DATA when there is
 * none, or when its tokens are not the caption's n bytes. */
const struct noun_tags_line *noun_tags_find(const struct noun_tags *t, int64_t id, int64_t number,
                                            const char *caption, size_t n);

/* The member "id" of a caption's object, where it is there. ERR_DATA: no whole number. */
struct cJSON;
int noun_caption_id(const struct cJSON *object, bool *there, int64_t *id);
