/* YAML, the safe part of it, as a flat list of keys with their values.
 *
 *     optim: {lr: 5e-3, betas: [0.9, 0.999]}      optim       map of 2
 *     classes:                                    optim.lr    "5e-3"
 *       - sky                                     optim.betas ["0.9", "0.999"]
 *       - {name: tree, thing: false}              classes     ["sky", (not a scalar)]
 *                                                 classes[1]  map of 2
 *                                                 classes[1].name  "tree" ...
 *
 * Files come from strangers. Refused, with file:line:column: tags but the core ones, anchors,
 * aliases, merge keys, directives, several documents, keys given twice, keys that are no scalars,
 * NUL, anything but UTF-8, and what exceeds the limits below. Values stay text: what is a number
 * is for the reader to say.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    YAML_MAX_BYTES = 1 << 20,
    YAML_MAX_DEPTH = 16,
    YAML_MAX_NODES = 10000,
    YAML_MAX_KEY = 255, /* bytes of a dotted key */
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_mark {
    size_t line, column; /* from 1, in characters; 0 0: not in a file */
};

struct yaml_value {
    char *text;  /* NULL: a list or a map, found under key[i] */
    bool quoted; /* or tagged !!str: never a number, a boolean or null */
    struct yaml_mark mark;
};

struct yaml_entry {
    char *key; /* "" for the whole document */
    enum yaml_kind kind;
    struct yaml_value *at; /* the scalar, or the list's elements; NULL for a map */
    size_t n, cap;         /* how many; of a map, its members */
    bool in_list;          /* inside a list: its key has an index in it */
    struct yaml_mark key_mark, mark;
};

/* In the order of the file; a list or map comes before what is in it. {0} is empty. */
struct yaml_doc {
    struct yaml_entry *at;
    size_t n, cap;
};

/* Names are yaml_doc_*: libyaml exports a yaml_free of its own. */

/* ERR_DATA for all that is refused; ERR_MISSING when there is no such file. */
int yaml_doc_read(struct yaml_doc *doc, const char *path);

/* The same for a text; `name` stands in messages where a file's path would. */
int yaml_doc_parse(struct yaml_doc *doc, const char *name, const char *text, size_t n);

void yaml_doc_free(struct yaml_doc *doc);
void yaml_entry_free(struct yaml_entry *e);
struct yaml_entry yaml_entry_copy(const struct yaml_entry *e, const char *key);

/* A plain scalar that stands for nothing: empty, ~ or null. */
bool yaml_is_null(const struct yaml_value *v);
