#include "train/sweep/sweep_parameters.h"

#include <fnmatch.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/settings_value.h"
#include "base/utf8.h"

__attribute__((format(printf, 4, 5))) static void complain(struct problems *p,
                                                           const struct setting_entry *e,
                                                           struct yaml_mark at, const char *fmt,
                                                           ...) {
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    utf8_vformat(text, sizeof text, fmt, ap);
    va_end(ap);
    problems_add(p, "%s:%zu:%zu: %s", e->file, at.line, at.column, text);
}

/* ---- a value, as it would stand on the command line ---- */

static void put_value(const struct yaml_value *v, bool in_list, struct str *to) {
    if (v->quoted || (in_list && yaml_is_null(v)))
        json_quote(to, v->text);
    else if (in_list)
        setting_format_text(v->text, to);
    else
        str_add(to, "%s", v->text);
}

static bool flat(const struct yaml_entry *e) {
    for (size_t i = 0; i < e->n; i++)
        if (!e->at[i].text) return false;
    return true;
}

/* Of a scalar or a list of scalars, owned; NULL: it is neither. */
static char *text_of(const struct yaml_entry *e) {
    struct str s = {0};
    if (e->kind == YAML_MAP || !flat(e)) return NULL;
    if (e->kind == YAML_LIST) str_add(&s, "[");
    for (size_t i = 0; i < e->n; i++) {
        if (i) str_add(&s, ", ");
        put_value(&e->at[i], e->kind == YAML_LIST, &s);
    }
    if (e->kind == YAML_LIST) str_add(&s, "]");
    return s.at ? s.at : mem_strdup("");
}

static const struct setting_entry *find(const struct setting_entry *at, size_t n, const char *key) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(at[i].yaml.key, key) == 0) return &at[i];
    return NULL;
}

/* What `key=value` sets, -> *o; where it can be a parameter at all. */
static bool parameter(struct override *o, const char *key, const char *value,
                      const struct setting_entry *e, struct problems *p) {
    static const char *const kept[] = {"seed",  "*:seed",  "output_dir", "*:output_dir",
                                       "stage", "*:stage", "base"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(key, kept[i]) == 0) {
            complain(p, e, e->yaml.key_mark, "%s: cannot be a parameter%s", key,
                     strstr(key, "seed") ? ": `seeds` lists them" : "");
            return false;
        }
    char *text = mem_format("%s=%s", key, value);
    bool good = !strchr(key, '=') && !override_parse(text, NULL, o);
    free(text);
    if (good) return true;
    error_clear();
    complain(p, e, e->yaml.key_mark, "\"%s\" is no setting: KEY, NAME:KEY or *:KEY", key);
    return false;
}

/* Takes over `value`. */
static bool add(struct overrides *to, const char *key, char *value, const struct setting_entry *e,
                struct yaml_mark mark, struct problems *p) {
    struct override o = {0};
    bool good = parameter(&o, key, value, e, p);
    if (good) {
        o.file = mem_strdup(e->file);
        o.mark = mark;
        to->at = mem_grow(to->at, &to->cap, to->n + 1, sizeof *to->at);
        to->at[to->n++] = o;
    }
    free(value);
    return good;
}

/* ---- parameters ---- */

static const char *const words[] = {"values", "value", "min", "max", "scale"};
enum { VALUES, VALUE, MIN, MAX, SCALE, WORDS };

/* "parameters.KEY.WORD" -> KEY, owned, and which word; NULL: it is none of this form. */
static char *axis_key(const char *full, int *word) {
    static const char before[] = "parameters.";
    if (strncmp(full, before, sizeof before - 1) != 0) return NULL;
    const char *key = full + sizeof before - 1, *dot = strrchr(key, '.');
    for (int i = 0; dot && i < WORDS; i++)
        if (strcmp(dot + 1, words[i]) == 0) {
            *word = i;
            return mem_format("%.*s", (int)(dot - key), key);
        }
    return NULL;
}

static struct sweep_axis *axis_of(struct sweep_file *f, const char *key, struct yaml_mark mark) {
    for (size_t i = 0; i < f->n_axes; i++)
        if (strcmp(f->axis[i].key, key) == 0) return &f->axis[i];
    f->axis = mem_grow(f->axis, &f->axes_cap, f->n_axes + 1, sizeof *f->axis);
    f->axis[f->n_axes] =
        (struct sweep_axis){.key = mem_strdup(key), .mark = mark, .lo = NAN, .hi = NAN};
    return &f->axis[f->n_axes++];
}

static void read_values(struct sweep_axis *a, const struct setting_entry *e,
                        const struct setting_entry *at, size_t n, struct problems *p) {
    if (e->yaml.kind != YAML_LIST || !e->yaml.n) {
        complain(p, e, e->yaml.mark, "%s: values is a list of what it may be", a->key);
        return;
    }
    for (size_t i = 0; i < e->yaml.n; i++) {
        struct yaml_entry one = {.kind = YAML_SCALAR, .at = &e->yaml.at[i], .n = 1};
        char *inner = mem_format("%s[%zu]", e->yaml.key, i);
        const struct setting_entry *list = e->yaml.at[i].text ? NULL : find(at, n, inner);
        char *text = text_of(list ? &list->yaml : &one);
        if (!text)
            complain(p, e, e->yaml.at[i].mark, "%s: values[%zu] is neither a value nor a list",
                     a->key, i);
        else
            add(&a->values, a->key, text, e, e->yaml.at[i].mark, p);
        free(inner);
    }
}

static void read_number(const char *key, const struct setting_entry *e, double *to,
                        struct problems *p) {
    static const struct setting number = {
        .key = "", .type = SET_REAL, .min = -1e300, .max = 1e300, .help = ""};
    struct setting_fault fault;
    if (!setting_parse(&number, &e->yaml, to, &fault))
        complain(p, e, e->yaml.mark, "%s: %s", key, fault.what);
}

static void read_scale(struct sweep_axis *a, const struct setting_entry *e, struct problems *p) {
    const char *text = e->yaml.kind == YAML_SCALAR ? e->yaml.at->text : "";
    a->logarithmic = strcmp(text, "log") == 0;
    if (!a->logarithmic && strcmp(text, "linear") != 0)
        complain(p, e, e->yaml.mark, "%s: scale is none of linear, log", a->key);
}

static void read_word(struct sweep_axis *a, int word, const struct setting_entry *e,
                      const struct setting_entry *at, size_t n, struct problems *p) {
    char *text;
    switch (word) {
    case VALUES: read_values(a, e, at, n, p); break;
    case VALUE:
        a->constant = true;
        text = text_of(&e->yaml);
        if (text)
            add(&a->values, a->key, text, e, e->yaml.mark, p);
        else
            complain(p, e, e->yaml.mark, "%s: value is neither a value nor a list", a->key);
        break;
    case MIN: read_number(a->key, e, &a->lo, p); break;
    case MAX: read_number(a->key, e, &a->hi, p); break;
    default: read_scale(a, e, p); break;
    }
    struct override o = {0};
    if (word >= MIN && !a->range) parameter(&o, a->key, "0", e, p); /* numbers are drawn later */
    override_free(&o);
    a->range |= word >= MIN;
}

static void check_axis(const struct sweep_file *f, const struct sweep_axis *a, struct problems *p) {
    if (a->range && a->values.n)
        problems_add(p, "%s:%zu:%zu: %s: either values or a range, not both", f->path, a->mark.line,
                     a->mark.column, a->key);
    else if (a->range && !(a->lo < a->hi))
        problems_add(p, "%s:%zu:%zu: %s: a range has min and max, the smaller first", f->path,
                     a->mark.line, a->mark.column, a->key);
    else if (a->range && a->logarithmic && a->lo <= 0)
        problems_add(p, "%s:%zu:%zu: %s: a range with scale: log begins above 0", f->path,
                     a->mark.line, a->mark.column, a->key);
    for (size_t i = 0; i < a->values.n; i++)
        for (size_t k = i + 1; k < a->values.n; k++)
            if (strcmp(a->values.at[i].value, a->values.at[k].value) == 0)
                problems_add(p, "%s:%zu:%zu: %s: %s is there twice", a->values.at[k].file,
                             a->values.at[k].mark.line, a->values.at[k].mark.column, a->key,
                             a->values.at[k].value);
}

void sweep_read_parameters(struct sweep_file *f, const struct setting_entry *at, size_t n,
                           struct problems *p) {
    for (size_t i = 0; i < n; i++) {
        int word;
        char *key = axis_key(at[i].yaml.key, &word);
        if (key && *key)
            read_word(axis_of(f, key, at[i].yaml.key_mark), word, &at[i], at, n, p);
        else if (!at[i].yaml.in_list && (at[i].yaml.kind != YAML_MAP || !at[i].yaml.n))
            complain(p, &at[i], at[i].yaml.key_mark,
                     "%s: a parameter is {values: [...]}, {value: ...} or {min: ..., max: ...}",
                     at[i].yaml.key);
        free(key);
    }
    for (size_t i = 0; i < f->n_axes; i++) check_axis(f, &f->axis[i], p);
}

/* ---- list ---- */

/* "list[3].KEY" -> 3 and KEY; false: it is none of this form. */
static bool row_key(const char *full, size_t *row, const char **key) {
    char *end;
    if (strncmp(full, "list[", 5) != 0) return false;
    *row = (size_t)strtoull(full + 5, &end, 10);
    if (strncmp(end, "].", 2) != 0) return false;
    *key = end + 2;
    return true;
}

static bool has_axis(const struct sweep_file *f, const char *key) {
    for (size_t i = 0; i < f->n_axes; i++)
        if (!f->axis[i].constant && strcmp(f->axis[i].key, key) == 0) return true;
    return false;
}

static void read_row(const struct sweep_file *f, struct sweep_row *r, const char *key,
                     const struct setting_entry *e, struct problems *p) {
    char *text = text_of(&e->yaml);
    if (!text && e->yaml.kind == YAML_MAP && e->yaml.n) return; /* its members follow */
    if (!text) {
        complain(p, e, e->yaml.mark, "%s is neither a value nor a list", key);
    } else if (strcmp(key, "name") == 0) {
        free(r->name);
        r->name = e->yaml.kind == YAML_SCALAR ? mem_strdup(e->yaml.at->text) : NULL;
        if (!r->name || !*r->name) complain(p, e, e->yaml.mark, "name is a text");
        free(text);
    } else if (strcmp(key, "paper") == 0) {
        read_number(key, e, &r->paper, p);
        free(text);
    } else if (has_axis(f, key)) {
        complain(p, e, e->yaml.key_mark, "%s: is a parameter with values, too: in one place", key);
        free(text);
    } else {
        add(&r->set, key, text, e, e->yaml.mark, p);
    }
}

static void check_rows(const struct sweep_file *f, struct problems *p) {
    for (size_t i = 0; i < f->n_rows; i++)
        for (size_t k = i + 1; k < f->n_rows; k++)
            if (f->row[i].name && f->row[k].name && strcmp(f->row[i].name, f->row[k].name) == 0)
                problems_add(p, "%s: list: two rows are named \"%s\"", f->path, f->row[i].name);
}

void sweep_read_list(struct sweep_file *f, const struct setting_entry *at, size_t n,
                     struct problems *p) {
    const struct setting_entry *list = find(at, n, "list");
    if (!list) return;
    if (list->yaml.kind != YAML_LIST) {
        complain(p, list, list->yaml.mark, "list: a list of maps of settings");
        return;
    }
    f->n_rows = list->yaml.n;
    f->row = mem_grow(f->row, &f->rows_cap, f->n_rows + 1, sizeof *f->row);
    for (size_t i = 0; i < f->n_rows; i++) f->row[i] = (struct sweep_row){.paper = NAN};
    for (size_t i = 0; i < list->yaml.n; i++) {
        char *key = mem_format("list[%zu]", i);
        const struct setting_entry *row = list->yaml.at[i].text ? NULL : find(at, n, key);
        if (!row || row->yaml.kind != YAML_MAP)
            complain(p, list, list->yaml.at[i].mark, "%s is no map of settings", key);
        free(key);
    }
    for (size_t i = 0; i < n; i++) {
        size_t row;
        const char *key;
        if (row_key(at[i].yaml.key, &row, &key) && row < f->n_rows && !strchr(key, '['))
            read_row(f, &f->row[row], key, &at[i], p);
    }
    check_rows(f, p);
}
