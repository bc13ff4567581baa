#include "base/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/settings_value.h"
#include "base/utf8.h"

const char *string_map_get(const struct string_map *m, const char *name) {
    for (size_t i = 0; i < m->names.n; i++)
        if (strcmp(m->names.at[i], name) == 0) return m->values.at[i];
    return NULL;
}

void string_map_put(struct string_map *m, const char *name, const char *value) {
    for (size_t i = 0; i < m->names.n; i++) {
        if (strcmp(m->names.at[i], name) != 0) continue;
        char *copy = mem_strdup(value);
        free(m->values.at[i]);
        m->values.at[i] = copy;
        return;
    }
    strings_add(&m->names, name);
    strings_add(&m->values, value);
}

void string_map_free(struct string_map *m) {
    strings_free(&m->names);
    strings_free(&m->values);
}

void setting_key(const struct setting_group *g, const struct setting *s,
                 char out[SETTING_MAX_KEY]) {
    snprintf(out, SETTING_MAX_KEY, "%s%s%s", g->prefix, *g->prefix ? "." : "", s->key);
}

static void *field_of(const struct setting_group *g, const struct setting *s, void *values) {
    return (char *)values + g->offset + s->offset;
}

/* What follows `prefix` and a dot in key; key itself under the empty prefix; NULL. */
static const char *after(const char *key, const char *prefix) {
    size_t n = strlen(prefix);
    if (!n) return key;
    return strncmp(key, prefix, n) == 0 && key[n] == '.' ? key + n + 1 : NULL;
}

const struct setting *settings_row(struct settings_table table, const char *key,
                                   const struct setting_group **group) {
    for (size_t k = 0; k < table.n; k++) {
        const struct setting_group *g = &table.at[k];
        const char *rest = after(key, g->prefix);
        for (size_t i = 0; rest && i < g->n; i++) {
            const struct setting *s = &g->rows[i];
            if (strcmp(rest, s->key) == 0 || (s->type == SET_MAP && after(rest, s->key))) {
                if (group) *group = g;
                return s;
            }
        }
    }
    return NULL;
}

/* A key with settings below it ("optim"); an example goes to `of`. */
static bool is_parent(struct settings_table table, const char *key, char of[SETTING_MAX_KEY]) {
    for (size_t k = 0; k < table.n; k++)
        for (size_t i = 0; i < table.at[k].n; i++) {
            setting_key(&table.at[k], &table.at[k].rows[i], of);
            const char *rest = after(of, key);
            if (rest && rest != of) return true;
        }
    return false;
}

static const char *last_part(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

/* The distance from key to a row; for a map, of what stands before the name in it ("input.clip",
 * inputs). *name is that name then, with its dot, and "" otherwise. */
static size_t row_distance(const struct setting *s, const char *full, const char *key, size_t limit,
                           const char **name) {
    size_t d = edit_distance(key, full, limit);
    const char *dot = strrchr(key, '.');
    *name = "";
    /* optimizer.lr for optim.lr: a right name in a wrong place is as good as two typos */
    if (d > 2 && strcmp(last_part(key), last_part(full)) == 0) d = 2;
    if (s->type != SET_MAP || !dot) return d;
    char *parent = mem_format("%.*s", (int)(dot - key), key);
    size_t to_map = edit_distance(parent, full, 2);
    free(parent);
    if (to_map > 2 || to_map >= d) return d;
    *name = dot;
    return to_map;
}

bool settings_suggest(struct settings_table table, const char *key, char out[SETTING_MAX_KEY]) {
    size_t limit = strlen(key) / 3 < 2 ? 2 : strlen(key) / 3, best = limit + 1;
    for (size_t k = 0; k < table.n; k++)
        for (size_t i = 0; i < table.at[k].n; i++) {
            const struct setting *s = &table.at[k].rows[i];
            char full[SETTING_MAX_KEY];
            const char *name;
            setting_key(&table.at[k], s, full);
            size_t d = row_distance(s, full, key, limit, &name);
            if (d >= best) continue;
            best = d;
            snprintf(out, SETTING_MAX_KEY, "%s%s", full, name);
        }
    return best <= limit;
}

struct assign {
    const struct settings_doc *doc;
    struct settings_table used, known;
    const char *what;
    char *out;
    bool *given; /* by row of `used`, group after group */
    struct problems *p;
};

__attribute__((format(printf, 4, 5))) static void complain(struct assign *a,
                                                           const struct setting_entry *e,
                                                           struct yaml_mark at, const char *fmt,
                                                           ...) {
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    utf8_vformat(text, sizeof text, fmt, ap);
    va_end(ap);
    if (e->file && at.line)
        problems_add(a->p, "%s:%zu:%zu: %s", e->file, at.line, at.column, text);
    else
        problems_add(a->p, "%s: %s", e->file ? e->file : "command line", text);
}

static void unknown(struct assign *a, const struct setting_entry *e) {
    char near[SETTING_MAX_KEY] = "";
    const char *key = e->yaml.key;
    bool found = !problems_full(a->p) &&
                 (settings_suggest(a->used, key, near) || settings_suggest(a->known, key, near));
    complain(a, e, e->yaml.key_mark, "unknown setting %s%s%s%s", key,
             found ? " (did you mean " : "", found ? near : "", found ? "?)" : "");
}

/* An entry of a row's, into `field` or, when that is NULL, only checked. */
static void assign_entry(struct assign *a, const struct setting *s, const struct setting_group *g,
                         const struct setting_entry *e, void *field) {
    struct setting_fault f;
    const char *key = e->yaml.key, *rest = after(key, g->prefix);
    const char *name = s->type == SET_MAP ? after(rest, s->key) : NULL;
    if (s->type == SET_MAP && !name && e->yaml.kind == YAML_MAP) return; /* its names follow */
    bool ok = name ? setting_check_text(&e->yaml, &f) : setting_parse(s, &e->yaml, field, &f);
    if (ok && name && field)
        string_map_put(field, name, e->yaml.at->text);
    else if (!ok && f.element == SIZE_MAX)
        complain(a, e, f.mark, "%s: %s", key, f.what);
    else if (!ok)
        complain(a, e, f.mark, "%s[%zu]: %s", key, f.element, f.what);
}

static size_t row_index(struct settings_table t, const struct setting_group *g,
                        const struct setting *s) {
    size_t index = (size_t)(s - g->rows);
    for (const struct setting_group *k = t.at; k < g; k++) index += k->n;
    return index;
}

static void one_entry(struct assign *a, const struct setting_entry *e) {
    const struct setting_group *g;
    const struct setting *s = settings_row(a->used, e->yaml.key, &g);
    char below[SETTING_MAX_KEY];
    bool empty =
        e->yaml.kind == YAML_MAP || (e->yaml.kind == YAML_SCALAR && yaml_is_null(e->yaml.at));
    if (e->yaml.in_list) return; /* its list has been complained about */
    if (s) {
        a->given[row_index(a->used, g, s)] = true;
        assign_entry(a, s, g, e, field_of(g, s, a->out));
        return;
    }
    s = settings_row(a->known, e->yaml.key, &g);
    if (s) {
        if (!e->shared)
            complain(a, e, e->yaml.key_mark, "%s has no effect in %s", e->yaml.key, a->what);
        else
            assign_entry(a, s, g, e, NULL);
    } else if (is_parent(a->known, e->yaml.key, below)) {
        if (!empty)
            complain(a, e, e->yaml.key_mark, "%s is a group of settings, such as %s", e->yaml.key,
                     below);
    } else if (e->yaml.kind != YAML_MAP || !e->yaml.n) { /* of a map, its members are unknown */
        unknown(a, e);
    }
}

int settings_assign(const struct settings_doc *doc, struct settings_table used,
                    struct settings_table known, const char *what, void *out, struct problems *p) {
    struct assign a = {doc, used, known, what, out, NULL, p};
    size_t before = p->n, n = 0;
    for (size_t k = 0; k < used.n; k++) n += used.at[k].n;
    a.given = mem_alloc(n, sizeof *a.given);
    settings_free(used, out);
    for (size_t k = 0; k < used.n; k++)
        for (size_t i = 0; i < used.at[k].n; i++) {
            const struct setting *s = &used.at[k].rows[i];
            struct setting_fault f;
            bool ok = !s->fallback || setting_parse_fallback(s, field_of(&used.at[k], s, out), &f);
            REQUIRE(ok, "the fallback of %s: %s", s->key, f.what);
        }
    for (size_t i = 0; i < doc->n; i++) one_entry(&a, &doc->at[i]);
    for (size_t k = 0, row = 0; k < used.n; k++)
        for (size_t i = 0; i < used.at[k].n; i++, row++) {
            const struct setting *s = &used.at[k].rows[i];
            char key[SETTING_MAX_KEY];
            setting_key(&used.at[k], s, key);
            if (!s->fallback && !a.given[row])
                problems_add(p, "%s: missing %s: %s", doc->path, key, s->help);
        }
    free(a.given);
    return p->n > before ? ERR_CONFIG : 0;
}

void settings_free(struct settings_table table, void *values) {
    for (size_t k = 0; k < table.n; k++)
        for (size_t i = 0; i < table.at[k].n; i++)
            setting_release(&table.at[k].rows[i],
                            field_of(&table.at[k], &table.at[k].rows[i], values));
}

void settings_problem(const struct settings_doc *doc, struct problems *p, const char *key,
                      const char *fmt, ...) {
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    utf8_vformat(text, sizeof text, fmt, ap);
    va_end(ap);
    const struct setting_entry *e = settings_find(doc, key);
    struct str origin = {0};
    if (e)
        setting_origin(e, &origin);
    else
        str_add(&origin, "%s", doc->path);
    problems_add(p, "%s: %s: %s", origin.at, key, text);
    str_free(&origin);
}

static void check_row(const struct setting_group *g, const struct setting *s, struct problems *p) {
    char key[SETTING_MAX_KEY];
    setting_key(g, s, key);
    struct setting_fault f;
    bool ranged =
        s->type == SET_INT || s->type == SET_REAL || s->type == SET_INTS || s->type == SET_REALS;
    size_t length = strlen(g->prefix) + 1 + strlen(s->key);
    if (length + 1 > SETTING_MAX_KEY) problems_add(p, "%s: the key is too long", key);
    if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_.") != strlen(key) || strstr(key, "..") ||
        !*s->key || key[0] == '.' || key[strlen(key) - 1] == '.')
        problems_add(p, "%s: a key is small letters, digits and _, between dots", key);
    if (!s->help || !*s->help) problems_add(p, "%s: no help", key);
    if (ranged && !(s->min <= s->max)) problems_add(p, "%s: an empty range", key);
    if (s->type == SET_CHOICE && (!s->choices || !s->choices[0])) {
        problems_add(p, "%s: no choices", key);
        return;
    }
    if (s->fallback && !setting_parse_fallback(s, NULL, &f))
        problems_add(p, "%s: the fallback: %s", key, f.what);
}

void settings_check_table(struct settings_table table, struct problems *p) {
    for (size_t k = 0; k < table.n; k++)
        for (size_t i = 0; i < table.at[k].n; i++) {
            const struct setting_group *g = &table.at[k];
            char key[SETTING_MAX_KEY], below[SETTING_MAX_KEY];
            check_row(g, &g->rows[i], p);
            setting_key(g, &g->rows[i], key);
            if (settings_row(table, key, NULL) != &g->rows[i])
                problems_add(p, "%s: there are two rows for it", key);
            if (is_parent(table, key, below))
                problems_add(p, "%s: is a setting and holds %s", key, below);
        }
}
