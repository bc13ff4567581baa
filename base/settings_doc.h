/* A settings document: what a config file, its base files and the command line say, key by key,
 * each with its origin, before any table is asked what it means. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/yaml.h"

struct setting_entry {
    struct yaml_entry yaml; /* key, values, marks */
    uint64_t hash;          /* of the key */
    const char *file;       /* it stands in this file (the document owns the name); NULL: the
                               command line. Relative paths in values start at its folder. Without a
                               line: a name that has no folder, such as "environment X" */
    bool inherited;         /* from the config that named this one */
    bool beneath;           /* from a document that was put beneath this one */
    bool shared;            /* may concern other stages only: base file, inherited, "*:" */
};

struct settings_doc {
    char *path;
    struct setting_entry *at; /* in the order of first appearance, each key once */
    size_t n, cap;
    struct strings files;
};

enum { SETTINGS_MAX_BASES = 8 };

/* Reads a file and, before it, the file its `base:` names (a path relative to the file that says
 * it), and so on. Later wins: scalars and lists replace, maps merge key by key. ERR_CONFIG with
 * file:line:column; ERR_MISSING when a file is not there. */
int settings_read(struct settings_doc *doc, const char *path);

/* The same from a text, whose `base:` is passed over; `name` stands for the path. */
int settings_parse(struct settings_doc *doc, const char *name, const char *text);

void settings_doc_free(struct settings_doc *doc);

const struct setting_entry *settings_find(const struct settings_doc *doc, const char *key);
const char *settings_text(const struct settings_doc *doc,
                          const char *key); /* of a scalar; or NULL */

/* The path that a scalar is, seen from here: relative ones start at the folder of the file that
 * says it, those of the command line where they are; @NAME is a shipped config (base/shipped.h).
 * Owned; NULL when there is no such entry. base/settings_path.h has what knows $NAME, too. */
char *settings_path(const struct settings_doc *doc, const char *key);
char *settings_path_from(const char *file, const char *path); /* of any such text; owned */

/* "file:line:column", "environment X", "command line" or "default" (entry NULL); with ",
 * inherited". */
void setting_origin(const struct setting_entry *e, struct str *out);

/* Copies what `from` says under keys that match one of the patterns ("seed", "paths.*"; ends with
 * NULL) over what doc says. Call it before doc's own overrides: later wins. */
int settings_inherit(struct settings_doc *doc, const struct settings_doc *from,
                     const char *const *patterns);

/* Copies what `under` says of keys that doc does not have. It is not inherited: each document has
 * it beneath its own. */
int settings_beneath(struct settings_doc *doc, const struct settings_doc *under);

/* "key=value", "NAME:key=value", "*:key=value". */
struct override {
    char *scope; /* NULL: the named config; "*": all stages; otherwise the stage of NAME.yaml */
    char *key, *value;
    char *file;            /* that says so: paths start at its folder; NULL: the command line */
    struct yaml_mark mark; /* in it */
};

/* ERR_USAGE with the right spelling. `next` is the argument that follows, or NULL: detectron2
 * writes "KEY VALUE". */
int override_parse(const char *text, const char *next, struct override *out);
void override_free(struct override *o);
void override_copy(struct override *to, const struct override *from);
void override_origin(const struct override *o, struct str *out); /* as setting_origin */

/* Those of a command line, in its order. */
struct overrides {
    struct override *at;
    size_t n, cap;
};
int overrides_add(struct overrides *l, const char *text, const char *next); /* as override_parse */
void overrides_free(struct overrides *l);

/* Puts it over what doc says. The value is a plain text, a quoted one, or a flow list or map. */
int settings_override(struct settings_doc *doc, const struct override *o);
