#include "train/own/own.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "data/unicode.h"

enum { SHOWN = 8 }; /* mistakes of a kind that are named */

__attribute__((format(printf, 1, 0))) static char *format(const char *fmt, va_list args) {
    char text[2048];
    utf8_vformat(text, sizeof text, fmt, args);
    for (char *c = text; *c; c++)
        if (*c == '\n') *c = ' '; /* of a file's name: a mistake is a line */
    return mem_strdup(text);
}

void own_problem(struct own *o, enum own_kind kind, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text = format(fmt, args);
    va_end(args);
    o->problems.n++;
    bool whole = kind == OWN_NAMES || kind == OWN_LAYOUT || kind == OWN_TWICE;
    o->problems.single += !whole;
    if (++o->problems.of[kind] <= SHOWN) str_add(&o->problems.text, "%s\n", text);
    free(text);
}

void own_take_error(struct own *o, enum own_kind kind, const char *remedy) {
    struct str text = {0};
    str_add(&text, "%s", error_message());
    error_clear();
    for (char *at = text.at; at && *at;) {
        size_t n = strcspn(at, "\n");
        own_problem(o, kind, "%.*s%s", (int)n, at, remedy);
        at += n + (at[n] == '\n');
    }
    str_free(&text);
}

void own_note(struct own *o, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text = format(fmt, args);
    va_end(args);
    strings_add(&o->notes, text);
    free(text);
}

void own_close(struct own *o) {
    for (size_t i = 0; i < o->n; i++) {
        free(o->at[i].file);
        free(o->at[i].name);
        free(o->at[i].map);
        free(o->at[i].said);
    }
    free(o->at);
    char *const paths[] = {o->clip,   o->proposals,     o->network,    o->dir,
                           o->images, o->captions_path, o->masks_path, o->names_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) free(paths[i]);
    str_free(&o->problems.text);
    strings_free(&o->notes);
    vocabulary_close(&o->names);
    colour_table_free(&o->colours);
    free(o->class_of);
    captions_free(&o->captions);
    strings_free(&o->common);
    free(o->class_in);
    for (int k = 0; k < 3; k++) strings_free(&o->list[k]);
    str_free(&o->left_out);
    *o = (struct own){0};
}

struct own_picture *own_picture(const struct own *o, const char *name) {
    size_t lo = 0, hi = o->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (strcmp(o->at[mid].name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < o->n && strcmp(o->at[lo].name, name) == 0 ? &o->at[lo] : NULL;
}

/* Composed, and in lower case where case does not count. */
static char *spelling(const char *name, bool cased) {
    struct str composed = {0}, lower = {0};
    size_t n = strlen(name);
    if (utf8_valid(name, n))
        unicode_nfc(name, n, &composed);
    else
        str_put(&composed, name, n);
    if (cased) return composed.at;
    unicode_lower(composed.at, composed.n, &lower);
    str_free(&composed);
    return lower.at;
}

static bool same_spelling(const char *a, const char *b, bool cased) {
    char *x = spelling(a, cased), *y = spelling(b, cased);
    bool same = strcmp(x, y) == 0;
    free(x);
    free(y);
    return same;
}

const struct own_picture *own_near(const struct own *o, const char *name, const char **why) {
    if (o->problems.of[OWN_NO_PICTURE] >= SHOWN) return NULL; /* it would not be shown */
    for (size_t i = 0; i < o->n; i++) {
        if (!same_spelling(o->at[i].name, name, false)) continue;
        *why = same_spelling(o->at[i].name, name, true)
                   ? "they look the same, but one has letters and their accents apart (NFD, as "
                     "macOS writes them)"
                   : "upper and lower case count";
        return &o->at[i];
    }
    return NULL;
}

int64_t own_usable(const struct own *o) {
    int64_t n = 0;
    for (size_t i = 0; i < o->n; i++) n += !o->at[i].out;
    return n;
}
