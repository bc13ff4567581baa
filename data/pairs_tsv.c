#include "data/pairs_tsv.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/clip_picture.h"

enum {
    FILE_MAX = 1 << 30,     /* bytes of a table: ten million pairs */
    FIELD_MAX = 4096,       /* bytes of a path or a text */
    FIELDS_MAX = 64,        /* of a line */
    PICTURE_MAX = 64 << 20, /* bytes of a picture file */
};

/* A table that is being read. */
struct reading {
    struct pairs_tsv *to;
    const char *name, *text;
    size_t n, at, line; /* of the text; the line that begins at `at`, from 1 */
    size_t began;       /* the line of the fields below */
    char separator;
    struct str field[FIELDS_MAX];
    size_t n_fields, columns, path, title;
    size_t file_cap;
    struct strings row_text; /* [to->n], until they are numbered */
};

static int bad(const struct reading *r, const char *what) {
    return error_set(ERR_DATA, "%s:%zu: %s", r->name, r->began, what);
}

static void put(struct str *s, char c) { str_put(s, &c, 1); }

/* What follows a quote, up to the one that ends it. */
static int read_quoted(struct reading *r, struct str *to) {
    for (r->at++; r->at < r->n; r->at++) {
        char c = r->text[r->at];
        if (c == '"' && (r->at + 1 == r->n || r->text[r->at + 1] != '"')) {
            r->at++;
            return 0;
        }
        if (c == '"') r->at++; /* two are one */
        if (c == '\n') r->line++;
        if (to->n == FIELD_MAX) return bad(r, "a quote that does not end, or too long a field");
        put(to, c);
    }
    return bad(r, "a quote that does not end");
}

static int read_field(struct reading *r) {
    if (r->n_fields == FIELDS_MAX) return bad(r, "too many fields: is it another separator?");
    struct str *to = &r->field[r->n_fields++];
    to->n = 0;
    str_put(to, "", 0);
    if (r->at < r->n && r->text[r->at] == '"' && read_quoted(r, to)) return error_status();
    for (; r->at < r->n; r->at++) {
        char c = r->text[r->at];
        if (c == r->separator || c == '\n') break;
        if (c == '\r' && (r->at + 1 == r->n || r->text[r->at + 1] == '\n')) continue;
        if (to->n == FIELD_MAX) return bad(r, "a field of more than 4096 bytes");
        put(to, c);
    }
    return to->n && memchr(to->at, '\0', to->n) ? bad(r, "a NUL byte: not a text") : 0;
}

/* The fields of the next line that is not empty; n_fields 0 at the end. */
static int read_line(struct reading *r) {
    r->n_fields = 0;
    while (r->at < r->n && (r->text[r->at] == '\n' || r->text[r->at] == '\r'))
        r->line += r->text[r->at++] == '\n';
    r->began = r->line;
    while (r->at < r->n) {
        if (read_field(r)) return error_status();
        bool more = r->at < r->n && r->text[r->at] == r->separator;
        if (r->at < r->n) r->line += r->text[r->at++] == '\n';
        if (!more) break;
    }
    return 0;
}

static const char *text_of(const struct str *s) { return s->at ? s->at : ""; }

static size_t find_column(const struct reading *r, const char *name) {
    size_t i = 0;
    while (i < r->n_fields && strcmp(text_of(&r->field[i]), name) != 0) i++;
    return i;
}

static int read_header(struct reading *r, const struct pairs_options *o) {
    if (r->n >= 3 && memcmp(r->text, "\xEF\xBB\xBF", 3) == 0) r->at = 3; /* a BOM */
    if (read_line(r)) return error_status();
    r->columns = r->n_fields;
    r->path = find_column(r, o->path_column);
    r->title = find_column(r, o->title_column);
    if (r->path < r->columns && r->title < r->columns) return 0;
    struct str there = {0};
    for (size_t i = 0; i < r->columns && i < 8; i++)
        str_add(&there, "%s\"%.40s\"", i ? ", " : "", text_of(&r->field[i]));
    error_set(ERR_DATA,
              "%s: no column \"%s\"; there are %s: pairs.path_column, pairs.title_column and "
              "pairs.separator say what is meant",
              r->name, r->path == r->columns ? o->path_column : o->title_column,
              there.n ? there.at : "none");
    str_free(&there);
    return error_status();
}

static int add_row(struct reading *r, const char *dir) {
    struct pairs_tsv *t = r->to;
    if (r->n_fields != r->columns)
        return error_set(ERR_DATA, "%s:%zu: %zu fields, but the first line has %zu", r->name,
                         r->began, r->n_fields, r->columns);
    const char *path = text_of(&r->field[r->path]), *text = text_of(&r->field[r->title]);
    if (!*path || !*text) return bad(r, *path ? "an empty text" : "an empty path");
    size_t n = (size_t)t->n;
    t->file = mem_grow(t->file, &r->file_cap, n + 1, sizeof *t->file);
    t->file[n] = path_join(dir, path);
    strings_add(&r->row_text, text);
    t->n++;
    return 0;
}

/* The texts, each once, and every pair's place among them. */
static int number_texts(struct reading *r) {
    struct pairs_tsv *t = r->to;
    t->text = mem_try((size_t)t->n, sizeof *t->text);
    if (!t->text) return error_status();
    strings_copy(&t->texts, &r->row_text);
    strings_settle(&t->texts);
    for (size_t i = 0; i < r->row_text.n; i++)
        t->text[i] = strings_find(&t->texts, r->row_text.at[i]);
    return 0;
}

static int read_all(struct reading *r, const struct pairs_options *o) {
    char *dir = path_dir(r->name);
    int status = read_header(r, o);
    while (!status) {
        status = read_line(r);
        if (status || !r->n_fields) break;
        status = add_row(r, dir);
    }
    if (!status && !r->to->n) status = error_set(ERR_DATA, "%s: no pairs in it", r->name);
    if (!status) status = number_texts(r);
    free(dir);
    return status;
}

int pairs_tsv_parse(struct pairs_tsv *t, const char *name, const char *text, size_t n,
                    const struct pairs_options *o) {
    *t = (struct pairs_tsv){0};
    struct reading *r = mem_alloc(1, sizeof *r);
    *r = (struct reading){.to = t,
                          .name = name,
                          .text = text,
                          .n = n,
                          .line = 1,
                          .separator = o->separator == PAIRS_COMMA ? ',' : '\t'};
    int status = read_all(r, o);
    for (size_t i = 0; i < FIELDS_MAX; i++) str_free(&r->field[i]);
    strings_free(&r->row_text);
    free(r);
    if (status) pairs_tsv_close(t);
    return status;
}

int pairs_tsv_open(struct pairs_tsv *t, const char *path, const struct pairs_options *o) {
    struct bytes file;
    *t = (struct pairs_tsv){0};
    int status = file_read(path, FILE_MAX, &file);
    if (!status) status = pairs_tsv_parse(t, path, (const char *)file.at, file.n, o);
    bytes_free(&file);
    return status;
}

void pairs_tsv_close(struct pairs_tsv *t) {
    for (int64_t i = 0; i < t->n; i++) free(t->file[i]);
    free(t->file);
    free(t->text);
    strings_free(&t->texts);
    *t = (struct pairs_tsv){0};
}

int pairs_tsv_crop(const struct pairs_tsv *t, int64_t i, struct rng *r,
                   const struct crop_options *crop, int64_t side, uint8_t *pixels, uint8_t *mask) {
    REQUIRE(i >= 0 && i < t->n, "pair %lld of %lld", (long long)i, (long long)t->n);
    struct crop_range range = {crop->area_lo, crop->area_hi, 0.75, 4 / 3.0};
    struct image im = {0}, part = {0};
    struct bytes file = {0};
    int status = file_read(t->file[i], PICTURE_MAX, &file);
    if (!status) status = image_decode(file.at, file.n, t->file[i], &im);
    if (!status)
        status = region_recrop(&im, NULL, crop_draw(r, im.h, im.w, &range), side, &part, NULL);
    if (!status) {
        memcpy(pixels, part.at, (size_t)(3 * side * side));
        clip_picture_mask(&part, mask);
    }
    bytes_free(&file);
    image_free(&im);
    image_free(&part);
    return status;
}
