#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

/* A list or map that is open. Entries are named by index: their array moves. */
struct frame {
    size_t entry;
    size_t path_n; /* bytes of the path that are its own key */
    bool want_key; /* of a map: the next scalar is a key */
    bool in_list;  /* it is an element of a list, or inside one */
};

struct reader {
    const char *name;
    struct yaml_doc *doc;
    struct frame stack[YAML_MAX_DEPTH];
    size_t depth, nodes, documents;
    struct str path; /* of what comes next */
    struct yaml_mark key_mark;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct reader *r, struct yaml_mark at,
                                                      const char *fmt, ...) {
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    utf8_vformat(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(ERR_DATA, "%s:%zu:%zu: %s", r->name, at.line, at.column, text);
}

static struct yaml_mark mark_of(yaml_mark_t m) {
    return (struct yaml_mark){m.line + 1, m.column + 1};
}

/* Tags say what a scalar is not, at most: !!str 5 is a text, !!int "5" a number. */
static int check_tag(const struct reader *r, struct yaml_mark at, const yaml_char_t *tag,
                     const char *kinds, bool *quoted) {
    if (!tag) return 0;
    const char *name = (const char *)tag, *core = "tag:yaml.org,2002:";
    bool is_core = strncmp(name, core, strlen(core)) == 0;
    if (is_core) name += strlen(core);
    char word[16];
    snprintf(word, sizeof word, " %s ", name);
    if (!is_core || !strstr(kinds, word))
        return fail(r, at, "the tag %s%s is not accepted; only plain data is read",
                    is_core ? "!!" : "", utf8_short(name, 60).at);
    if (quoted) *quoted = strcmp(name, "str") == 0;
    return 0;
}

static int check_anchor(const struct reader *r, struct yaml_mark at, const yaml_char_t *anchor) {
    if (!anchor) return 0;
    return fail(r, at, "the anchor &%s is not accepted; write the value where it is used",
                utf8_short((const char *)anchor, 40).at);
}

static int enter_key(struct reader *r, struct frame *f, const yaml_event_t *e) {
    struct yaml_mark at = mark_of(e->start_mark);
    const char *key = (const char *)e->data.scalar.value;
    size_t n = e->data.scalar.length;
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(key, "<<") == 0)
        return fail(r, at, "merge keys are not accepted; use base: FILE, or repeat the settings");
    if (!n) return fail(r, at, "an empty key");
    if (strlen(key) != n) return fail(r, at, "a NUL character in a key");
    r->path.n = f->path_n;
    if (r->path.n + (r->path.n > 0) + n > YAML_MAX_KEY)
        return fail(r, at, "a key of more than %d bytes (with those it is in)", YAML_MAX_KEY);
    if (r->path.n) str_put(&r->path, ".", 1);
    str_put(&r->path, key, n);
    r->key_mark = at;
    r->doc->at[f->entry].n++;
    f->want_key = false;
    return 0;
}

static void put_value(struct yaml_entry *e, struct yaml_value v) {
    e->at = mem_grow(e->at, &e->cap, e->n + 1, sizeof *e->at);
    e->at[e->n++] = v;
}

static struct yaml_entry *put_entry(struct reader *r, enum yaml_kind kind, struct yaml_mark at) {
    struct yaml_doc *d = r->doc;
    const struct frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;
    d->at = mem_grow(d->at, &d->cap, d->n + 1, sizeof *d->at);
    d->at[d->n] =
        (struct yaml_entry){.key = mem_strdup(r->path.at ? r->path.at : ""),
                            .kind = kind,
                            .in_list = f && (f->in_list || d->at[f->entry].kind == YAML_LIST),
                            .key_mark = r->key_mark,
                            .mark = at};
    return &d->at[d->n++];
}

static int on_scalar(struct reader *r, const yaml_event_t *e) {
    struct yaml_mark at = mark_of(e->start_mark);
    struct frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;
    bool quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    int status = check_anchor(r, at, e->data.scalar.anchor);
    if (!status)
        status = check_tag(r, at, e->data.scalar.tag, " str int float bool null ", &quoted);
    if (status) return status;
    if (f && f->want_key) return enter_key(r, f, e);
    const char *text = (const char *)e->data.scalar.value;
    if (strlen(text) != e->data.scalar.length) return fail(r, at, "a NUL character in a value");
    struct yaml_value v = {.text = mem_strdup(text), .quoted = quoted, .mark = at};
    if (f && r->doc->at[f->entry].kind == YAML_LIST) {
        put_value(&r->doc->at[f->entry], v);
        return 0;
    }
    put_value(put_entry(r, YAML_SCALAR, at), v);
    if (f) f->want_key = true;
    return 0;
}

static int on_start(struct reader *r, enum yaml_kind kind, struct yaml_mark at,
                    const yaml_char_t *tag, const yaml_char_t *anchor) {
    struct frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;
    int status = check_anchor(r, at, anchor);
    if (!status) status = check_tag(r, at, tag, kind == YAML_MAP ? " map " : " seq ", NULL);
    if (status) return status;
    if (f && f->want_key) return fail(r, at, "a list or a map cannot be a key");
    if (r->depth == YAML_MAX_DEPTH)
        return fail(r, at, "nested deeper than %d levels", YAML_MAX_DEPTH);
    if (f && r->doc->at[f->entry].kind == YAML_LIST) {
        struct yaml_entry *list = &r->doc->at[f->entry];
        r->path.n = f->path_n;
        str_add(&r->path, "[%zu]", list->n);
        r->key_mark = at;
        put_value(list, (struct yaml_value){.mark = at});
    } else if (f) {
        f->want_key = true; /* after it */
    }
    bool in_list = put_entry(r, kind, at)->in_list;
    r->stack[r->depth++] = (struct frame){.entry = r->doc->n - 1,
                                          .path_n = r->path.n,
                                          .want_key = kind == YAML_MAP,
                                          .in_list = in_list};
    return 0;
}

static int on_event(struct reader *r, const yaml_event_t *e) {
    struct yaml_mark at = mark_of(e->start_mark);
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->documents++) return fail(r, at, "a second document; a file holds one");
        return 0;
    case YAML_ALIAS_EVENT:
        return fail(r, at, "the alias *%s is not accepted; write the value here",
                    utf8_short((const char *)e->data.alias.anchor, 40).at);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: r->depth--; return 0;
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: break;
    default: return 0;
    }
    if (++r->nodes > YAML_MAX_NODES) return fail(r, at, "more than %d values", YAML_MAX_NODES);
    if (e->type == YAML_SCALAR_EVENT) return on_scalar(r, e);
    if (e->type == YAML_MAPPING_START_EVENT)
        return on_start(r, YAML_MAP, at, e->data.mapping_start.tag, e->data.mapping_start.anchor);
    return on_start(r, YAML_LIST, at, e->data.sequence_start.tag, e->data.sequence_start.anchor);
}

/* Where byte `offset` is. */
static struct yaml_mark mark_at(const char *text, size_t offset) {
    struct yaml_mark m = {1, 1};
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n')
            m = (struct yaml_mark){m.line + 1, 1};
        else if (((unsigned char)text[i] & 0xC0) != 0x80)
            m.column++;
    }
    return m;
}

/* What libyaml would take, or take too long over: it follows byte order marks to UTF-16, and
 * compares each %TAG with all before it. */
static int check_bytes(const struct reader *r, const char *text, size_t n) {
    if (n > YAML_MAX_BYTES)
        return error_set(ERR_DATA, "%s: %zu bytes, at most %d are read", r->name, n,
                         YAML_MAX_BYTES);
    if (n >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return error_set(ERR_DATA, "%s: is UTF-16; save it as UTF-8", r->name);
    const char *nul = n ? memchr(text, '\0', n) : NULL;
    if (nul) return fail(r, mark_at(text, (size_t)(nul - text)), "a NUL byte");
    for (size_t i = 0; i < n; i++)
        if (text[i] == '%' && (i == 0 || text[i - 1] == '\n' || text[i - 1] == '\r'))
            return fail(r, mark_at(text, i), "directives (%%) are not accepted");
    return 0;
}

static int syntax_error(const struct reader *r, const yaml_parser_t *p, const char *text) {
    const char *what = p->problem ? p->problem : "cannot be read";
    if (p->error == YAML_READER_ERROR)
        return fail(r, mark_at(text, p->problem_offset), "%s (only UTF-8 text is read)", what);
    if (p->error == YAML_MEMORY_ERROR) return error_set(ERR_INTERNAL, "%s: out of memory", r->name);
    if (p->context)
        return fail(r, mark_of(p->problem_mark), "%s %s (line %zu)", what, p->context,
                    p->context_mark.line + 1);
    return fail(r, mark_of(p->problem_mark), "%s", what);
}

struct named {
    const char *key;
    size_t entry;
};

static int compare_keys(const void *a, const void *b) {
    const struct named *x = a, *y = b;
    int by_key = strcmp(x->key, y->key);
    return by_key ? by_key : x->entry < y->entry ? -1 : 1; /* then in the order of the file */
}

static int check_keys(const struct reader *r) {
    const struct yaml_doc *d = r->doc;
    struct named *sorted = mem_alloc(d->n, sizeof *sorted);
    for (size_t i = 0; i < d->n; i++) sorted[i] = (struct named){d->at[i].key, i};
    qsort(sorted, d->n, sizeof *sorted, compare_keys);
    int status = 0;
    for (size_t i = 1; i < d->n && !status; i++)
        if (strcmp(sorted[i - 1].key, sorted[i].key) == 0)
            status = fail(r, d->at[sorted[i].entry].key_mark, "%s: given twice (first in line %zu)",
                          sorted[i].key, d->at[sorted[i - 1].entry].key_mark.line);
    free(sorted);
    return status;
}

int yaml_doc_parse(struct yaml_doc *doc, const char *name, const char *text, size_t n) {
    *doc = (struct yaml_doc){0};
    struct reader r = {.name = name, .doc = doc, .key_mark = {1, 1}};
    int status = check_bytes(&r, text, n);
    if (status) return status;
    yaml_parser_t parser;
    REQUIRE(yaml_parser_initialize(&parser), "out of memory");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    for (bool done = false; !done && !status;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&parser, &e)) {
            status = syntax_error(&r, &parser, text);
            break;
        }
        done = e.type == YAML_STREAM_END_EVENT;
        status = on_event(&r, &e);
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
    if (!status) status = check_keys(&r);
    str_free(&r.path);
    if (status) yaml_doc_free(doc);
    return status;
}

int yaml_doc_read(struct yaml_doc *doc, const char *path) {
    *doc = (struct yaml_doc){0};
    struct bytes file;
    int status = file_read(path, YAML_MAX_BYTES, &file);
    if (!status) status = yaml_doc_parse(doc, path, (const char *)file.at, file.n);
    bytes_free(&file);
    return status;
}

void yaml_entry_free(struct yaml_entry *e) {
    for (size_t i = 0; e->at && i < e->n; i++) free(e->at[i].text);
    free(e->at);
    free(e->key);
    *e = (struct yaml_entry){0};
}

void yaml_doc_free(struct yaml_doc *doc) {
    for (size_t i = 0; i < doc->n; i++) yaml_entry_free(&doc->at[i]);
    free(doc->at);
    *doc = (struct yaml_doc){0};
}

struct yaml_entry yaml_entry_copy(const struct yaml_entry *e, const char *key) {
    struct yaml_entry c = *e;
    c.key = mem_strdup(key);
    c.cap = c.at ? e->n : 0;
    if (!e->at) return c;
    c.at = mem_alloc(e->n, sizeof *c.at);
    for (size_t i = 0; i < e->n; i++) {
        c.at[i] = e->at[i];
        if (e->at[i].text) c.at[i].text = mem_strdup(e->at[i].text);
    }
    return c;
}

bool yaml_is_null(const struct yaml_value *v) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (!v->text || v->quoted) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(v->text, words[i]) == 0) return true;
    return false;
}
