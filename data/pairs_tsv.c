#include "data/pairs_tsv.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "data/clip_picture.h"
#include "data/csv.h"

enum {
    FILE_MAX = 1 << 30,     /* bytes of a table: ten million pairs */
    PICTURE_MAX = 64 << 20, /* bytes of a picture file */
};

/* A table that is being read. */
struct reading {
    struct pairs_tsv *to;
    struct csv_reader csv;
    size_t columns, path, title;
    size_t file_cap;
    struct strings row_text; /* [to->n], until they are numbered */
};

static size_t find_column(const struct reading *r, const char *name) {
    size_t i = 0;
    while (i < r->csv.n_fields && strcmp(csv_field(&r->csv, i), name) != 0) i++;
    return i;
}

static int read_header(struct reading *r, const struct pairs_options *o) {
    if (csv_next(&r->csv)) return error_status();
    r->columns = r->csv.n_fields;
    r->path = find_column(r, o->path_column);
    r->title = find_column(r, o->title_column);
    if (r->path < r->columns && r->title < r->columns) return 0;
    struct str there = {0};
    for (size_t i = 0; i < r->columns && i < 8; i++)
        str_add(&there, "%s\"%s\"", i ? ", " : "", utf8_short(csv_field(&r->csv, i), 40).at);
    error_set(ERR_DATA,
              "%s: no column \"%s\"; there are %s: pairs.path_column, pairs.title_column and "
              "pairs.separator say what is meant",
              r->csv.name, r->path == r->columns ? o->path_column : o->title_column,
              there.n ? there.at : "none");
    str_free(&there);
    return error_status();
}

static int add_row(struct reading *r, const char *dir) {
    struct pairs_tsv *t = r->to;
    const struct csv_reader *c = &r->csv;
    if (c->n_fields != r->columns)
        return error_set(ERR_DATA, "%s:%zu: %zu fields, but the first line has %zu", c->name,
                         c->began, c->n_fields, r->columns);
    const char *path = csv_field(c, r->path), *text = csv_field(c, r->title);
    if (!*path || !*text)
        return error_set(ERR_DATA, "%s:%zu: %s", c->name, c->began,
                         *path ? "an empty text" : "an empty path");
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
    char *dir = path_dir(r->csv.name);
    int status = read_header(r, o);
    while (!status) {
        status = csv_next(&r->csv);
        if (status || !r->csv.n_fields) break;
        status = add_row(r, dir);
    }
    if (!status && !r->to->n) status = error_set(ERR_DATA, "%s: no pairs in it", r->csv.name);
    if (!status) status = number_texts(r);
    free(dir);
    return status;
}

int pairs_tsv_parse(struct pairs_tsv *t, const char *name, const char *text, size_t n,
                    const struct pairs_options *o) {
    *t = (struct pairs_tsv){0};
    struct reading r = {.to = t};
    csv_open(&r.csv, name, text, n, o->separator == PAIRS_COMMA ? ',' : '\t');
    int status = read_all(&r, o);
    csv_close(&r.csv);
    strings_free(&r.row_text);
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
