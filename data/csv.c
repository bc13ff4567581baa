#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"

enum { MAX_FILE = 64 << 20, FIELD_MAX = 4096, FIELDS_MAX = 1 << 16 };

static int bad(const struct csv_reader *r, size_t line, const char *what) {
    return error_set(ERR_DATA, "%s:%zu: %s", r->name, line, what);
}

static bool ends_line(char c) { return c == '\r' || c == '\n'; }
static bool at_end(const struct csv_reader *r) { return r->at == r->n; }

static int put(struct csv_reader *r, struct str *to) {
    char c = r->text[r->at++];
    if (!c) return bad(r, r->line, "a NUL byte: not a text");
    if (to->n == FIELD_MAX)
        return bad(r, r->began, "a field of more than 4096 bytes: does a quote lack its end?");
    str_put(to, &c, 1);
    return 0;
}

/* What follows a quote, up to the one that ends it. */
static int take_quoted(struct csv_reader *r, struct str *to) {
    for (r->at++;; r->line += r->text[r->at - 1] == '\n') {
        if (at_end(r)) return bad(r, r->began, "a quote without its end: add it, or take it out");
        if (r->text[r->at] == '"' && (++r->at == r->n || r->text[r->at] != '"')) break;
        if (put(r, to)) return error_status();
    }
    bool ends = at_end(r) || r->text[r->at] == r->separator || ends_line(r->text[r->at]);
    return ends ? 0
                : bad(r, r->line,
                      "text behind a quoted field: quote all of it, and double the quotes in it");
}

static int take_field(struct csv_reader *r) {
    if (r->n_fields == FIELDS_MAX) return bad(r, r->began, "more than 65536 fields");
    if (r->n_fields == r->cap) {
        size_t before = r->cap;
        r->field = mem_grow(r->field, &r->cap, r->n_fields + 1, sizeof *r->field);
        memset(r->field + before, 0, (r->cap - before) * sizeof *r->field);
    }
    struct str *to = &r->field[r->n_fields++];
    to->n = 0;
    str_put(to, "", 0);
    if (!at_end(r) && r->text[r->at] == '"') return take_quoted(r, to);
    while (!at_end(r) && r->text[r->at] != r->separator && !ends_line(r->text[r->at]))
        if (put(r, to)) return error_status();
    return 0;
}

/* One line of fields, with the end of its line. */
static int take_row(struct csv_reader *r) {
    r->n_fields = 0;
    r->began = r->line;
    for (bool more = true; more; r->at += more) {
        if (take_field(r)) return error_status();
        more = !at_end(r) && r->text[r->at] == r->separator;
    }
    if (!at_end(r) && r->text[r->at] == '\r') r->at++;
    if (!at_end(r) && r->text[r->at] != '\n')
        return bad(r, r->line, "a carriage return inside a line");
    r->at += !at_end(r);
    r->line++;
    return 0;
}

void csv_open(struct csv_reader *r, const char *name, const char *text, size_t n, char separator) {
    *r = (struct csv_reader){.name = name, .text = text, .n = n, .line = 1, .separator = separator};
    r->at = utf8_mark(text, n);
}

int csv_next(struct csv_reader *r) {
    int status = 0;
    r->n_fields = 0;
    while (!status && !at_end(r)) {
        status = take_row(r);
        if (r->n_fields > 1 || *csv_field(r, 0)) break; /* not an empty line */
        r->n_fields = 0;
    }
    return status;
}

const char *csv_field(const struct csv_reader *r, size_t i) { return r->field[i].at; }

void csv_close(struct csv_reader *r) {
    for (size_t i = 0; i < r->cap; i++) str_free(&r->field[i]);
    free(r->field);
    *r = (struct csv_reader){0};
}

static void add_row(struct csv *c, const struct csv_reader *r) {
    struct csv_row row = {.n = r->n_fields, .line = r->began};
    row.at = mem_alloc(row.n, sizeof(char *));
    for (size_t i = 0; i < row.n; i++) row.at[i] = mem_strdup(csv_field(r, i));
    c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
    c->at[c->n++] = row;
}

int csv_read(struct csv *c, const char *path) {
    struct bytes file = {0};
    struct csv_reader r;
    *c = (struct csv){0};
    int status = file_read(path, MAX_FILE, &file);
    if (status) return status;
    csv_open(&r, path, (const char *)file.at, file.n, ',');
    while (!(status = csv_next(&r)) && r.n_fields) add_row(c, &r);
    csv_close(&r);
    bytes_free(&file);
    if (status) csv_free(c);
    return status;
}

static void row_free(struct csv_row *row) {
    for (size_t k = 0; k < row->n; k++) free(row->at[k]);
    free(row->at);
}

void csv_free(struct csv *c) {
    for (size_t i = 0; i < c->n; i++) row_free(&c->at[i]);
    free(c->at);
    *c = (struct csv){0};
}

void csv_put(struct str *to, const char *field, bool first) {
    if (!first) str_add(to, ",");
    if (!strpbrk(field, ",\"\r\n")) {
        str_add(to, "%s", field);
        return;
    }
    str_add(to, "\"");
    for (const char *s = field; *s; s++) {
        str_put(to, s, 1);
        if (*s == '"') str_add(to, "\"");
    }
    str_add(to, "\"");
}
