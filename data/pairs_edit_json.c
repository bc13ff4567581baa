#include "data/pairs_edit_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/yaml.h"

static void put_ids(struct json_out *j, const char *key, const struct pair_ids *ids) {
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < ids->n; i++) {
        char text[24];
        pair_id_print(ids->at[i], text);
        json_string(j, text);
    }
    json_end(j);
}

static void put_strings(struct json_out *j, const char *key, const struct strings *l) {
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < l->n; i++) json_string(j, l->at[i]);
    json_end(j);
}

static void put_edit(struct json_out *j, const struct pairs *p, const struct pairs_edit *e) {
    char hex[17];
    hash_hex(p->hash, hex);
    json_object(j);
    json_key_string(j, "parent", hex);
    json_key_int(j, "parent_pairs", p->n);
    if (e->drop_id.n) put_ids(j, "drop_ids", &e->drop_id);
    if (e->keep_ids) put_ids(j, "keep_ids", &e->keep_id);
    if (isfinite(e->score_lo)) json_key_real(j, "score_min", e->score_lo);
    if (isfinite(e->score_hi)) json_key_real(j, "score_max", e->score_hi);
    if (e->rename.names.n) {
        json_key(j, "rename");
        json_object(j);
        for (size_t i = 0; i < e->rename.names.n; i++)
            json_key_string(j, e->rename.names.at[i], e->rename.values.at[i]);
        json_end(j);
    }
    if (e->drop_noun.n) put_strings(j, "drop_nouns", &e->drop_noun);
    if (e->keep_nouns) put_strings(j, "keep_nouns", &e->keep_noun);
    if (e->min_count) json_key_int(j, "min_count", e->min_count);
    if (e->max_per_noun) {
        json_key_int(j, "max_per_noun", e->max_per_noun);
        json_key_string(j, "chosen", e->best ? "best" : "random");
        if (!e->best) json_key_int(j, "seed", e->seed);
    }
    json_end(j);
}

void pairs_edit_json(const struct pairs *p, const struct pairs_edit *e, struct str *out) {
    struct json_out j = {.to = out};
    size_t before = p->edits ? strlen(p->edits) : 0; /* "[...]", and this one goes before the ] */
    if (before > 2)
        str_add(out, "%.*s,", (int)(before - 1), p->edits);
    else
        str_add(out, "[");
    put_edit(&j, p, e);
    str_add(out, "]");
}

/* ---- a file of names ---- */

static int add_name(struct string_map *m, const char *where, size_t line, const char *old,
                    const char *new) {
    if (!*old || !*new)
        return error_set(ERR_DATA, "%s:%zu: an empty noun: each line is old, tab, new", where,
                         line);
    strings_add(&m->names, old);
    strings_add(&m->values, new);
    return 0;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All at once: a file may have as many lines as there are nouns. */
static int check_names(const struct string_map *m, const char *where) {
    char **name = mem_alloc(m->names.n + 1, sizeof *name);
    int status = 0;
    for (size_t i = 0; i < m->names.n; i++) name[i] = m->names.at[i];
    if (m->names.n) qsort(name, m->names.n, sizeof *name, by_text);
    for (size_t i = 1; !status && i < m->names.n; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            status = error_set(ERR_DATA, "%s: \"%s\" is renamed twice", where, name[i]);
    free(name);
    return status;
}

static char *cut(const char *at, size_t n) {
    while (n && (unsigned char)*at <= ' ') at++, n--;
    while (n && (unsigned char)at[n - 1] <= ' ') n--;
    return mem_format("%.*s", (int)n, at);
}

static int parse_line(struct string_map *m, const char *name, size_t number, const char *line,
                      size_t n) {
    const char *tab = memchr(line, '\t', n);
    if (memchr(line, '\0', n))
        return error_set(ERR_DATA, "%s:%zu: a NUL byte: not a text", name, number);
    char *old = cut(line, tab ? (size_t)(tab - line) : n);
    if (!*old && !tab) {
        free(old);
        return 0;
    }
    char *new = tab ? cut(tab + 1, n - (size_t)(tab - line) - 1) : mem_strdup("");
    int status = 0;
    if (*line != '#') {
        if (!tab)
            status =
                error_set(ERR_DATA, "%s:%zu: no tab: each line is old, tab, new", name, number);
        else if (strchr(new, '\t'))
            status =
                error_set(ERR_DATA, "%s:%zu: two tabs: each line is old, tab, new", name, number);
        else
            status = add_name(m, name, number, old, new);
    }
    free(old);
    free(new);
    return status;
}

static int parse_lines(struct string_map *m, const char *name, const char *text, size_t n) {
    int status = 0;
    size_t number = 0;
    for (size_t at = 0; !status && at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t length = end ? (size_t)(end - text) - at : n - at;
        status = parse_line(m, name, ++number, text + at, length);
        at += length + 1;
    }
    return status;
}

static int parse_yaml(struct string_map *m, const char *name, const char *text, size_t n) {
    struct yaml_doc doc = {0};
    int status = yaml_doc_parse(&doc, name, text, n);
    if (!status && (!doc.n || doc.at[0].kind != YAML_MAP))
        status = error_set(ERR_DATA, "%s: is no map of nouns, old: new", name);
    for (size_t i = 1; !status && i < doc.n; i++) {
        const struct yaml_entry *e = &doc.at[i];
        if (e->kind != YAML_SCALAR || yaml_is_null(e->at))
            status = error_set(ERR_DATA, "%s:%zu: %s: must be the new noun", name, e->key_mark.line,
                               e->key);
        else
            status = add_name(m, name, e->key_mark.line, e->key, e->at->text);
    }
    yaml_doc_free(&doc);
    return status;
}

int pairs_rename_parse(struct string_map *m, const char *name, const char *text, size_t n) {
    *m = (struct string_map){0};
    int status = path_is_yaml(name) ? parse_yaml(m, name, text, n) : parse_lines(m, name, text, n);
    if (!status && !m->names.n) status = error_set(ERR_DATA, "%s: renames no noun", name);
    if (!status) status = check_names(m, name);
    if (status) string_map_free(m);
    return status;
}
