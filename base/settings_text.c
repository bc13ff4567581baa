#include "base/settings_text.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/settings_value.h"

static const void *field_of(const struct setting_group *g, const struct setting *s,
                            const void *values) {
    return (const char *)values + g->offset + s->offset;
}

/* One line, the comment in a column of its own; no control character may end the comment. */
static void write_line(struct str *out, size_t start, const struct setting_entry *e) {
    enum { COLUMN = 44 };
    size_t width = out->n - start;
    struct str origin = {0};
    setting_origin(e, &origin);
    for (char *c = origin.at; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
    str_add(out, "%*s # %s\n", width < COLUMN ? (int)(COLUMN - width) : 0, "", origin.at);
    str_free(&origin);
}

static void write_map(const char *key, const struct string_map *m, const struct settings_doc *doc,
                      struct str *out) {
    for (size_t i = 0; i < m->names.n; i++) {
        char *full = mem_format("%s.%s", key, m->names.at[i]);
        size_t start = out->n;
        setting_format_text(full, out);
        str_add(out, ": ");
        setting_format_text(m->values.at[i], out);
        write_line(out, start, settings_find(doc, full));
        free(full);
    }
}

void settings_write(struct settings_table table, const void *values, const struct settings_doc *doc,
                    struct str *out) {
    for (size_t k = 0; k < table.n; k++)
        for (size_t i = 0; i < table.at[k].n; i++) {
            const struct setting_group *g = &table.at[k];
            const struct setting *s = &g->rows[i];
            const void *field = field_of(g, s, values);
            char key[SETTING_MAX_KEY];
            setting_key(g, s, key);
            if (s->type == SET_MAP && ((const struct string_map *)field)->names.n) {
                write_map(key, field, doc, out);
                continue;
            }
            size_t start = out->n;
            str_add(out, "%s: ", key);
            setting_format(s, field, out);
            write_line(out, start, settings_find(doc, key));
        }
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void describe_row(const struct setting_group *g, const struct setting *s, const void *field,
                         struct strings *lines) {
    char key[SETTING_MAX_KEY];
    struct str line = {0};
    setting_key(g, s, key);
    str_add(&line, "%s=", key);
    setting_format(s, field, &line);
    strings_add(lines, line.at);
    str_free(&line);
}

void settings_describe(struct settings_table table, const void *values, struct str *out) {
    struct strings lines = {0};
    for (size_t k = 0; k < table.n; k++)
        for (size_t i = 0; i < table.at[k].n; i++) {
            const struct setting *s = &table.at[k].rows[i];
            if (s->cls == SET_RESULT)
                describe_row(&table.at[k], s, field_of(&table.at[k], s, values), &lines);
        }
    if (lines.n) qsort(lines.at, lines.n, sizeof *lines.at, compare_lines);
    str_put(out, "", 0); /* a text, even when there are no rows */
    for (size_t i = 0; i < lines.n; i++) str_add(out, "%s\n", lines.at[i]);
    strings_free(&lines);
}

/* A "key=value" line at *at; moves *at behind it. False at the end. */
struct line {
    const char *key, *value;
    size_t key_n, value_n;
};

static bool line_at(const char *at, struct line *l, const char **next) {
    if (!*at) return false;
    size_t n = strcspn(at, "\n"), k = strcspn(at, "=\n");
    *l = (struct line){at, at + k + (k < n), k, n - k - (k < n)};
    *next = at + n + (at[n] == '\n');
    return true;
}

static int compare_key(const struct line *a, const struct line *b) {
    size_t n = a->key_n < b->key_n ? a->key_n : b->key_n;
    int c = memcmp(a->key, b->key, n);
    if (c) return c;
    /* the lines were sorted with their '=', which dots and words may stand before or behind */
    int x = n < a->key_n ? a->key[n] : '=', y = n < b->key_n ? b->key[n] : '=';
    return x - y;
}

static void add_change(struct setting_changes *c, const struct line *old, const struct line *new) {
    const struct line *any = old ? old : new;
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    c->at[c->n++] = (struct setting_change){
        .key = mem_format("%.*s", (int)any->key_n, any->key),
        .old = old ? mem_format("%.*s", (int)old->value_n, old->value) : NULL,
        .new = new ? mem_format("%.*s", (int)new->value_n, new->value) : NULL};
}

void settings_diff(const char *old, const char *new, struct setting_changes *out) {
    *out = (struct setting_changes){0};
    struct line a, b;
    const char *next_a, *next_b;
    for (;;) {
        bool has_a = line_at(old, &a, &next_a), has_b = line_at(new, &b, &next_b);
        if (!has_a && !has_b) return;
        int c = !has_a ? 1 : !has_b ? -1 : compare_key(&a, &b);
        if (c < 0)
            add_change(out, &a, NULL);
        else if (c > 0)
            add_change(out, NULL, &b);
        else if (a.value_n != b.value_n || memcmp(a.value, b.value, a.value_n) != 0)
            add_change(out, &a, &b);
        if (c <= 0) old = next_a;
        if (c >= 0) new = next_b;
    }
}

void setting_changes_free(struct setting_changes *c) {
    for (size_t i = 0; i < c->n; i++) {
        free(c->at[i].key);
        free(c->at[i].old);
        free(c->at[i].new);
    }
    free(c->at);
    *c = (struct setting_changes){0};
}

static bool matches(const char *key, const char *pattern) {
    if (!pattern || fnmatch(pattern, key, 0) == 0) return true;
    size_t n = strlen(pattern);
    return strncmp(key, pattern, n) == 0 && key[n] == '.';
}

static void describe_type(const struct setting *s, struct str *out) {
    static const char *const names[] = {
        [SET_INT] = "integer",
        [SET_REAL] = "real",
        [SET_BOOL] = "true | false",
        [SET_STRING] = "text",
        [SET_CHOICE] = "",
        [SET_INTS] = "list of integers",
        [SET_REALS] = "list of reals",
        [SET_STRINGS] = "list of texts",
        [SET_MAP] = "map of texts",
    };
    str_add(out, "%s", names[s->type]);
    for (size_t i = 0; s->type == SET_CHOICE && s->choices[i]; i++)
        str_add(out, "%s%s", i ? " | " : "", s->choices[i]);
    if (s->type == SET_INT || s->type == SET_REAL || s->type == SET_INTS || s->type == SET_REALS) {
        char lo[32], hi[32];
        json_number(lo, s->min);
        json_number(hi, s->max);
        str_add(out, " %s..%s", lo, hi);
    }
}

size_t settings_print_table(FILE *to, struct settings_table table, const char *pattern,
                            char *(*remark)(const char *key)) {
    static const char *const classes[] = {"result", "speed", "output"};
    size_t printed = 0;
    for (size_t k = 0; k < table.n; k++)
        for (size_t i = 0; i < table.at[k].n; i++) {
            const struct setting *s = &table.at[k].rows[i];
            char key[SETTING_MAX_KEY];
            setting_key(&table.at[k], s, key);
            if (!matches(key, pattern)) continue;
            struct str type = {0};
            describe_type(s, &type);
            const char *fallback = !s->fallback                               ? "must be given"
                                   : s->type == SET_STRING && !s->fallback[0] ? "\"\""
                                                                              : s->fallback;
            fprintf(to, "%s: %s (%s, %s)\n    %s\n", key, fallback, type.at, classes[s->cls],
                    s->help);
            char *also = remark ? remark(key) : NULL;
            if (also) fprintf(to, "    %s\n", also);
            free(also);
            str_free(&type);
            printed++;
        }
    return printed;
}
