#include "data/perceptron_file.h"

#include <yajl/yajl_parse.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

enum { NUMBER_CHARS_MAX = 40 };

/* A number that takes all of the text; NAN otherwise, which no tagger takes. */
static double parse_number(const char *s, size_t n) {
    char text[NUMBER_CHARS_MAX], *end;
    if (!n || n >= sizeof text) return NAN;
    memcpy(text, s, n);
    text[n] = '\0';
    double x = strtod(text, &end);
    return *end ? NAN : x;
}

/* ---- JSON ---- */

enum part { WEIGHTS, WORDS, CLASSES, PARTS };

struct reader {
    struct perceptron *p;
    int top;   /* depth of the value of a part: 0, or 1 inside [weights, tagdict, classes] */
    int depth; /* of what comes next */
    int part;  /* enum part; PARTS: all have been there */
    struct str word;
};

/* What a callback returns: 1 goes on, 0 stops the parser, with the error pending. */
static int refuse(void) { return !error_set(ERR_DATA, "is not what a tagger's weights look like"); }
static int go_on(int status) { return !status; }

static int on_other(void *ctx) {
    (void)ctx;
    return refuse();
}
static int on_boolean(void *ctx, int v) {
    (void)v;
    return on_other(ctx);
}

static int on_map_start(void *ctx) {
    struct reader *r = ctx;
    int level = r->depth++ - r->top;
    return (level == 0 && r->part < CLASSES) || (level == 1 && r->part == WEIGHTS) || refuse();
}

/* Behind a whole part of the three in one file, the next one is due. */
static int ended(struct reader *r) {
    if (--r->depth == r->top && r->top) r->part++;
    return 1;
}
static int on_map_end(void *ctx) { return ended(ctx); }

static int on_list_start(void *ctx) {
    struct reader *r = ctx;
    int level = r->depth++ - r->top;
    return level == -1 || (level == 0 && r->part == CLASSES) || refuse();
}
static int on_list_end(void *ctx) {
    struct reader *r = ctx;
    if (r->depth == r->top) return r->part == PARTS ? (r->depth--, 1) : refuse();
    return ended(r);
}

static int on_key(void *ctx, const unsigned char *key, size_t n) {
    struct reader *r = ctx;
    const char *s = (const char *)key;
    int level = r->depth - r->top;
    if (r->part == WEIGHTS && level == 1) return go_on(perceptron_feature(r->p, s, n));
    r->word.n = 0; /* a word, or the tag of a weight */
    str_put(&r->word, s, n);
    return 1;
}

static int on_number(void *ctx, const char *s, size_t n) {
    struct reader *r = ctx;
    if (r->part != WEIGHTS || r->depth - r->top != 2) return refuse();
    return go_on(perceptron_weight(r->p, r->word.at, r->word.n, parse_number(s, n)));
}

static int on_string(void *ctx, const unsigned char *text, size_t n) {
    struct reader *r = ctx;
    const char *s = (const char *)text;
    if (r->depth - r->top != 1 || r->part == WEIGHTS || r->part == PARTS) return refuse();
    return go_on(r->part == CLASSES ? perceptron_class(r->p, s, n)
                                    : perceptron_word(r->p, r->word.at, r->word.n, s, n));
}

static int parse_json(const char *path, const struct bytes *file, struct reader *r) {
    static const yajl_callbacks callbacks = {
        .yajl_null = on_other,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_map_start,
        .yajl_map_key = on_key,
        .yajl_end_map = on_map_end,
        .yajl_start_array = on_list_start,
        .yajl_end_array = on_list_end,
    };
    yajl_handle json = yajl_alloc(&callbacks, NULL, r);
    REQUIRE(json, "out of memory");
    yajl_status got = yajl_parse(json, file->at, file->n);
    size_t used = yajl_get_bytes_consumed(json);
    if (got == yajl_status_ok) got = yajl_complete_parse(json);
    if (got == yajl_status_error) {
        unsigned char *text = yajl_get_error(json, 0, file->at, file->n);
        error_set(ERR_DATA, "is not JSON: %.*s", (int)strcspn((char *)text, "\n"), text);
        yajl_free_error(json, text);
    }
    yajl_free(json);
    return error_status() ? error_context("%s: byte %zu", path, used) : 0;
}

/* The one file of a folder that ends so. */
static int find_file(const char *folder, const struct strings *names, const char *suffix,
                     char **path) {
    size_t k = strlen(suffix);
    *path = NULL;
    for (size_t i = 0; i < names->n; i++) {
        size_t n = strlen(names->at[i]);
        if (n < k || strcmp(names->at[i] + n - k, suffix) != 0) continue;
        if (*path)
            return error_set(ERR_DATA, "%s: more than one *%s: which is meant?", folder, suffix);
        *path = path_join(folder, names->at[i]);
    }
    return *path ? 0
                 : error_set(ERR_MISSING,
                             "%s: no *%s in it; NLTK's weights are three files, *.weights.json, "
                             "*.tagdict.json and *.classes.json",
                             folder, suffix);
}

static int read_folder(struct perceptron *p, const char *folder) {
    static const char *const suffixes[] = {".weights.json", ".tagdict.json", ".classes.json"};
    struct strings names = {0};
    int status = dir_list(folder, &names);
    for (int part = WEIGHTS; !status && part < PARTS; part++) {
        char *path = NULL;
        struct bytes file = {0};
        struct reader r = {.p = p, .part = part};
        status = find_file(folder, &names, suffixes[part], &path);
        if (!status) status = file_read(path, PERCEPTRON_FILE_MAX, &file);
        if (!status) status = parse_json(path, &file, &r);
        bytes_free(&file);
        str_free(&r.word);
        free(path);
    }
    strings_free(&names);
    return status;
}

/* ---- text ---- */

struct field {
    const char *at;
    size_t n;
};

static bool field_is(struct field f, const char *text) {
    return strlen(text) == f.n && !memcmp(f.at, text, f.n);
}

static int read_fields(struct perceptron *p, const struct field *f, size_t n) {
    if (n == 2 && field_is(f[0], "class")) return perceptron_class(p, f[1].at, f[1].n);
    if (n == 3 && field_is(f[0], "word"))
        return perceptron_word(p, f[1].at, f[1].n, f[2].at, f[2].n);
    if (n != 4 || !field_is(f[0], "weight"))
        return error_set(ERR_DATA,
                         "is none of \"class TAG\", \"word WORD TAG\" and "
                         "\"weight FEATURE TAG VALUE\", with tabs between");
    size_t last = p->feature.n;
    const char *before = last ? text_index_at(&p->feature, last - 1) : "";
    bool same = last && field_is(f[1], before);
    int status = same ? 0 : perceptron_feature(p, f[1].at, f[1].n);
    if (status) return status;
    return perceptron_weight(p, f[2].at, f[2].n, parse_number(f[3].at, f[3].n));
}

static int read_text(struct perceptron *p, const char *path, const struct bytes *file) {
    const char *s = (const char *)file->at, *end = s + file->n;
    for (size_t line = 1; s < end; line++) {
        const char *stop = memchr(s, '\n', (size_t)(end - s)), *next = stop ? stop + 1 : end;
        if (!stop) stop = end;
        if (stop > s && stop[-1] == '\r') stop--;
        struct field f[4] = {{0}};
        size_t n = 0;
        bool blank = stop == s || *s == '#';
        for (const char *at = s; n < 5; n++) {
            const char *tab = memchr(at, '\t', (size_t)(stop - at));
            if (n < 4) f[n] = (struct field){at, (size_t)((tab ? tab : stop) - at)};
            if (!tab) break;
            at = tab + 1;
        }
        if (!blank && read_fields(p, f, n + 1)) return error_context("%s: line %zu", path, line);
        s = next;
    }
    return 0;
}

int perceptron_read(struct perceptron *p, const char *path) {
    *p = (struct perceptron){0};
    struct bytes file = {0};
    int status;
    if (dir_exists(path)) {
        status = read_folder(p, path);
    } else {
        status = file_read(path, PERCEPTRON_FILE_MAX, &file);
        struct reader r = {.p = p, .top = 1};
        if (!status && file.n && file.at[0] == '[')
            status = parse_json(path, &file, &r);
        else if (!status)
            status = read_text(p, path, &file);
        str_free(&r.word);
        bytes_free(&file);
    }
    if (!status && perceptron_finish(p)) status = error_context("%s", path);
    return status;
}
