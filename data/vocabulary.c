#include "data/vocabulary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/problems.h"
#include "base/text_file.h"
#include "base/utf8.h"
#include "base/yaml.h"
#include "data/templates.h"
#include "data/unicode.h"

enum { MAX_TEXT_FILE = 8 << 20, MAX_RAW = 65535 };

static struct vocabulary_class *add_class(struct vocabulary *v) {
    v->at = mem_grow(v->at, &v->cap, v->n + 1, sizeof *v->at);
    v->at[v->n] = (struct vocabulary_class){.raw = -1};
    return &v->at[v->n++];
}

/* s[0..n) without white space around it. */
static void trim(const char **s, size_t *n) {
    while (*n && (unsigned char)**s <= ' ') (*s)++, (*n)--;
    while (*n && (unsigned char)(*s)[*n - 1] <= ' ') (*n)--;
}

static char *copy_trimmed(const char *s, size_t n) {
    struct str text = {0};
    trim(&s, &n);
    str_put(&text, s, n);
    return text.at;
}

/* ---- plain text, and the list of a command line ---- */

/* "bus,205,249,99", "12;sky": a name with numbers beside it. */
static bool is_row(const char *line, size_t n) {
    size_t texts = 0, numbers = 0;
    for (size_t i = 0, k; i <= n; i += k + 1) {
        for (k = 0; i + k < n && !strchr(",;\t", line[i + k]);) k++;
        const char *field = line + i;
        size_t length = k, hex;
        trim(&field, &length);
        hex = length == 7 && *field == '#';
        bool number = length > hex;
        for (size_t c = hex; c < length; c++)
            number &= strchr(hex ? "0123456789abcdefABCDEF" : "0123456789", field[c]) != NULL;
        texts += !number;
        numbers += number;
    }
    return texts == 1 && numbers;
}

static int read_lines(struct vocabulary *v, const char *path) {
    struct bytes file;
    int status = text_file_read(path, MAX_TEXT_FILE, &file, NULL);
    if (status) return status;
    const char *text = (const char *)file.at;
    size_t rows = 0;
    for (size_t at = 1, i = 0; i < file.n; at++) {
        const char *stop = memchr(text + i, '\n', file.n - i), *line = text + i;
        size_t n = stop ? (size_t)(stop - line) : file.n - i;
        i += n + 1;
        trim(&line, &n);
        if (!n || line[0] == '#') continue;
        struct vocabulary_class *c = add_class(v);
        c->name = copy_trimmed(line, n);
        c->line = at;
        rows += is_row(line, n);
    }
    bytes_free(&file);
    if (2 * rows <= v->n) return 0;
    const struct vocabulary_class *last = &v->at[v->n - 1];
    return error_set(
        ERR_DATA,
        "%s: is a table of names and numbers, and names are wanted, a name a line: line "
        "%zu is \"%s\"; `ovseg init` makes a names.yaml of such a table",
        path, last->line, last->name);
}

static void read_list(struct vocabulary *v, const char *names) {
    for (const char *s = names;; s++) {
        size_t n = strcspn(s, ",");
        add_class(v)->name = copy_trimmed(s, n);
        s += n;
        if (!*s) return;
    }
}

/* ---- YAML ---- */

struct reading {
    struct vocabulary *v;
    const char *path;
    struct problems *problems;
    const struct yaml_entry *e; /* the one that is read */
};

/* The texts of a scalar or of a list of them. */
static bool take_texts(const struct reading *r, struct strings *out) {
    if (r->e->kind == YAML_MAP) return false;
    for (size_t i = 0; i < r->e->n; i++) {
        if (!r->e->at[i].text || yaml_is_null(&r->e->at[i])) return false;
        char *text = copy_trimmed(r->e->at[i].text, strlen(r->e->at[i].text));
        strings_add(out, text);
        free(text);
    }
    return true;
}

static bool take_int(const struct yaml_value *value, long max, int32_t *out) {
    char *end;
    if (!value->text || !value->text[0] || value->quoted) return false;
    errno = 0;
    long x = strtol(value->text, &end, 10);
    if (*end || errno || x < 0 || x > max) return false;
    *out = (int32_t)x;
    return true;
}

static bool take_colour(const struct reading *r, struct vocabulary_class *c) {
    c->has_colour = true;
    const struct yaml_entry *e = r->e;
    if (e->kind == YAML_LIST && e->n == 3) {
        for (size_t i = 0; i < 3; i++) {
            int32_t x;
            if (!take_int(&e->at[i], 255, &x)) return false;
            c->colour[i] = (uint8_t)x;
        }
        return true;
    }
    if (e->kind != YAML_SCALAR) return false;
    const char *text = e->at[0].text;
    if (text[0] != '#' || strlen(text) != 7 || strspn(text + 1, "0123456789abcdefABCDEF") != 6)
        return false;
    unsigned long rgb = strtoul(text + 1, NULL, 16);
    for (int i = 0; i < 3; i++) c->colour[i] = (uint8_t)(rgb >> (16 - 8 * i));
    return true;
}

static bool scalar_is(const struct reading *r, const char *text) {
    return r->e->kind == YAML_SCALAR && !strcmp(r->e->at[0].text, text);
}

/* One without a place for the name is a whole text. */
static bool are_prompts(const struct strings *texts) {
    bool are = true;
    for (size_t i = 0; i < texts->n; i++)
        are &= !strpbrk(texts->at[i], "{}") || template_check(texts->at[i]) == 0;
    error_clear();
    return are;
}

/* One member of a class: NULL, or what it must be. */
static const char *take_member(const struct reading *r, const char *key,
                               struct vocabulary_class *c) {
    if (!strcmp(key, "name")) {
        if (r->e->kind != YAML_SCALAR || yaml_is_null(&r->e->at[0])) return "is a text";
        c->name = copy_trimmed(r->e->at[0].text, strlen(r->e->at[0].text));
    } else if (!strcmp(key, "synonyms")) {
        if (!take_texts(r, &c->synonyms)) return "is a list of texts";
    } else if (!strcmp(key, "prompts")) {
        if (!take_texts(r, &c->prompts)) return "is a list of texts";
        if (!are_prompts(&c->prompts))
            return "is a list of texts that have {}, for the name, once, or no brace at all";
    } else if (!strcmp(key, "colour") || !strcmp(key, "color")) {
        if (!take_colour(r, c)) return "is [red, green, blue] of 0 to 255, or \"#rrggbb\"";
    } else if (!strcmp(key, "kind")) {
        c->kind = scalar_is(r, "stuff") ? KIND_STUFF : KIND_THING;
        if (c->kind == KIND_THING && !scalar_is(r, "thing")) return "is thing or stuff";
    } else if (!strcmp(key, "raw")) {
        if (r->e->kind != YAML_SCALAR || !take_int(&r->e->at[0], MAX_RAW, &c->raw))
            return "is a whole number of 0 to 65535";
    } else if (!strcmp(key, "split")) {
        c->unseen = scalar_is(r, "unseen");
        if (!c->unseen && !scalar_is(r, "seen")) return "is seen or unseen";
    } else if (!strcmp(key, "group")) {
        if (r->e->kind != YAML_SCALAR || yaml_is_null(&r->e->at[0]) || c->group) return "is a text";
        c->group = copy_trimmed(r->e->at[0].text, strlen(r->e->at[0].text));
    } else {
        return "is no key of a class (name, synonyms, prompts, colour, kind, raw, split, group)";
    }
    return NULL;
}

/* An entry below the list: "[12]" is the map of class 12, "[12].name" a member. */
static void take_entry(const struct reading *r, const char *below_list) {
    char *end;
    size_t i = strtoul(below_list + 1, &end, 10);
    const char *wrong = NULL, *key = end + 1;
    if (!strcmp(end, "]"))
        wrong = r->e->kind == YAML_MAP ? NULL : "a class is a name or a map";
    else if (end[1] == '.')
        wrong = take_member(r, key = end + 2, &r->v->at[i]);
    if (wrong)
        problems_add(r->problems, "%s:%zu:%zu: class %zu: %s %s", r->path, r->e->key_mark.line,
                     r->e->key_mark.column, i, key, wrong);
}

static void take_document(struct reading *r, const struct yaml_doc *doc) {
    const struct yaml_entry *list = NULL;
    size_t first = 0;
    for (; first < doc->n && !list; first++) {
        const struct yaml_entry *e = &doc->at[first];
        if (e->kind == YAML_LIST && (!e->key[0] || !strcmp(e->key, "classes")))
            list = e;
        else if (e->key[0])
            problems_add(r->problems, "%s:%zu:%zu: %s: only `classes`, a list, is read here",
                         r->path, e->key_mark.line, e->key_mark.column, e->key);
    }
    if (!list) {
        problems_add(r->problems, "%s: no list of classes", r->path);
        return;
    }
    for (size_t i = 0; i < list->n; i++) {
        struct vocabulary_class *c = add_class(r->v);
        const char *text = list->at[i].text;
        c->line = list->at[i].mark.line;
        if (text && !yaml_is_null(&list->at[i])) c->name = copy_trimmed(text, strlen(text));
    }
    size_t prefix = strlen(list->key);
    for (size_t k = first; k < doc->n; k++) {
        r->e = &doc->at[k];
        if (!strncmp(r->e->key, list->key, prefix) && r->e->key[prefix] == '[')
            take_entry(r, r->e->key + prefix);
        else
            problems_add(r->problems, "%s:%zu:%zu: %s: only `classes`, a list, is read here",
                         r->path, r->e->key_mark.line, r->e->key_mark.column, r->e->key);
    }
}

static int read_yaml(struct vocabulary *v, const char *path) {
    struct yaml_doc doc = {0};
    struct problems problems = {0};
    int status = yaml_doc_read(&doc, path);
    if (!status) {
        struct reading r = {.v = v, .path = path, .problems = &problems};
        take_document(&r, &doc);
    }
    yaml_doc_free(&doc);
    return status ? status : problems_close(&problems, ERR_DATA);
}

/* ---- checks of any vocabulary ---- */

struct spelling {
    char *lower;
    size_t class;
};

static int by_spelling(const void *a, const void *b) {
    const struct spelling *x = a, *y = b;
    int order = strcmp(x->lower, y->lower);
    if (order) return order;
    return x->class < y->class ? -1 : x->class > y->class;
}

struct spellings {
    struct spelling *at;
    size_t n, cap;
};

static void check_name(const char *source, size_t class, const char *name, struct spellings *all,
                       struct problems *p) { /* source: with the line, where there is one */
    size_t n = strlen(name);
    bool control = false;
    for (size_t i = 0; i < n; i++) control |= (unsigned char)name[i] < 0x20 || name[i] == 0x7f;
    if (!n) {
        problems_add(p, "%s: class %zu: an empty name", source, class);
    } else if (control) {
        problems_add(p, "%s: class %zu: a line's end or another control character in its name",
                     source, class);
    } else if (n > VOCABULARY_MAX_NAME || !utf8_valid(name, n)) {
        problems_add(p, "%s: class %zu: a name must be UTF-8 of at most %d bytes", source, class,
                     VOCABULARY_MAX_NAME);
    } else {
        struct str lower = {0};
        unicode_lower(name, n, &lower);
        all->at = mem_grow(all->at, &all->cap, all->n + 1, sizeof *all->at);
        all->at[all->n++] = (struct spelling){lower.at, class};
    }
}

static void check_doubles(const struct vocabulary *v, const char *source, struct spellings *all,
                          struct problems *p) {
    if (all->n) qsort(all->at, all->n, sizeof *all->at, by_spelling);
    for (size_t i = 1; i < all->n; i++) {
        const struct spelling *a = &all->at[i - 1], *b = &all->at[i];
        size_t line = v->at[b->class].line;
        if (strcmp(a->lower, b->lower) != 0) continue;
        char *where = line ? mem_format("%s:%zu", source, line) : mem_strdup(source);
        problems_add(p,
                     "%s: \"%s\" names class %zu and class %zu: rename one, or take it out (case "
                     "does not count)",
                     where, b->lower, a->class, b->class);
        free(where);
    }
    for (size_t i = 0; i < all->n; i++) free(all->at[i].lower);
    free(all->at);
}

static void check_raw_values(const struct vocabulary *v, const char *source, struct problems *p) {
    int32_t *owner = mem_alloc(MAX_RAW + 1, sizeof *owner); /* class + 1 */
    for (size_t i = 0; i < v->n; i++) {
        int32_t raw = v->at[i].raw;
        if (raw < 0) continue;
        if (owner[raw])
            problems_add(p, "%s: raw value %d means class %d and class %zu: give each its own",
                         source, (int)raw, (int)owner[raw] - 1, i);
        owner[raw] = (int32_t)i + 1;
    }
    free(owner);
}

static int check(const struct vocabulary *v, const char *source, int code) {
    struct problems p = {0};
    struct spellings all = {0};
    if (!v->n) problems_add(&p, "%s: no class", source);
    if (v->n > VOCABULARY_MAX)
        return error_set(code, "%s: %zu classes, at most %d", source, v->n, VOCABULARY_MAX);
    for (size_t i = 0; i < v->n; i++) {
        const struct vocabulary_class *c = &v->at[i];
        char *where = c->line ? mem_format("%s:%zu", source, c->line) : mem_strdup(source);
        check_name(where, i, c->name ? c->name : "", &all, &p);
        for (size_t k = 0; k < c->synonyms.n; k++)
            check_name(where, i, c->synonyms.at[k], &all, &p);
        free(where);
    }
    check_doubles(v, source, &all, &p);
    check_raw_values(v, source, &p);
    return problems_close(&p, code);
}

int vocabulary_check(const struct vocabulary *v, const char *source) {
    return check(v, source, ERR_DATA);
}

/* What is wrong with a list is wrong with the command line, and is counted as people count. */
static int check_list(const struct vocabulary *v, const char *names) {
    enum { SHOWN = 60 };
    struct problems p = {0};
    char *source = mem_format("the names \"%s\"", utf8_short(names, SHOWN).at);
    for (size_t i = 0; i < v->n; i++)
        if (!v->at[i].name[0])
            problems_add(&p, "%s: name %zu of %zu is empty: write it, or take its comma out",
                         source, i + 1, v->n);
    int status = problems_close(&p, ERR_USAGE);
    if (!status) status = check(v, source, ERR_USAGE);
    free(source);
    return status;
}

/* ---- the whole ---- */

int vocabulary_read(struct vocabulary *v, const char *path) {
    *v = (struct vocabulary){0};
    int status = path_is_yaml(path) ? read_yaml(v, path) : read_lines(v, path);
    if (!status) status = vocabulary_check(v, path);
    if (status) vocabulary_close(v);
    return status;
}

int vocabulary_open(struct vocabulary *v, const char *file_or_names) {
    bool is_path =
        path_is_yaml(file_or_names) || strchr(file_or_names, '/') ||
        (strlen(file_or_names) > 4 && !strcmp(file_or_names + strlen(file_or_names) - 4, ".txt"));
    if (is_path || file_exists(file_or_names)) return vocabulary_read(v, file_or_names);
    *v = (struct vocabulary){0};
    read_list(v, file_or_names);
    int status = check_list(v, file_or_names);
    if (status) vocabulary_close(v);
    return status;
}

void vocabulary_add(struct vocabulary *v, const char *name) {
    add_class(v)->name = mem_strdup(name);
}

void vocabulary_take(struct vocabulary *to, struct vocabulary *from, size_t i) {
    struct vocabulary_class *c = add_class(to);
    *c = from->at[i];
    from->at[i] = (struct vocabulary_class){.name = mem_strdup(c->name), .raw = -1};
}

void vocabulary_of(struct vocabulary *v, char *const *names, size_t n) {
    *v = (struct vocabulary){0};
    for (size_t i = 0; i < n; i++) vocabulary_add(v, names[i]);
}

void vocabulary_close(struct vocabulary *v) {
    for (size_t i = 0; i < v->n; i++) {
        free(v->at[i].name);
        free(v->at[i].group);
        strings_free(&v->at[i].synonyms);
        strings_free(&v->at[i].prompts);
    }
    free(v->at);
    *v = (struct vocabulary){0};
}

static bool is_same(const char *lower, const char *name) {
    struct str s = {0};
    unicode_lower(name, strlen(name), &s);
    bool same = s.at && strcmp(s.at, lower) == 0;
    str_free(&s);
    return same;
}

size_t vocabulary_find(const struct vocabulary *v, const char *name) {
    struct str lower = {0};
    size_t found = v->n;
    unicode_lower(name, strlen(name), &lower);
    for (size_t i = 0; lower.at && found == v->n && i < v->n; i++)
        if (is_same(lower.at, v->at[i].name)) found = i;
    for (size_t i = 0; lower.at && found == v->n && i < v->n; i++)
        for (size_t k = 0; k < v->at[i].synonyms.n; k++)
            if (is_same(lower.at, v->at[i].synonyms.at[k])) found = i;
    str_free(&lower);
    return found;
}

void vocabulary_copy(const struct vocabulary *from, struct vocabulary *to) {
    *to = (struct vocabulary){0};
    for (size_t i = 0; i < from->n; i++) {
        struct vocabulary_class *c = add_class(to);
        const struct vocabulary_class *f = &from->at[i];
        *c = *f;
        c->name = mem_strdup(f->name);
        c->group = f->group ? mem_strdup(f->group) : NULL;
        c->synonyms = c->prompts = (struct strings){0};
        strings_copy(&c->synonyms, &f->synonyms);
        strings_copy(&c->prompts, &f->prompts);
    }
}

static void add_wording(struct vocabulary *out, const struct vocabulary_class *c,
                        const char *text) {
    struct vocabulary_class *to = add_class(out);
    to->name = mem_strdup(text);
    to->line = c->line;
    strings_copy(&to->prompts, &c->prompts);
}

void vocabulary_wordings(const struct vocabulary *v, struct vocabulary *out, size_t **class_of) {
    size_t n = 0, cap = 0, *at = NULL;
    *out = (struct vocabulary){0};
    for (size_t i = 0; i < v->n; i++) {
        const struct vocabulary_class *c = &v->at[i];
        add_wording(out, c, c->name);
        for (size_t k = 0; k < c->synonyms.n; k++) add_wording(out, c, c->synonyms.at[k]);
        at = mem_grow(at, &cap, out->n, sizeof *at);
        while (n < out->n) at[n++] = i;
    }
    if (class_of)
        *class_of = at;
    else
        free(at);
}

/* ---- prompts ---- */

static int add_prompts(const struct strings *templates, bool own, const char *name,
                       struct strings *out) {
    for (size_t i = 0; i < templates->n; i++) {
        struct str text = {0};
        /* an own prompt may be a whole text, without a place for the name */
        bool whole = own && !strpbrk(templates->at[i], "{}");
        int status = whole ? 0 : template_fill(templates->at[i], name, &text);
        if (!status) strings_add(out, whole ? templates->at[i] : text.at);
        str_free(&text);
        if (status) return error_context("class \"%s\"", name);
    }
    return 0;
}

int vocabulary_prompts(const struct vocabulary *v, size_t i, const struct strings *templates,
                       struct strings *out) {
    REQUIRE(i < v->n, "class %zu of %zu", i, v->n);
    const struct vocabulary_class *c = &v->at[i];
    bool own = c->prompts.n > 0;
    const struct strings *use = own ? &c->prompts : templates;
    int status = add_prompts(use, own, c->name, out);
    struct strings with_place = {0}; /* whole texts once, not once a synonym */
    for (size_t k = 0; k < use->n; k++)
        if (strchr(use->at[k], '{')) strings_add(&with_place, use->at[k]);
    for (size_t k = 0; !status && k < c->synonyms.n; k++)
        status = add_prompts(&with_place, own, c->synonyms.at[k], out);
    strings_free(&with_place);
    return status;
}
