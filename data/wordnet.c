#include "data/wordnet.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/unicode.h"

enum {
    MAX_FILE = 64 << 20, /* data.noun of WordNet 3.0 has 15 MB */
    MAX_ABOVE = 4096,    /* synsets above another; WordNet's most are below 100 */
    MAX_WORD = 512       /* bytes of a form that is looked up */
};

/* ---- words of a line ---- */

struct words {
    const char *at, *end;
};

static struct words words_of(struct wordnet_line l) { return (struct words){l.at, l.at + l.n}; }

/* The next word; n is 0 at the end of the line. */
static const char *next_word(struct words *w, size_t *n) {
    while (w->at < w->end && *w->at == ' ') w->at++;
    const char *word = w->at;
    while (w->at < w->end && *w->at != ' ') w->at++;
    *n = (size_t)(w->at - word);
    return word;
}

/* The next word as a number of at most 8 digits; false: it is none. */
static bool next_number(struct words *w, uint32_t base, uint32_t *out) {
    size_t n;
    const char *word = next_word(w, &n);
    *out = 0;
    if (!n || n > 8) return false;
    for (size_t i = 0; i < n; i++) {
        char c = word[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                                                : base;
        if (digit >= base) return false;
        *out = *out * base + digit;
    }
    return true;
}

static bool next_is(struct words *w, const char *text) {
    size_t n;
    const char *word = next_word(w, &n);
    return n == strlen(text) && memcmp(word, text, n) == 0;
}

static bool skip_words(struct words *w, uint32_t count) {
    size_t n = 1;
    for (uint32_t i = 0; i < count && n; i++) next_word(w, &n);
    return n;
}

/* ---- files ---- */

static int compare_words(const char *a, size_t n_a, const char *b, size_t n_b) {
    int order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

/* Of equal words the last line counts, as in NLTK: it comes first here. */
static int by_word(const void *a, const void *b) {
    const struct wordnet_line *x = a, *y = b;
    int order = compare_words(x->at, x->word, y->at, y->word);
    return order ? order : (x->at < y->at) - (x->at > y->at);
}

/* Lines that begin with a space are the licence. */
static void find_lines(const struct bytes *file, struct wordnet_lines *out) {
    const char *at = (const char *)file->at, *end = at + file->n;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct wordnet_line l = {at, (size_t)((stop ? stop : end) - at), 0};
        at = stop ? stop + 1 : end;
        while (l.word < l.n && l.at[l.word] != ' ') l.word++;
        if (!l.word) continue;
        out->at = mem_grow(out->at, &out->cap, out->n + 1, sizeof *out->at);
        out->at[out->n++] = l;
    }
    if (out->n) qsort(out->at, out->n, sizeof *out->at, by_word);
}

static int read_one(const char *dir, const char *name, struct bytes *out) {
    char *path = path_join(dir, name);
    int status = file_read(path, MAX_FILE, out);
    free(path);
    if (status == ERR_MISSING)
        error_context("WordNet (Debian's package wordnet-base, or its folder in measure.wordnet)");
    return status;
}

static void hash_file_text(struct hasher *h, const struct bytes *file) {
    uint64_t n = file->n;
    hasher_add(h, &n, sizeof n);
    hasher_add(h, file->at, file->n);
}

int wordnet_open(struct wordnet *w, const char *dir) {
    *w = (struct wordnet){.dir = mem_strdup(dir)};
    int status = read_one(dir, "data.noun", &w->data);
    if (!status) status = read_one(dir, "index.noun", &w->index);
    if (!status) status = read_one(dir, "noun.exc", &w->exceptions);
    if (status) {
        wordnet_close(w);
        return status;
    }
    struct hasher h;
    hasher_open(&h);
    hash_file_text(&h, &w->data);
    hash_file_text(&h, &w->index);
    hash_file_text(&h, &w->exceptions);
    w->hash = hasher_close(&h);
    find_lines(&w->index, &w->words);
    find_lines(&w->exceptions, &w->irregular);
    return 0;
}

void wordnet_close(struct wordnet *w) {
    free(w->dir);
    bytes_free(&w->data);
    bytes_free(&w->index);
    bytes_free(&w->exceptions);
    free(w->words.at);
    free(w->irregular.at);
    *w = (struct wordnet){0};
}

static const struct wordnet_line *find_line(const struct wordnet_lines *l, const char *word) {
    size_t lo = 0, hi = l->n, n = strlen(word);
    while (lo < hi) { /* the first that is not before it */
        size_t middle = lo + (hi - lo) / 2;
        if (compare_words(l->at[middle].at, l->at[middle].word, word, n) < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    if (lo == l->n || compare_words(l->at[lo].at, l->at[lo].word, word, n) != 0) return NULL;
    return &l->at[lo];
}

/* ---- senses ---- */

void wordnet_senses_free(struct wordnet_senses *s) {
    free(s->at);
    *s = (struct wordnet_senses){0};
}

/* lemma n synset_cnt p_cnt [symbol...] sense_cnt tagsense_cnt offset... */
static int add_senses(const struct wordnet *w, const struct wordnet_line *l,
                      struct wordnet_senses *out) {
    struct words words = words_of(*l);
    uint32_t n, pointers, offset;
    bool good = skip_words(&words, 1) && next_is(&words, "n") && next_number(&words, 10, &n) &&
                next_number(&words, 10, &pointers) && skip_words(&words, pointers) &&
                skip_words(&words, 2);
    for (uint32_t i = 0; good && i < n; i++) {
        good = next_number(&words, 10, &offset);
        if (!good) break;
        out->at = mem_grow(out->at, &out->cap, out->n + 1, sizeof *out->at);
        out->at[out->n++] = offset;
    }
    if (good) return 0;
    return error_set(ERR_DATA, "%s/index.noun: the line of \"%.*s\" is damaged", w->dir,
                     (int)l->word, l->at);
}

static void add_once(struct strings *l, const char *s) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->at[i], s) == 0) return;
    strings_add(l, s);
}

/* Adds what is a word of the index. */
static void keep_word(const struct wordnet *w, const char *form, struct strings *out) {
    if (find_line(&w->words, form)) add_once(out, form);
}

/* The rules of plurals: each applied to each of the forms. What comes twice stays once: "seses..."
 * would double at every turn. */
static void apply_rules(const struct strings *forms, struct strings *out) {
    static const char *const rules[][2] = {{"s", ""},      {"ses", "s"},   {"ves", "f"},
                                           {"xes", "x"},   {"zes", "z"},   {"ches", "ch"},
                                           {"shes", "sh"}, {"men", "man"}, {"ies", "y"}};
    for (size_t i = 0; i < forms->n; i++)
        for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
            size_t n = strlen(forms->at[i]), ending = strlen(rules[r][0]);
            if (n < ending || strcmp(forms->at[i] + n - ending, rules[r][0]) != 0) continue;
            char *form = mem_format("%.*s%s", (int)(n - ending), forms->at[i], rules[r][1]);
            add_once(out, form);
            free(form);
        }
}

static void add_exceptions(const struct wordnet *w, const struct wordnet_line *l,
                           struct strings *out) {
    struct words words = words_of(*l);
    size_t n;
    next_word(&words, &n); /* the irregular form */
    for (const char *base = next_word(&words, &n); n; base = next_word(&words, &n)) {
        char *form = mem_format("%.*s", (int)n, base);
        keep_word(w, form, out);
        free(form);
    }
}

/* The words of the index that a form may be of, in NLTK's order. Every rule shortens a form or
 * changes its ending into one that no rule has, so this ends. */
static void base_forms(const struct wordnet *w, const char *form, struct strings *out) {
    const struct wordnet_line *odd = find_line(&w->irregular, form);
    keep_word(w, form, out);
    if (odd) {
        add_exceptions(w, odd, out);
        return;
    }
    struct strings forms = {0};
    strings_add(&forms, form);
    for (bool first = true; forms.n && (first || !out->n); first = false) {
        struct strings next = {0};
        apply_rules(&forms, &next);
        for (size_t i = 0; i < next.n; i++) keep_word(w, next.at[i], out);
        strings_free(&forms);
        forms = next;
    }
    strings_free(&forms);
}

/* Lower case, with '_' for what separates words. */
static char *form_of(const char *text, size_t n, const char *separators) {
    struct str s = {0};
    unicode_lower(text, n, &s);
    if (!s.at) str_put(&s, "", 0);
    for (size_t i = 0; i < s.n; i++)
        if (strchr(separators, s.at[i])) s.at[i] = '_';
    return s.at;
}

static int look_up(const struct wordnet *w, const char *form, struct wordnet_senses *out) {
    struct strings bases = {0};
    int status = 0;
    if (strlen(form) <= MAX_WORD) base_forms(w, form, &bases);
    for (size_t i = 0; !status && i < bases.n; i++)
        status = add_senses(w, find_line(&w->words, bases.at[i]), out);
    strings_free(&bases);
    return status;
}

int wordnet_senses_of(const struct wordnet *w, const char *noun, struct wordnet_senses *out) {
    char *form = form_of(noun, strlen(noun), " ");
    int status = look_up(w, form, out);
    free(form);
    return status;
}

/* Looks one spelling up unless something was found before. */
static int try_form(const struct wordnet *w, const char *text, size_t n, const char *separators,
                    struct wordnet_senses *out, char **as) {
    if (out->n || !n) return 0;
    char *form = form_of(text, n, separators);
    int status = look_up(w, form, out);
    if (!status && out->n && as)
        *as = form;
    else
        free(form);
    return status;
}

/* text[0..n) has no comma, and no space around it. */
static int find_part(const struct wordnet *w, const char *text, size_t n, bool whole,
                     struct wordnet_senses *out, char **as) {
    const char *hyphen = memchr(text, '-', n);
    if (whole) {
        int status = try_form(w, text, n, " ", out, as);
        return status || !hyphen ? status : try_form(w, text, n, " -", out, as);
    }
    int status = hyphen ? try_form(w, text, (size_t)(hyphen - text), " ", out, as) : 0;
    for (size_t i = 1; !status && i < n; i++) /* without its first words */
        if (text[i - 1] == ' ') status = try_form(w, text + i, n - i, " ", out, as);
    return status;
}

int wordnet_find(const struct wordnet *w, const char *name, struct wordnet_senses *out, char **as) {
    *out = (struct wordnet_senses){0};
    if (as) *as = NULL;
    int status = 0;
    for (int turn = 0; turn < 2; turn++)
        for (const char *part = name; !status && !out->n;) {
            size_t n = strcspn(part, ","), first = strspn(part, " ");
            size_t last = n;
            while (last > first && part[last - 1] == ' ') last--;
            if (first < last) status = find_part(w, part + first, last - first, turn == 0, out, as);
            if (!part[n]) break;
            part += n + 1;
        }
    if (status) wordnet_senses_free(out);
    return status;
}

/* ---- paths ---- */

void wordnet_paths_free(struct wordnet_paths *p) {
    free(p->at);
    *p = (struct wordnet_paths){0};
}

static int damaged(const struct wordnet *w, uint32_t synset) {
    return error_set(ERR_DATA, "%s/data.noun: no synset of nouns at byte %lu, or a damaged one",
                     w->dir, (unsigned long)synset);
}

/* Appends a synset that is not there yet. */
static void reach(struct wordnet_paths *p, uint32_t synset, uint32_t steps) {
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].synset == synset) return;
    p->at = mem_grow(p->at, &p->cap, p->n + 1, sizeof *p->at);
    p->at[p->n++] = (struct wordnet_path){synset, steps};
}

/* offset lex_filenum n w_cnt (word lex_id)... p_cnt (symbol offset pos source/target)... | gloss */
static int reach_hypernyms(const struct wordnet *w, struct wordnet_path from,
                           struct wordnet_paths *p) {
    if (from.synset >= w->data.n) return damaged(w, from.synset);
    const char *at = (const char *)w->data.at + from.synset;
    const char *stop = memchr(at, '\n', w->data.n - from.synset);
    struct words words = {at, stop ? stop : (const char *)w->data.at + w->data.n};
    uint32_t here, count;
    if (!next_number(&words, 10, &here) || here != from.synset || !skip_words(&words, 1) ||
        !next_is(&words, "n") || !next_number(&words, 16, &count) ||
        !skip_words(&words, 2 * count) || !next_number(&words, 10, &count))
        return damaged(w, from.synset);
    for (int turn = 0; turn < 2; turn++) { /* kinds before instances, as NLTK queues them */
        struct words pointers = words;
        for (uint32_t i = 0; i < count; i++) {
            size_t n;
            const char *symbol = next_word(&pointers, &n);
            bool up = turn ? n == 2 && memcmp(symbol, "@i", 2) == 0 : n == 1 && *symbol == '@';
            uint32_t to;
            if (!next_number(&pointers, 10, &to) || !skip_words(&pointers, 2))
                return damaged(w, from.synset);
            if (up) reach(p, to, from.steps + 1);
        }
    }
    return 0;
}

static int by_synset(const void *a, const void *b) {
    const struct wordnet_path *x = a, *y = b;
    return (x->synset > y->synset) - (x->synset < y->synset);
}

int wordnet_paths_of(const struct wordnet *w, uint32_t synset, struct wordnet_paths *out) {
    *out = (struct wordnet_paths){0};
    int status = 0;
    reach(out, synset, 0);
    for (size_t i = 0; !status && i < out->n; i++) { /* breadth first: each by its shortest way */
        status = reach_hypernyms(w, out->at[i], out);
        if (!status && out->n > MAX_ABOVE)
            status = error_set(ERR_DATA, "%s/data.noun: over %d synsets above that at byte %lu",
                               w->dir, MAX_ABOVE, (unsigned long)synset);
    }
    if (status)
        wordnet_paths_free(out);
    else
        qsort(out->at, out->n, sizeof *out->at, by_synset);
    return status;
}

double wordnet_similarity(const struct wordnet_paths *a, const struct wordnet_paths *b) {
    uint32_t best = UINT32_MAX;
    for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
        uint32_t x = a->at[i].synset, y = b->at[k].synset;
        uint32_t steps = a->at[i].steps + b->at[k].steps;
        if (x == y && steps < best) best = steps;
        i += x <= y;
        k += y <= x;
    }
    return best == UINT32_MAX ? 0 : 1 / (1 + (double)best);
}
