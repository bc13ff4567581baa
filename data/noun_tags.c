#include "data/noun_tags.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "data/perceptron.h"
#include "data/unicode.h"

/* ---- reading ---- */

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Appends texts, each with its NUL; false when one is something else. Lines and tabs become blanks:
 * nouns stand in tables. */
static bool put_texts(struct noun_tags *t, const cJSON *list, uint32_t *n) {
    const cJSON *x;
    *n = 0;
    cJSON_ArrayForEach(x, list) {
        if (!cJSON_IsString(x) || !x->valuestring[0]) return false;
        size_t at = t->text.n;
        str_put(&t->text, x->valuestring, strlen(x->valuestring) + 1);
        for (; at + 1 < t->text.n; at++)
            if ((unsigned char)t->text.at[at] < 0x20) t->text.at[at] = ' ';
        ++*n;
    }
    return true;
}

static void put_noun(struct noun_tags *t, struct noun_tags_line *l, uint32_t at) {
    t->noun = mem_grow(t->noun, &t->cap_nouns, t->n_nouns + 1, sizeof *t->noun);
    t->noun[t->n_nouns++] = at;
    l->n_nouns++;
}

static int put_indices(struct noun_tags *t, struct noun_tags_line *l, const cJSON *nouns) {
    const cJSON *x;
    cJSON_ArrayForEach(x, nouns) {
        double v = cJSON_IsNumber(x) ? x->valuedouble : -1;
        if (!(v >= 0 && v < l->n_tokens) || v != (double)(uint32_t)v)
            return error_set(ERR_DATA, "\"nouns\" holds something that is no index of a token");
        if (l->n_nouns && (uint32_t)v <= t->noun[t->n_nouns - 1])
            return error_set(ERR_DATA, "\"nouns\" must rise");
        put_noun(t, l, (uint32_t)v);
    }
    return 0;
}

static int put_tagged(struct noun_tags *t, struct noun_tags_line *l, const cJSON *tags) {
    const cJSON *x;
    uint32_t i = 0;
    cJSON_ArrayForEach(x, tags) {
        if (!cJSON_IsString(x))
            return error_set(ERR_DATA, "\"tags\" holds something that is no text");
        if (i < l->n_tokens && tag_is_noun(x->valuestring)) put_noun(t, l, i);
        i++;
    }
    return i == l->n_tokens
               ? 0
               : error_set(ERR_DATA, "%u tags of %u tokens", (unsigned)i, (unsigned)l->n_tokens);
}

int noun_caption_id(const struct cJSON *object, bool *there, int64_t *id) {
    const cJSON *x = member(object, "id");
    double v = cJSON_IsNumber(x) ? x->valuedouble : 0;
    *there = x != NULL;
    if (!x) return 0;
    if (!cJSON_IsNumber(x) || !(v >= -9e15 && v <= 9e15) || v != (double)(int64_t)v)
        return error_set(ERR_DATA, "\"id\" must be a whole number");
    *id = (int64_t)v;
    return 0;
}

static int put_id(struct noun_tags *t, struct noun_tags_line *l, const cJSON *json) {
    bool there;
    l->id = (int64_t)t->n;
    int status = noun_caption_id(json, &there, &l->id);
    if (status) return status;
    if (t->n && t->by_id != there)
        return error_set(ERR_DATA, "%s \"id\", where the lines before have %s", there ? "an" : "no",
                         there ? "none" : "one");
    t->by_id = there;
    return 0;
}

static int put_line(struct noun_tags *t, const cJSON *json, size_t number) {
    const cJSON *tokens = member(json, "tokens"), *nouns = member(json, "nouns"),
                *tags = member(json, "tags"), *names = member(json, "names");
    struct noun_tags_line l = {.number = number, .text = t->text.n, .noun = t->n_nouns};
    uint32_t n_names = 0;
    if (!cJSON_IsObject(json)) return error_set(ERR_DATA, "is not a JSON object");
    if (!cJSON_IsArray(tokens) || !put_texts(t, tokens, &l.n_tokens))
        return error_set(ERR_DATA, "\"tokens\" must be a list of texts");
    if (!cJSON_IsArray(nouns) && !cJSON_IsArray(tags))
        return error_set(ERR_DATA, "neither \"nouns\", a list of indices, nor \"tags\"");
    int status = put_id(t, &l, json);
    if (!status)
        status = cJSON_IsArray(nouns) ? put_indices(t, &l, nouns) : put_tagged(t, &l, tags);
    if (status) return status;
    if (names && (!cJSON_IsArray(names) || !put_texts(t, names, &n_names) || n_names != l.n_nouns))
        return error_set(ERR_DATA, "\"names\" must be as many texts as there are nouns");
    l.named = names != NULL;
    t->line = mem_grow(t->line, &t->cap, t->n + 1, sizeof *t->line);
    t->line[t->n++] = l;
    return 0;
}

static int parse_line(struct noun_tags *t, const char *text, size_t n, size_t number) {
    if (n > NOUN_TAGS_LINE) return error_set(ERR_DATA, "is longer than %d bytes", NOUN_TAGS_LINE);
    if (memchr(text, '\0', n)) return error_set(ERR_DATA, "a NUL byte: not a text");
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    int status = json ? put_line(t, json, number) : error_set(ERR_DATA, "is not JSON");
    cJSON_Delete(json);
    return status;
}

static int by_id(const void *a, const void *b) {
    int64_t x = ((const struct noun_tags_line *)a)->id, y = ((const struct noun_tags_line *)b)->id;
    return (x > y) - (x < y);
}

static int sort(struct noun_tags *t) {
    if (t->n) qsort(t->line, t->n, sizeof *t->line, by_id);
    for (size_t i = 1; i < t->n; i++) {
        size_t a = t->line[i - 1].number, b = t->line[i].number;
        if (t->line[i].id == t->line[i - 1].id)
            return error_set(ERR_DATA, "%s: lines %zu and %zu have the same id %lld", t->path,
                             a < b ? a : b, a < b ? b : a, (long long)t->line[i].id);
    }
    return 0;
}

int noun_tags_read(struct noun_tags *t, const char *path) {
    *t = (struct noun_tags){.path = mem_strdup(path)};
    FILE *f = fopen(path, "rb");
    char *line = NULL;
    size_t cap = 0, number = 0;
    ssize_t n;
    int status = f ? 0 : error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    while (!status && (n = getline(&line, &cap, f)) >= 0) {
        if (n && line[n - 1] == '\n') line[--n] = '\0';
        if (parse_line(t, line, (size_t)n, ++number))
            status = error_context("%s: line %zu", path, number);
    }
    if (!status && ferror(f)) status = error_set(ERR_MISSING, "%s: %s", path, strerror(errno));
    if (!status) status = sort(t);
    if (f) fclose(f);
    free(line);
    if (status) noun_tags_free(t);
    return status ? error_context("the tags of captions") : 0;
}

void noun_tags_free(struct noun_tags *t) {
    free(t->path);
    free(t->line);
    free(t->noun);
    str_free(&t->text);
    *t = (struct noun_tags){0};
}

/* ---- finding ---- */

/* The next character of *s that is no white space; 0 at the end. */
static int32_t next(const char **s, const char *end) {
    int32_t code = 0;
    while (*s < end) {
        *s += unicode_get(*s, (size_t)(end - *s), &code);
        if (code && !unicode_is_space(code)) return code;
    }
    return 0;
}

/* `` and '' are how the Penn Treebank writes a double quote. */
static bool is_quote(const char *token) { return !strcmp(token, "``") || !strcmp(token, "''"); }

static bool is_text(const char *token, uint32_t n, const char *caption, size_t bytes) {
    struct str whole = {0}, lower = {0};
    unicode_lower(caption, bytes, &whole);
    const char *at = whole.at, *end = at ? at + whole.n : at;
    bool same = true;
    for (uint32_t i = 0; same && i < n; i++) {
        size_t k = strlen(token);
        const char *quote = at;
        lower.n = 0;
        unicode_lower(token, k, &lower);
        if (is_quote(token) && next(&quote, end) == '"') {
            at = quote;
        } else {
            const char *s = lower.at, *stop = s + lower.n;
            for (int32_t code; same && (code = next(&s, stop));) same = next(&at, end) == code;
        }
        token += k + 1;
    }
    same = same && !next(&at, end);
    str_free(&whole);
    str_free(&lower);
    return same;
}

const struct noun_tags_line *noun_tags_find(const struct noun_tags *t, int64_t id, int64_t number,
                                            const char *caption, size_t n) {
    struct noun_tags_line key = {.id = t->by_id ? id : number};
    const struct noun_tags_line *l =
        t->n ? bsearch(&key, t->line, t->n, sizeof *t->line, by_id) : NULL;
    if (!l && t->by_id)
        error_set(ERR_DATA, "%s: no line has the id %lld of a caption", t->path, (long long)id);
    else if (!l)
        error_set(ERR_DATA, "%s: %zu lines, none for caption %lld", t->path, t->n,
                  (long long)number + 1);
    if (!l) return NULL;
    if (is_text(t->text.at + l->text, l->n_tokens, caption, n)) return l;
    error_set(ERR_DATA,
              "%s: line %zu: its tokens, from \"%s\" on, are not those of caption %lld, \"%s\"",
              t->path, l->number, utf8_short(l->n_tokens ? t->text.at + l->text : "", 40).at,
              (long long)(t->by_id ? id : number + 1), utf8_short(caption, 60).at);
    return NULL;
}
