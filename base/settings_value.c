#include "base/settings_value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

static const struct {
    const char *word;
    bool value;
} other_booleans[] = {{"true", true}, {"yes", true},  {"on", true}, {"y", true}, {"false", false},
                      {"no", false},  {"off", false}, {"n", false}, {"1", true}, {"0", false}};

__attribute__((format(printf, 2, 3))) static bool fault_set(struct setting_fault *f,
                                                            const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    utf8_vformat(f->what, sizeof f->what, fmt, ap);
    va_end(ap);
    return false;
}

/* For messages: a value's beginning, quoted and on one line. */
static const char *shown(const char *text, char out[64]) {
    struct str q = {0};
    json_quote(&q, text);
    if (q.n >= 60) {
        struct utf8_short beginning = utf8_short(q.at, 40);
        q.n = 0;
        str_add(&q, "%s\"", beginning.at);
    }
    memcpy(out, q.at, q.n + 1);
    str_free(&q);
    return out;
}

/* The number grammar of YAML 1.2's core schema, decimal; strtod alone takes hex, "inf", "nan". */
static bool is_real(const char *s) {
    s += *s == '+' || *s == '-';
    size_t whole = strspn(s, "0123456789"), part = 0;
    s += whole;
    if (*s == '.') {
        part = strspn(++s, "0123456789");
        s += part;
    }
    if (whole + part == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '+' || *s == '-';
        size_t digits = strspn(s, "0123456789");
        if (!digits) return false;
        s += digits;
    }
    return *s == '\0';
}

static bool is_int(const char *s) {
    s += *s == '+' || *s == '-';
    size_t n = strspn(s, "0123456789");
    return n && s[n] == '\0' && (n == 1 || *s != '0'); /* 010 is eight to some: refused */
}

static bool is_nonfinite(const char *s) {
    s += *s == '+' || *s == '-';
    s += *s == '.';
    return strcasecmp(s, "inf") == 0 || strcasecmp(s, "infinity") == 0 || strcasecmp(s, "nan") == 0;
}

static bool out_of_range(const struct setting *s, const char *text, struct setting_fault *f) {
    char lo[32], hi[32];
    json_number(lo, s->min);
    json_number(hi, s->max);
    return fault_set(f, "%s is outside %s..%s", utf8_short(text, 40).at, lo, hi);
}

static bool parse_int(const struct setting *s, const struct yaml_value *v, int64_t *out,
                      struct setting_fault *f) {
    char q[64];
    if (v->quoted)
        return fault_set(f, "expected an integer, got the quoted text %s", shown(v->text, q));
    if (!is_int(v->text)) {
        double x = is_real(v->text) ? strtod(v->text, NULL) : NAN;
        if (fabs(x) < 0x1p53 && x == floor(x))
            return fault_set(f, "expected an integer, got %s (write %lld)", shown(v->text, q),
                             (long long)x);
        return fault_set(f, "expected an integer, got %s", shown(v->text, q));
    }
    errno = 0;
    long long x = strtoll(v->text, NULL, 10);
    if (errno || (double)x < s->min || (double)x > s->max) return out_of_range(s, v->text, f);
    *out = x;
    return true;
}

static bool parse_real(const struct setting *s, const struct yaml_value *v, double *out,
                       struct setting_fault *f) {
    char q[64];
    if (v->quoted)
        return fault_set(f, "expected a number, got the quoted text %s", shown(v->text, q));
    if (is_nonfinite(v->text))
        return fault_set(f, "expected a finite number, got %s", shown(v->text, q));
    if (!is_real(v->text)) return fault_set(f, "expected a number, got %s", shown(v->text, q));
    double x = strtod(v->text, NULL);
    if (!(x >= s->min && x <= s->max)) return out_of_range(s, v->text, f); /* an overflow too */
    *out = x;
    return true;
}

static bool parse_bool(const struct yaml_value *v, bool *out, struct setting_fault *f) {
    char q[64];
    if (!v->quoted && (strcmp(v->text, "true") == 0 || strcmp(v->text, "false") == 0)) {
        *out = v->text[0] == 't';
        return true;
    }
    for (size_t i = 0; i < sizeof other_booleans / sizeof *other_booleans; i++)
        if (strcasecmp(v->text, other_booleans[i].word) == 0)
            return fault_set(f, "expected true or false, got %s (write %s)", shown(v->text, q),
                             other_booleans[i].value ? "true" : "false");
    return fault_set(f, "expected true or false, got %s", shown(v->text, q));
}

static bool parse_choice(const struct setting *s, const struct yaml_value *v, int *out,
                         struct setting_fault *f) {
    const char *near = NULL;
    size_t best = 3;
    struct str all = {0};
    for (int i = 0; s->choices[i]; i++) {
        if (strcmp(v->text, s->choices[i]) == 0) {
            *out = i;
            str_free(&all);
            return true;
        }
        size_t d = edit_distance(v->text, s->choices[i], 2);
        if (d < best) best = d, near = s->choices[i];
        str_add(&all, "%s%s", i ? ", " : "", s->choices[i]);
    }
    char q[64];
    fault_set(f, "%s is not one of %s%s%s%s", shown(v->text, q), utf8_short(all.at, 200).at,
              near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    str_free(&all);
    return false;
}

static bool is_list(enum setting_type t) {
    return t == SET_INTS || t == SET_REALS || t == SET_STRINGS;
}

static const char *const expected[] = {
    [SET_INT] = "an integer",
    [SET_REAL] = "a number",
    [SET_BOOL] = "true or false",
    [SET_STRING] = "a text",
    [SET_CHOICE] = "one word",
    [SET_INTS] = "a list of integers: [1, 2]",
    [SET_REALS] = "a list of numbers: [0.5, 1]",
    [SET_STRINGS] = "a list of texts: [a, b]",
    [SET_MAP] = "names with their values: {name: value}",
};

/* One scalar into where it belongs; elements go to element i of a list made before. */
static bool parse_scalar(const struct setting *s, const struct yaml_value *v, void *field, size_t i,
                         struct setting_fault *f) {
    f->mark = v->mark;
    if (!v->text) return fault_set(f, "expected one value, got a list or a map");
    if (yaml_is_null(v)) {
        bool text = s->type == SET_STRING || s->type == SET_STRINGS;
        return fault_set(f, "no value is given (%s)",
                         text ? "write \"\" for an empty text" : "leave it out for the default");
    }
    switch (s->type) {
    case SET_INT: return parse_int(s, v, field, f);
    case SET_INTS: return parse_int(s, v, &((struct ints *)field)->at[i], f);
    case SET_REAL: return parse_real(s, v, field, f);
    case SET_REALS: return parse_real(s, v, &((struct reals *)field)->at[i], f);
    case SET_BOOL: return parse_bool(v, field, f);
    case SET_CHOICE: return parse_choice(s, v, field, f);
    case SET_STRING: *(char **)field = mem_strdup(v->text); return true;
    case SET_STRINGS: strings_add(field, v->text); return true;
    case SET_MAP: break;
    }
    return fault_set(f, "expected %s", expected[s->type]);
}

/* Any field, aligned for all of them. */
union value {
    int64_t i;
    double r;
    bool b;
    int choice;
    char *s;
    struct ints ints;
    struct reals reals;
    struct strings strings;
};

static const size_t sizes[] = {
    [SET_INT] = sizeof(int64_t),
    [SET_REAL] = sizeof(double),
    [SET_BOOL] = sizeof(bool),
    [SET_STRING] = sizeof(char *),
    [SET_CHOICE] = sizeof(int),
    [SET_INTS] = sizeof(struct ints),
    [SET_REALS] = sizeof(struct reals),
    [SET_STRINGS] = sizeof(struct strings),
    [SET_MAP] = sizeof(struct string_map),
};

bool setting_parse(const struct setting *s, const struct yaml_entry *e, void *field,
                   struct setting_fault *f) {
    union value v = {0};
    *f = (struct setting_fault){.mark = e->mark, .element = SIZE_MAX};
    if (s->type == SET_MAP || is_list(s->type) != (e->kind == YAML_LIST)) {
        char q[64];
        if (e->kind == YAML_SCALAR && !yaml_is_null(e->at))
            return fault_set(f, "expected %s, got %s", expected[s->type], shown(e->at->text, q));
        return fault_set(f, "expected %s, got %s", expected[s->type],
                         e->kind == YAML_LIST  ? "a list"
                         : e->kind == YAML_MAP ? "a map"
                                               : "nothing");
    }
    if (e->kind == YAML_MAP) return fault_set(f, "expected %s, got a map", expected[s->type]);
    if (s->type == SET_INTS) v.ints = (struct ints){mem_alloc(e->n, sizeof(int64_t)), e->n};
    if (s->type == SET_REALS) v.reals = (struct reals){mem_alloc(e->n, sizeof(double)), e->n};
    bool ok = true;
    for (size_t i = 0; i < e->n && ok; i++) {
        ok = parse_scalar(s, &e->at[i], &v, i, f);
        if (!ok && is_list(s->type)) f->element = i;
    }
    if (ok && field) {
        setting_release(s, field);
        memcpy(field, &v, sizes[s->type]);
    } else {
        setting_release(s, &v);
    }
    return ok;
}

bool setting_check_text(const struct yaml_entry *e, struct setting_fault *f) {
    static const struct setting text = {.type = SET_STRING};
    return setting_parse(&text, e, NULL, f);
}

static bool parse_fallback_map(const struct yaml_doc *y, struct string_map *m,
                               struct setting_fault *f) {
    bool ok = y->n && y->at[0].kind == YAML_MAP;
    if (!ok) fault_set(f, "expected a map");
    for (size_t i = 1; i < y->n && ok; i++) {
        ok = setting_check_text(&y->at[i], f);
        if (ok && m) string_map_put(m, y->at[i].key, y->at[i].at->text);
    }
    return ok;
}

bool setting_parse_fallback(const struct setting *s, void *field, struct setting_fault *f) {
    if (!is_list(s->type) && s->type != SET_MAP) {
        struct yaml_value v = {.text = (char *)s->fallback, .quoted = s->type == SET_STRING};
        struct yaml_entry e = {.kind = YAML_SCALAR, .at = &v, .n = 1};
        return setting_parse(s, &e, field, f);
    }
    struct yaml_doc y;
    if (yaml_doc_parse(&y, s->key, s->fallback, strlen(s->fallback))) {
        fault_set(f, "%s", error_message());
        error_clear();
        return false;
    }
    if (s->type == SET_MAP && field) setting_release(s, field);
    bool ok = s->type == SET_MAP ? parse_fallback_map(&y, field, f)
              : y.n              ? setting_parse(s, &y.at[0], field, f)
                                 : fault_set(f, "expected %s", expected[s->type]);
    yaml_doc_free(&y);
    return ok;
}

void setting_release(const struct setting *s, void *field) {
    switch (s->type) {
    case SET_STRING: free(*(char **)field); break;
    case SET_INTS: free(((struct ints *)field)->at); break;
    case SET_REALS: free(((struct reals *)field)->at); break;
    case SET_STRINGS: strings_free(field); break;
    case SET_MAP: string_map_free(field); break;
    case SET_INT:
    case SET_REAL:
    case SET_BOOL:
    case SET_CHOICE: break;
    }
    memset(field, 0, sizes[s->type]);
}

/* A text that every YAML reader takes for a text without quotes. */
static bool is_word(const char *s) {
    if (!isalpha((unsigned char)*s) && !strchr("_/.", *s)) return false;
    for (const char *c = s; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_/.@+-", *c)) return false;
    for (size_t i = 0; i < sizeof other_booleans / sizeof *other_booleans; i++)
        if (strcasecmp(s, other_booleans[i].word) == 0) return false;
    return *s && strcasecmp(s, "null") != 0 && !is_nonfinite(s) && !is_real(s);
}

void setting_format_text(const char *text, struct str *out) {
    if (is_word(text))
        str_add(out, "%s", text);
    else
        json_quote(out, text);
}

static void format_real(double x, struct str *out) {
    char text[32];
    json_number(text, x);
    str_add(out, "%s", text);
}

static void format_list(const struct setting *s, const void *field, struct str *out) {
    const struct ints *i = field;
    const struct reals *r = field;
    const struct strings *t = field;
    size_t n = s->type == SET_INTS ? i->n : s->type == SET_REALS ? r->n : t->n;
    str_add(out, "[");
    for (size_t k = 0; k < n; k++) {
        if (k) str_add(out, ", ");
        if (s->type == SET_INTS)
            str_add(out, "%lld", (long long)i->at[k]);
        else if (s->type == SET_REALS)
            format_real(r->at[k], out);
        else
            setting_format_text(t->at[k], out);
    }
    str_add(out, "]");
}

void setting_format(const struct setting *s, const void *field, struct str *out) {
    switch (s->type) {
    case SET_INT: str_add(out, "%lld", (long long)*(const int64_t *)field); break;
    case SET_REAL: format_real(*(const double *)field, out); break;
    case SET_BOOL: str_add(out, *(const bool *)field ? "true" : "false"); break;
    case SET_STRING: {
        const char *text = *(char *const *)field;
        setting_format_text(text ? text : "", out);
        break;
    }
    case SET_CHOICE: setting_format_text(s->choices[*(const int *)field], out); break;
    case SET_INTS:
    case SET_REALS:
    case SET_STRINGS: format_list(s, field, out); break;
    case SET_MAP: {
        const struct string_map *m = field;
        str_add(out, "{");
        for (size_t i = 0; i < m->names.n; i++) {
            str_add(out, i ? ", " : "");
            setting_format_text(m->names.at[i], out);
            str_add(out, ": ");
            setting_format_text(m->values.at[i], out);
        }
        str_add(out, "}");
        break;
    }
    }
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

size_t edit_distance(const char *a, const char *b, size_t limit) {
    enum { MAX = 64 };
    size_t la = strlen(a), lb = strlen(b), far = limit + 1;
    if (la >= MAX || lb >= MAX || la > lb + limit || lb > la + limit) return far;
    size_t d[3][MAX]; /* the last three rows, by i % 3 */
    for (size_t j = 0; j <= lb; j++) d[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *now = d[i % 3], *before = d[(i + 2) % 3], *before2 = d[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]))
                now[j] = least(now[j], before2[j - 2] + 1);
        }
    }
    return least(d[la % 3][lb], far);
}
