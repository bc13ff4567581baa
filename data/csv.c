#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

enum { MAX_FILE = 64 << 20 };

static void add_field(struct csv_row *row, struct str *field) {
    row->at = mem_grow(row->at, &row->cap, row->n + 1, sizeof(char *));
    row->at[row->n++] = field->at ? field->at : mem_strdup("");
    *field = (struct str){0};
}

struct reading {
    const char *path, *at, *end;
    size_t line;
};

/* A field in quotes; `at` is behind the first. */
static int take_quoted(struct reading *r, struct str *field) {
    size_t began = r->line;
    for (;; r->at++) {
        if (r->at == r->end)
            return error_set(ERR_DATA, "%s:%zu: a quote without its end", r->path, began);
        if (*r->at == '"' && (++r->at == r->end || *r->at != '"')) break;
        r->line += *r->at == '\n';
        str_put(field, r->at, 1);
    }
    if (r->at == r->end || strchr(",\r\n", *r->at)) return 0;
    return error_set(ERR_DATA, "%s:%zu: text behind a quoted field", r->path, r->line);
}

static int take_field(struct reading *r, struct str *field) {
    if (r->at < r->end && *r->at == '"') {
        r->at++;
        return take_quoted(r, field);
    }
    const char *from = r->at;
    while (r->at < r->end && *r->at != ',' && *r->at != '\n' && *r->at != '\r') r->at++;
    str_put(field, from, (size_t)(r->at - from));
    return 0;
}

/* One line of fields, with the end of its line. */
static int take_row(struct reading *r, struct csv_row *row) {
    row->line = r->line;
    for (bool more = true; more;) {
        struct str field = {0};
        int status = take_field(r, &field);
        add_field(row, &field);
        if (status) return status;
        more = r->at < r->end && *r->at == ',';
        r->at += more;
    }
    if (r->at < r->end && *r->at == '\r') r->at++;
    if (r->at < r->end && *r->at != '\n')
        return error_set(ERR_DATA, "%s:%zu: a carriage return inside a line", r->path, r->line);
    r->at += r->at < r->end;
    r->line++;
    return 0;
}

static void row_free(struct csv_row *row) {
    for (size_t k = 0; k < row->n; k++) free(row->at[k]);
    free(row->at);
}

int csv_read(struct csv *c, const char *path) {
    struct bytes file = {0};
    *c = (struct csv){0};
    int status = file_read(path, MAX_FILE, &file);
    if (status) return status;
    const char *at = (const char *)file.at;
    if (memchr(at, '\0', file.n)) status = error_set(ERR_DATA, "%s: a NUL byte in it", path);
    size_t bom = file.n >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct reading r = {path, at + bom, at + file.n, 1};
    while (!status && r.at < r.end) {
        struct csv_row row = {0};
        status = take_row(&r, &row);
        if (row.n == 1 && !*row.at[0]) { /* an empty line */
            row_free(&row);
            continue;
        }
        c->at = mem_grow(c->at, &c->cap, c->n + 1, sizeof *c->at);
        c->at[c->n++] = row;
    }
    bytes_free(&file);
    if (status) csv_free(c);
    return status;
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
