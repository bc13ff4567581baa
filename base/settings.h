/* Settings: an options struct, and a table of rows that say how each field is spelled, checked and
 * explained. The folder that uses the options owns both (base/setting_rows.h writes the rows);
 * a program puts the tables it knows side by side, each at a prefix.
 *
 *     struct settings_doc doc;
 *     settings_read(&doc, "configs/mpt.yaml");             with its `base:` files
 *     settings_override(&doc, &override);                  key=value, later wins
 *     settings_assign(&doc, used, known, "stage mask-prompt", &config, &problems);
 *     problems_close(&problems, ERR_CONFIG);               all mistakes, or none
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/problems.h"
#include "base/settings_doc.h"

/* The fields a row may fill; all but numbers and booleans are owned. {0} is the empty list. */
struct ints {
    int64_t *at;
    size_t n;
};
struct reals {
    double *at;
    size_t n;
};
struct string_map { /* in the order of the file */
    struct strings names, values;
};
const char *string_map_get(const struct string_map *m, const char *name); /* NULL: not there */
void string_map_put(struct string_map *m, const char *name, const char *value);
void string_map_free(struct string_map *m);

enum setting_type {
    SET_INT,     /* int64_t */
    SET_REAL,    /* double, finite */
    SET_BOOL,    /* bool: true or false, no other word */
    SET_STRING,  /* char * */
    SET_CHOICE,  /* int or an enum: index into choices */
    SET_INTS,    /* struct ints */
    SET_REALS,   /* struct reals */
    SET_STRINGS, /* struct strings */
    SET_MAP,     /* struct string_map: name -> text */
};

/* What a change of it changes; `result` alone enters the hash of a run. */
enum setting_class { SET_RESULT, SET_SPEED, SET_OUTPUT };

struct setting {
    const char *key; /* in its group: "lr", "warmup.steps" */
    enum setting_type type;
    enum setting_class cls;
    size_t offset;              /* in the options struct */
    const char *fallback;       /* as one would write it in YAML; NULL: must be given */
    double min, max;            /* numbers and elements: the range, ends included */
    const char *const *choices; /* ends with NULL */
    const char *help;           /* one line, with the unit */
};

/* The rows of one options struct, at a place in the whole: prefix "optim" makes "optim.lr"; the
 * prefix "" leaves the keys as they are. */
struct setting_group {
    const char *prefix;
    const struct setting *rows;
    size_t n;
    size_t offset; /* of the options struct in the whole */
};

struct settings_table {
    const struct setting_group *at;
    size_t n;
};

enum { SETTING_MAX_KEY = 256 }; /* bytes of a whole key, with its NUL */

/* Fills the struct at `out`, which was zeroed or filled before: the fallback of every row of
 * `used`, then what the document gives. Adds every mistake to p, one a line, as
 * "file:line:column: key: what is wrong"; 0 or ERR_CONFIG (the error slot stays clear). What has
 * a mistake keeps its fallback.
 *
 * `known` are the rows of all stages. A key of another stage is a mistake ("has no effect in
 * stage scenes", from `what`) unless its entry is shared: base files, inherited settings and *:
 * overrides speak to several stages; it is then checked and left out. */
int settings_assign(const struct settings_doc *doc, struct settings_table used,
                    struct settings_table known, const char *what, void *out, struct problems *p);

/* For checks across settings: adds "ORIGIN: key: text", ORIGIN being where the key's value came
 * from, or the config's path for a default. */
void settings_problem(const struct settings_doc *doc, struct problems *p, const char *key,
                      const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Frees what the rows own and clears their fields. */
void settings_free(struct settings_table table, void *values);

/* The row of a key, or of the map that a key lies in ("inputs.clip"), and its group; NULL. */
const struct setting *settings_row(struct settings_table table, const char *key,
                                   const struct setting_group **group);

/* The whole key of a row. */
void setting_key(const struct setting_group *g, const struct setting *s, char out[SETTING_MAX_KEY]);

/* The key that was probably meant; false when none is near. */
bool settings_suggest(struct settings_table table, const char *key, char out[SETTING_MAX_KEY]);

/* For a test: keys are whole and unique, fallbacks parse and are in range, helps are there. */
void settings_check_table(struct settings_table table, struct problems *p);
