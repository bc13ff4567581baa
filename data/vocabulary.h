/* Vocabularies: the classes that are looked for, in the order of their indices.
 *
 * YAML (a name ending in .yaml or .yml), a list, or a map with the list under `classes`:
 *
 *     classes:
 *       - sky
 *       - name: building, edifice        # a comma is part of the name
 *         synonyms: [house, skyscraper]  # read like the name, and put together (eval.synonyms)
 *         prompts: ["a facade of a {}."] # instead of the templates; {} is the name or a synonym
 *         colour: [70, 70, 70]           # or "#464646"
 *         kind: stuff                    # or thing
 *         raw: 12                        # the value in label files that means this class
 *         split: seen                    # or unseen: has no masks in training
 *         group: buildings               # classes of one group count as one in group figures
 *
 * Any other file is plain text: one name a line; empty lines and lines that begin with # do not
 * count. On the command line a list "a,b,c" does where no file has that name. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum { VOCABULARY_MAX = 65534, VOCABULARY_MAX_NAME = 1000 }; /* classes; bytes of a name */

enum vocabulary_kind { KIND_UNKNOWN, KIND_THING, KIND_STUFF };

struct vocabulary_class {
    char *name, *group; /* group: NULL, of its own */
    struct strings synonyms, prompts;
    enum vocabulary_kind kind;
    bool has_colour, unseen;
    uint8_t colour[3];
    int32_t raw; /* -1: none given */
    size_t line; /* of its file; 0: not from one */
};

struct vocabulary {
    struct vocabulary_class *at;
    size_t n, cap;
};

/* A file, or "a,b,c". ERR_MISSING, or ERR_DATA with all mistakes at once: empty or doubled names
 * (case does not count; a synonym doubles a name too), values out of range, unknown keys. Those of
 * a list are ERR_USAGE. */
int vocabulary_open(struct vocabulary *v, const char *file_or_names);
int vocabulary_read(struct vocabulary *v, const char *path);
void vocabulary_close(struct vocabulary *v);
/* The same checks of one that was put together; `source` stands where a path would. */
int vocabulary_check(const struct vocabulary *v, const char *source);

/* Of names that need no checking: those of a data set, nouns of captions. */
void vocabulary_of(struct vocabulary *v, char *const *names, size_t n);
void vocabulary_add(struct vocabulary *v, const char *name);
/* Class i of `from`, with all that belongs to it, behind those of `to`; `from` keeps its name. */
void vocabulary_take(struct vocabulary *to, struct vocabulary *from, size_t i);
/* The text of a YAML file that reads as `v`, behind `comment` (lines that begin with #). */
void vocabulary_print(const struct vocabulary *v, const char *comment, struct str *out);

/* The class that has this name or, when none does, this synonym (case does not count); n: none. */
size_t vocabulary_find(const struct vocabulary *v, const char *name);

/* All of `from`, in a new one. */
void vocabulary_copy(const struct vocabulary *from, struct vocabulary *to);

/* Every wording, a name or a synonym, as a class of its own, with the prompts of its class: in the
 * order of the classes, the name first. `class_of` [out->n], when wanted, owned: the class. */
void vocabulary_wordings(const struct vocabulary *v, struct vocabulary *out, size_t **class_of);

/* Appends the texts that stand for class i: its own prompts or else the templates, each with the
 * name and with every synonym. ERR_CONFIG when a template is none. */
int vocabulary_prompts(const struct vocabulary *v, size_t i, const struct strings *templates,
                       struct strings *out);
