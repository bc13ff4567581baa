#include "base/settings_doc.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/shipped.h"
#include "base/utf8.h"

static struct setting_entry *find(const struct settings_doc *doc, const char *key) {
    uint64_t hash = hash_string(key);
    for (size_t i = 0; i < doc->n; i++)
        if (doc->at[i].hash == hash && strcmp(doc->at[i].yaml.key, key) == 0) return &doc->at[i];
    return NULL;
}

const struct setting_entry *settings_find(const struct settings_doc *doc, const char *key) {
    return find(doc, key);
}

const char *settings_text(const struct settings_doc *doc, const char *key) {
    const struct setting_entry *e = find(doc, key);
    return e && e->yaml.kind == YAML_SCALAR && !yaml_is_null(e->yaml.at) ? e->yaml.at->text : NULL;
}

char *settings_path_from(const char *file, const char *path) {
    if (*path == '@') return shipped_path(path);
    char *dir = file && strchr(file, '/') ? path_dir(file) : mem_strdup("");
    char *full = path_join(dir, path);
    free(dir);
    return full;
}

char *settings_path(const struct settings_doc *doc, const char *key) {
    const char *text = settings_text(doc, key);
    return text ? settings_path_from(find(doc, key)->file, text) : NULL;
}

/* Takes over e.yaml. A key that is there keeps its place in the order. */
static int put(struct settings_doc *doc, struct setting_entry e) {
    struct setting_entry *old = find(doc, e.yaml.key);
    e.hash = hash_string(e.yaml.key);
    if (old) {
        yaml_entry_free(&old->yaml);
        *old = e;
        return 0;
    }
    if (doc->n == YAML_MAX_NODES) {
        yaml_entry_free(&e.yaml);
        return error_set(ERR_CONFIG, "%s: more than %d settings with its base files", doc->path,
                         YAML_MAX_NODES);
    }
    doc->at = mem_grow(doc->at, &doc->cap, doc->n + 1, sizeof *doc->at);
    doc->at[doc->n++] = e;
    return 0;
}

static const char *own_name(struct settings_doc *doc, const char *file) {
    for (size_t i = 0; i < doc->files.n; i++)
        if (strcmp(doc->files.at[i], file) == 0) return doc->files.at[i];
    strings_add(&doc->files, file);
    return doc->files.at[doc->files.n - 1];
}

/* A config that cannot be parsed is a configuration error, not a data error. */
static int as_config_error(int status) {
    if (status != ERR_DATA) return status;
    char *message = mem_strdup(error_message());
    error_clear();
    status = error_set(ERR_CONFIG, "%s", message);
    free(message);
    return status;
}

static int check_root(const struct yaml_doc *y, const char *file) {
    if (!y->n || y->at[0].kind == YAML_MAP) return 0;
    if (y->at[0].kind == YAML_SCALAR && yaml_is_null(y->at[0].at)) return 0;
    return error_set(ERR_CONFIG, "%s:%zu:%zu: settings are written as key: value", file,
                     y->at[0].mark.line, y->at[0].mark.column);
}

static int merge(struct settings_doc *doc, const struct yaml_doc *y, const char *file,
                 bool shared) {
    const char *name = own_name(doc, file);
    int status = 0;
    for (size_t i = 1; i < y->n && !status; i++) {
        const struct yaml_entry *e = &y->at[i];
        if (strcmp(e->key, "base") == 0) continue;
        status = put(doc, (struct setting_entry){
                              .yaml = yaml_entry_copy(e, e->key), .file = name, .shared = shared});
    }
    return status;
}

/* Files of a base chain, the named one first. */
struct chain {
    char *path[SETTINGS_MAX_BASES + 1];
    struct stat st[SETTINGS_MAX_BASES + 1]; /* tells files apart: a cycle may go through links */
    struct yaml_doc yaml[SETTINGS_MAX_BASES + 1];
    size_t n;
};

static const struct yaml_entry *base_of(const struct yaml_doc *y) {
    for (size_t i = 1; i < y->n; i++)
        if (strcmp(y->at[i].key, "base") == 0) return &y->at[i];
    return NULL;
}

/* Takes over path. */
static int add_file(struct chain *c, char *path) {
    size_t i = c->n++;
    c->path[i] = path;
    if (stat(path, &c->st[i]) < 0) return error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    int status = as_config_error(yaml_doc_read(&c->yaml[i], path));
    return status ? status : check_root(&c->yaml[i], path);
}

static bool comes_back(const struct chain *c) {
    const struct stat *last = &c->st[c->n - 1];
    for (size_t k = 0; k + 1 < c->n; k++)
        if (last->st_ino == c->st[k].st_ino && last->st_dev == c->st[k].st_dev) return true;
    return false;
}

static int read_chain(struct chain *c, const char *path) {
    int status = shipped_check(path);
    if (!status) status = add_file(c, shipped_path(path));
    const struct yaml_entry *b;
    while (!status && (b = base_of(&c->yaml[c->n - 1]))) {
        const char *file = c->path[c->n - 1], *wrong = NULL;
        if (b->kind != YAML_SCALAR || yaml_is_null(b->at))
            wrong = "expected the path of one file";
        else if (comes_back(c))
            wrong = "the chain comes back to this file";
        else if (c->n == SETTINGS_MAX_BASES + 1)
            wrong = "a chain of too many files";
        if (wrong)
            return error_set(ERR_CONFIG, "%s:%zu:%zu: base: %s", file, b->mark.line, b->mark.column,
                             wrong);
        status = add_file(c, settings_path_from(file, b->at->text));
        if (status == ERR_MISSING)
            error_context("%s:%zu:%zu: base", file, b->mark.line, b->mark.column);
    }
    return status;
}

int settings_read(struct settings_doc *doc, const char *path) {
    *doc = (struct settings_doc){.path = mem_strdup(path)};
    struct chain c = {0};
    int status = read_chain(&c, path);
    for (size_t i = c.n; i-- > 0 && !status;) status = merge(doc, &c.yaml[i], c.path[i], i > 0);
    for (size_t i = 0; i < c.n; i++) {
        yaml_doc_free(&c.yaml[i]);
        free(c.path[i]);
    }
    if (status) settings_doc_free(doc);
    return status;
}

int settings_parse(struct settings_doc *doc, const char *name, const char *text) {
    *doc = (struct settings_doc){.path = mem_strdup(name)};
    struct yaml_doc y;
    int status = as_config_error(yaml_doc_parse(&y, name, text, strlen(text)));
    if (!status) status = check_root(&y, name);
    if (!status) status = merge(doc, &y, name, false);
    yaml_doc_free(&y);
    if (status) settings_doc_free(doc);
    return status;
}

void settings_doc_free(struct settings_doc *doc) {
    for (size_t i = 0; i < doc->n; i++) yaml_entry_free(&doc->at[i].yaml);
    free(doc->at);
    free(doc->path);
    strings_free(&doc->files);
    *doc = (struct settings_doc){0};
}

void setting_origin(const struct setting_entry *e, struct str *out) {
    if (!e)
        str_add(out, "default");
    else if (!e->file)
        str_add(out, "command line");
    else if (!e->yaml.mark.line)
        str_add(out, "%s", e->file);
    else
        str_add(out, "%s:%zu:%zu", e->file, e->yaml.mark.line, e->yaml.mark.column);
    if (e && e->inherited) str_add(out, ", inherited");
}

int settings_inherit(struct settings_doc *doc, const struct settings_doc *from,
                     const char *const *patterns) {
    int status = 0;
    for (size_t i = 0; i < from->n && !status; i++) {
        struct setting_entry e = from->at[i];
        bool wanted = false;
        for (size_t k = 0; patterns[k]; k++) wanted |= fnmatch(patterns[k], e.yaml.key, 0) == 0;
        if (!wanted || e.beneath) continue;
        e.yaml = yaml_entry_copy(&e.yaml, e.yaml.key);
        e.file = e.file ? own_name(doc, e.file) : NULL;
        e.inherited = e.shared = true;
        status = put(doc, e);
    }
    return status;
}

int settings_beneath(struct settings_doc *doc, const struct settings_doc *under) {
    int status = 0;
    for (size_t i = 0; i < under->n && !status; i++) {
        struct setting_entry e = under->at[i];
        if (find(doc, e.yaml.key)) continue;
        e.yaml = yaml_entry_copy(&e.yaml, e.yaml.key);
        e.file = e.file ? own_name(doc, e.file) : NULL;
        e.beneath = e.shared = true;
        status = put(doc, e);
    }
    return status;
}

static bool is_name(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i])) return false;
    return n > 0;
}

/* What a config file may be called: its folders are not part of it, `*` stands for all of them. */
static bool is_scope(const char *s, size_t n) {
    if (n == 1 && *s == '*') return true;
    for (size_t i = 0; i < n; i++)
        if (iscntrl((unsigned char)s[i]) || strchr("/*", s[i])) return false;
    return n > 0 && s[0] != ' ' && s[n - 1] != ' ';
}

int override_parse(const char *text, const char *next, struct override *out) {
    *out = (struct override){0};
    if (!utf8_valid(text, strlen(text)))
        return error_set(ERR_USAGE, "an argument that is not UTF-8");
    size_t n = strcspn(text, "="); /* of all before the value */
    if (!text[n] && next && is_name(text, n) && !strchr(next, '='))
        return error_set(ERR_USAGE, "%s %s: settings are written %s=%s", text, next, text, next);
    if (!text[n]) return error_set(ERR_USAGE, "%s: expected key=value", text);
    if (text[0] == '+' || text[0] == '~')
        return error_set(ERR_USAGE, "%s: every setting exists already; write key=value", text);
    size_t scope_n = strcspn(text, ":=");
    bool scoped = scope_n < n;
    if (scoped && !is_scope(text, scope_n))
        return error_set(ERR_USAGE, "%s: \"%.*s\" is not the name of a stage", text, (int)scope_n,
                         text);
    const char *key = scoped ? text + scope_n + 1 : text;
    size_t key_n = (size_t)(text + n - key);
    if (!key_n || key_n > YAML_MAX_KEY || strcspn(key, " \t\r\n") < key_n)
        return error_set(ERR_USAGE, "%s: expected key=value", text);
    if (scoped) out->scope = mem_format("%.*s", (int)scope_n, text);
    out->key = mem_format("%.*s", (int)key_n, key);
    out->value = mem_strdup(text + n + 1);
    return 0;
}

void override_free(struct override *o) {
    free(o->scope);
    free(o->key);
    free(o->value);
    free(o->file);
    *o = (struct override){0};
}

static char *copy(const char *text) { return text ? mem_strdup(text) : NULL; }

void override_copy(struct override *to, const struct override *from) {
    *to = (struct override){.scope = copy(from->scope),
                            .key = copy(from->key),
                            .value = copy(from->value),
                            .file = copy(from->file),
                            .mark = from->mark};
}

void override_origin(const struct override *o, struct str *out) {
    if (!o->file)
        str_add(out, "command line");
    else
        str_add(out, "%s:%zu:%zu", o->file, o->mark.line, o->mark.column);
}

int overrides_add(struct overrides *l, const char *text, const char *next) {
    l->at = mem_grow(l->at, &l->cap, l->n + 1, sizeof *l->at);
    int status = override_parse(text, next, &l->at[l->n]);
    if (!status) l->n++;
    return status;
}

void overrides_free(struct overrides *l) {
    for (size_t i = 0; i < l->n; i++) override_free(&l->at[i]);
    free(l->at);
    *l = (struct overrides){0};
}

/* Only what looks like it is parsed as YAML: "key=a: b #1" is a text, whatever YAML makes of it. */
static int parse_value(struct yaml_doc *y, const char *key, const char *text) {
    if (text[0] && strchr("[{\"'", text[0])) {
        char *name = mem_format("command line: %s", key);
        int status = as_config_error(yaml_doc_parse(y, name, text, strlen(text)));
        free(name);
        return status;
    }
    struct yaml_value *v = mem_alloc(1, sizeof *v);
    *v = (struct yaml_value){.text = mem_strdup(text), .quoted = !*text};
    y->at = mem_alloc(1, sizeof *y->at);
    y->at[0] = (struct yaml_entry){.key = mem_strdup(""), .at = v, .n = 1, .cap = 1};
    y->n = y->cap = 1;
    return 0;
}

static void tell_place(struct setting_entry *e, const char *file, struct yaml_mark mark) {
    e->file = file;
    e->yaml.mark = e->yaml.key_mark = mark;
    for (size_t i = 0; e->yaml.at && i < e->yaml.n; i++) e->yaml.at[i].mark = mark;
}

int settings_override(struct settings_doc *doc, const struct override *o) {
    struct yaml_doc y = {0};
    int status = parse_value(&y, o->key, o->value);
    bool shared = o->scope && strcmp(o->scope, "*") == 0;
    for (size_t i = 0; i < y.n && !status; i++) {
        const char *k = y.at[i].key;
        char *key = mem_format("%s%s%s", o->key, *k && *k != '[' ? "." : "", k);
        struct setting_entry e = {.yaml = yaml_entry_copy(&y.at[i], key), .shared = shared};
        if (o->file) tell_place(&e, own_name(doc, o->file), o->mark);
        status = put(doc, e);
        free(key);
    }
    yaml_doc_free(&y);
    return status;
}
