#include "data/class_names.h"

#include <stdlib.h>
#include <string.h>

#include "data/known_sets.h"
#include "data/singular.h"
#include "data/unicode.h"
#include "data/vocabulary.h"

enum { PART_MIN = 3 }; /* letters of a word that may be part of another */

struct key {
    char *text;
    size_t class;
};

struct keys {
    struct key *at;
    size_t n, cap;
};

static void keys_add(struct keys *k, char *text, size_t class) {
    k->at = mem_grow(k->at, &k->cap, k->n + 1, sizeof *k->at);
    k->at[k->n++] = (struct key){text, class};
}

static int by_text(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->class > y->class) - (x->class < y->class);
}

static void keys_sort(struct keys *k) {
    if (k->n) qsort(k->at, k->n, sizeof *k->at, by_text);
}

static const struct key *keys_find(const struct keys *k, const char *text) {
    size_t lo = 0, hi = k->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (strcmp(k->at[mid].text, text) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < k->n && strcmp(k->at[lo].text, text) == 0 ? &k->at[lo] : NULL;
}

static void keys_free(struct keys *k) {
    for (size_t i = 0; i < k->n; i++) free(k->at[i].text);
    free(k->at);
}

/* Lower case, without what stands between words. Owned. */
static char *squeeze(const char *name, size_t n) {
    struct str lower = {0}, out = {0};
    unicode_lower(name, n, &lower);
    for (size_t i = 0; i < lower.n; i++)
        if (!strchr(" -_/.'", lower.at[i])) str_put(&out, lower.at + i, 1);
    char *text = mem_strdup(out.at ? out.at : "");
    str_free(&lower);
    str_free(&out);
    return text;
}

/* ---- names that are the same ---- */

static size_t trimmed(const char **s, size_t n) {
    while (n && **s == ' ') (*s)++, n--;
    while (n && (*s)[n - 1] == ' ') n--;
    return n;
}

/* A name, or the synonyms between commas of it, each as its squeezed singular. */
static void add_spellings(struct keys *all, const char *name, size_t class) {
    for (const char *part = name; part; part = strchr(part, ',')) {
        part += *part == ',';
        const char *text = part;
        size_t n = trimmed(&text, strcspn(part, ","));
        if (!n) continue;
        struct str lower = {0}, one = {0};
        unicode_lower(text, n, &lower);
        noun_singular(lower.at, &one);
        keys_add(all, squeeze(one.at, one.n), class);
        str_free(&lower);
        str_free(&one);
    }
}

static void add_odd(struct odd_names *o, size_t class, size_t other, char *what) {
    o->at = mem_grow(o->at, &o->cap, o->n + 1, sizeof *o->at);
    o->at[o->n++] = (struct odd_name){.class = class, .other = other, .what = what};
}

static void find_doubles(char *const *names, size_t n, struct odd_names *out) {
    struct keys all = {0};
    for (size_t i = 0; i < n; i++) add_spellings(&all, names[i], i);
    keys_sort(&all);
    for (size_t i = 1; i < all.n; i++) {
        const struct key *a = &all.at[i - 1], *b = &all.at[i];
        if (a->class == b->class || strcmp(a->text, b->text) != 0) continue;
        add_odd(out, a->class, b->class,
                mem_format("\"%s\", and class %zu, \"%s\": duplicated: both are \"%s\"",
                           names[a->class], b->class, names[b->class], a->text));
    }
    keys_free(&all);
}

/* ---- words that run together ---- */

struct known {
    struct keys words;    /* of names */
    struct keys phrases;  /* names of two words and more, squeezed */
    struct keys synonyms; /* of one word, beside others: "dishwasher, dish washer" */
};

static void add_known(const char *name, struct known *known) {
    bool several = strchr(name, ',');
    for (const char *part = name; part; part = strchr(part, ',')) {
        part += *part == ',';
        const char *text = part;
        size_t n = trimmed(&text, strcspn(part, ","));
        bool phrase = memchr(text, ' ', n) || memchr(text, '-', n);
        if (phrase || several)
            keys_add(phrase ? &known->phrases : &known->synonyms, squeeze(text, n), 0);
        for (size_t at = 0; at < n;) {
            size_t k = strcspn(text + at, " -/,");
            if (k > n - at) k = n - at;
            if (k) keys_add(&known->words, squeeze(text + at, k), 0);
            at += k + 1;
        }
    }
}

/* Where a word splits into two that are known; 0: nowhere. */
static size_t split_of(const char *word, const struct keys *words) {
    size_t n = strlen(word);
    for (size_t k = PART_MIN; k + PART_MIN <= n; k++) {
        char *head = mem_format("%.*s", (int)k, word);
        bool both = keys_find(words, head) && keys_find(words, word + k);
        free(head);
        if (both) return k;
    }
    return 0;
}

const char *class_name_behind(const char *name) {
    size_t digits = strspn(name, "0123456789");
    if (!digits || !name[digits] || !strchr(":.)", name[digits])) return NULL;
    const char *rest = name + digits + 1;
    size_t blanks = strspn(rest, " \t");
    bool point = name[digits] == '.' && !blanks; /* "3.5 inch" is a name, so is "16:9 screen" */
    rest += blanks;
    return point || !*rest || (*rest >= '0' && *rest <= '9') ? NULL : rest;
}

static void check_word(const char *name, size_t class, size_t none, const struct known *known,
                       struct odd_names *out) {
    size_t n = strlen(name);
    const char *behind = class_name_behind(name);
    if (behind)
        add_odd(
            out, class, none,
            mem_format("\"%s\": begins with a number: write the name alone, \"%s\"", name, behind));
    if (strpbrk(name, " -,/'")) return;
    char *word = squeeze(name, n), *text = NULL;
    size_t at = keys_find(&known->words, word) ? 0 : split_of(word, &known->words);
    bool inner = false;
    for (size_t i = 1; i < n; i++)
        inner |= name[i] >= 'A' && name[i] <= 'Z' && name[i - 1] >= 'a' && name[i - 1] <= 'z';
    if (strspn(name, "0123456789") == n)
        text = mem_format("\"%s\": a number, not a name", name);
    else if (strchr(name, '_') || inner)
        text = mem_format(
            "\"%s\": looks joined: an identifier; write words with blanks between them", name);
    else if (keys_find(&known->phrases, word) && !keys_find(&known->synonyms, word))
        text = mem_format("\"%s\": looks joined: elsewhere it is two words", name);
    else if (at)
        text = mem_format("\"%s\": looks joined: \"%.*s %s\"?", name, (int)at, word, word + at);
    if (text) {
        add_odd(out, class, none, text);
        out->at[out->n - 1].guess = strstr(text, "\"?") != NULL;
    }
    free(word);
}

void class_names_find(char *const *names, size_t n, const struct strings *known,
                      struct odd_names *out) {
    struct known k = {0};
    for (size_t i = 0; i < known->n; i++) add_known(known->at[i], &k);
    keys_sort(&k.words);
    keys_sort(&k.phrases);
    keys_sort(&k.synonyms);
    for (size_t i = 0; i < n; i++) check_word(names[i], i, n, &k, out);
    find_doubles(names, n, out);
    keys_free(&k.words);
    keys_free(&k.phrases);
    keys_free(&k.synonyms);
}

void class_names_check(char *const *names, size_t n, const struct strings *known,
                       struct strings *out) {
    struct odd_names odd = {0};
    class_names_find(names, n, known, &odd);
    for (size_t i = 0; i < odd.n; i++) {
        char *text = mem_format("class %zu, %s", odd.at[i].class, odd.at[i].what);
        strings_add(out, text);
        free(text);
    }
    odd_names_free(&odd);
}

void odd_names_free(struct odd_names *o) {
    for (size_t i = 0; i < o->n; i++) free(o->at[i].what);
    free(o->at);
    *o = (struct odd_names){0};
}

int class_names_known(struct strings *out) {
    const struct known_set *set;
    for (size_t i = 0; (set = known_set_at(i)); i++) {
        if (!set->labels) continue;
        char *path = known_labels_path(set->labels);
        struct vocabulary v;
        int status = vocabulary_read(&v, path);
        free(path);
        if (status) return status;
        for (size_t k = 0; k < v.n; k++) strings_add(out, v.at[k].name);
        vocabulary_close(&v);
    }
    return 0;
}
