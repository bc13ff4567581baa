#include "data/nouns.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/singular.h"
#include "data/unicode.h"
#include "data/word_list.h"

/* ---- tokens ---- */

static bool is_word_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/* [a-z0-9]+(?:[-'][a-z0-9]+)* at s; 0: no word begins here. */
static size_t word_length(const char *s, size_t n) {
    size_t i = 0;
    while (i < n && is_word_byte(s[i])) {
        i++;
        if (i + 1 < n && (s[i] == '-' || s[i] == '\'') && is_word_byte(s[i + 1])) i++;
    }
    return i;
}

/* Lower-case text as long as the original, so that tokens can be cut from both: the few letters
 * whose lower case has another length (İ, K of Kelvin) are then not words in either spelling. */
static void lower_in_place(const char *s, size_t n, struct str *out) {
    str_put(out, s, n);
    for (size_t i = 0; i < n; i++)
        if (s[i] >= 'A' && s[i] <= 'Z') out->at[i] = (char)(s[i] + ('a' - 'A'));
}

static void add_token(struct strings *out, struct str *one, const char *s, size_t n) {
    one->n = 0;
    str_put(one, s, n);
    strings_add(out, one->at);
}

void nouns_tokenize(const char *caption, size_t n, bool keep_case, struct strings *out) {
    struct str lower = {0}, one = {0};
    if (keep_case)
        lower_in_place(caption, n, &lower);
    else
        unicode_lower(caption, n, &lower);
    const char *spelt = keep_case ? caption : lower.at;
    for (size_t i = 0; i < lower.n;) {
        int32_t code;
        size_t word = word_length(lower.at + i, lower.n - i);
        size_t k = word ? word : unicode_get(lower.at + i, lower.n - i, &code);
        if (!word && code == 0xFFFD)
            add_token(out, &one, "\uFFFD", 3); /* also for bytes that are not UTF-8 */
        else if (word || (code && !unicode_is_space(code)))
            add_token(out, &one, spelt + i, k);
        i += k;
    }
    str_free(&lower);
    str_free(&one);
}

/* ---- open and close ---- */

static int by_pointer(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_in_stop_list(const struct nouns *n, const char *text) {
    return bsearch(&text, n->stop.at, n->stop.n, sizeof *n->stop.at, by_pointer) != NULL;
}

/* A word or a name of several that is no noun, in the singular or as it stands. */
static bool is_stopped(const struct nouns *n, const char *lower) {
    if (!n->stop.n) return false;
    struct str singular = {0};
    noun_singular(lower, &singular);
    bool stopped = is_in_stop_list(n, lower) || is_in_stop_list(n, singular.at);
    str_free(&singular);
    return stopped;
}

static int read_stop_list(struct nouns *n, const char *path) {
    if (word_list_read(path, &n->stop, NULL)) return error_context("the stop list of nouns");
    if (n->stop.n) qsort(n->stop.at, n->stop.n, sizeof *n->stop.at, by_pointer);
    return 0;
}

int nouns_open(struct nouns *n, const struct nouns_options *options) {
    *n = (struct nouns){.options = *options};
    struct nouns_options *o = &n->options;
    REQUIRE(o->backend != NOUNS_PERCEPTRON || o->tagger, "a perceptron without weights");
    REQUIRE(o->backend != NOUNS_TAGS || o->tags, "no tags");
    int status = o->stop_list ? read_stop_list(n, o->stop_list) : 0;
    if (!status && o->phrases) status = noun_phrases_read(&n->phrases, o->phrases);
    if (!status && o->backend == NOUNS_LINK_GRAMMAR)
        status = noun_parser_open(&n->parser, &o->limits);
    o->stop_list = o->phrases = NULL; /* the caller's strings, read */
    if (status) nouns_close(n);
    return status;
}

void nouns_close(struct nouns *n) {
    noun_parser_close(n->parser);
    noun_phrases_free(&n->phrases);
    strings_free(&n->stop);
    *n = (struct nouns){0};
}

/* ---- finding ---- */

/* What a backend says of the tokens. */
struct marks {
    char *const *lower; /* the tokens in lower case */
    size_t n;
    bool *noun;         /* [n] */
    const char **given; /* [n]: the names of nouns that came with them; NULL: there are none */
};

/* Appends one word of a name. */
static void put_word(const struct nouns *n, const char *lower, const char *spelt, bool last,
                     struct str *name) {
    const struct nouns_options *o = &n->options;
    if (name->n) str_put(name, " ", 1);
    if (!o->lemmatize && !(o->fold_plurals && last)) {
        str_put(name, spelt, strlen(spelt));
        return;
    }
    size_t k = strlen(lower);
    char *stem = mem_strdup(lower);
    if (o->lemmatize && k > 2 && !strcmp(lower + k - 2, "'s")) stem[k - 2] = '\0';
    noun_singular(stem, name);
    free(stem);
}

/* The name that another program gave, word by word. */
static void put_given(const struct nouns *n, const char *given, struct str *name) {
    struct str lower = {0}, word = {0};
    for (const char *s = given; *s;) {
        size_t k = strcspn(s, " ");
        word.n = lower.n = 0;
        str_put(&word, s, k);
        unicode_lower(s, k, &lower);
        s += k + (s[k] == ' ');
        if (k) put_word(n, lower.at, n->options.keep_case ? word.at : lower.at, !*s, name);
    }
    str_free(&lower);
    str_free(&word);
}

/* Adds the noun of tokens first .. end - 1, unless its name is on the stop list. */
static void add_noun(struct nouns *n, const struct marks *m, size_t first, size_t end,
                     struct noun_list *out) {
    struct str name = {0};
    const char *given = m->given ? m->given[end - 1] : NULL;
    bool many = given || end - first > 1;
    for (size_t i = first; !given && i < end; i++)
        put_word(n, m->lower[i], out->token.at[i], i + 1 == end, &name);
    if (given) put_given(n, given, &name);
    if (name.n && !(many && is_stopped(n, name.at))) {
        out->at = mem_grow(out->at, &out->cap, out->n + 1, sizeof *out->at);
        out->at[out->n++] = end - 1;
        strings_add(&out->name, name.at);
    }
    str_free(&name);
}

static size_t phrase_at(const struct nouns *n, const struct marks *m, size_t i) {
    return n->phrases.longest ? noun_phrases_match(&n->phrases, m->lower + i, m->n - i) : 0;
}

static bool is_noun_at(const struct nouns *n, const struct marks *m, size_t i) {
    return i < m->n && m->noun[i] && !is_stopped(n, m->lower[i]);
}

/* Where the compound that begins at noun i ends: before a phrase, and behind "man's". */
static size_t compound_end(const struct nouns *n, const struct marks *m, size_t i) {
    size_t end = i + 1;
    while (n->options.compounds && !m->given && is_noun_at(n, m, end) && !phrase_at(n, m, end) &&
           !strchr(m->lower[end - 1], '\''))
        end++;
    return end;
}

static void collect(struct nouns *n, const struct marks *m, struct noun_list *out) {
    for (size_t i = 0; i < m->n;) {
        size_t phrase = phrase_at(n, m, i);
        size_t end = phrase ? i + phrase : m->noun[i] ? compound_end(n, m, i) : i + 1;
        if (phrase || is_noun_at(n, m, i)) add_noun(n, m, i, end, out);
        i = end;
    }
}

static void mark_by_tagger(struct nouns *n, const struct marks *m, struct noun_list *out) {
    const struct perceptron *p = n->options.tagger;
    uint32_t *tag = mem_alloc(m->n, sizeof *tag);
    perceptron_tag(p, out->token.at, m->n, tag);
    for (size_t i = 0; i < m->n; i++) {
        m->noun[i] = p->is_noun[tag[i]];
        strings_add(&out->tag, perceptron_tag_name(p, tag[i]));
    }
    free(tag);
}

static void mark_by_line(struct nouns *n, const struct marks *m,
                         const struct noun_tags_line *line) {
    const struct noun_tags *t = n->options.tags;
    const char *name = t->text.at + line->text;
    for (uint32_t i = 0; i < line->n_tokens; i++) name += strlen(name) + 1;
    for (uint32_t k = 0; k < line->n_nouns; k++) {
        uint32_t i = t->noun[line->noun + k];
        m->noun[i] = true;
        if (!line->named) continue;
        m->given[i] = name;
        name += strlen(name) + 1;
    }
}

static void find(struct nouns *n, const struct noun_tags_line *line, struct noun_list *out) {
    struct marks m = {.lower = out->token.at, .n = out->token.n};
    struct strings lower = {0};
    struct str one = {0};
    for (size_t i = 0; n->options.keep_case && i < m.n; i++) {
        one.n = 0;
        unicode_lower(m.lower[i], strlen(m.lower[i]), &one);
        strings_add(&lower, one.at);
    }
    if (lower.n) m.lower = lower.at;
    m.noun = mem_alloc(m.n, sizeof *m.noun);
    if (line && line->named) m.given = mem_alloc(m.n, sizeof *m.given);
    switch (n->options.backend) {
    case NOUNS_LINK_GRAMMAR: noun_parser_mark(n->parser, m.lower, m.n, m.noun); break;
    case NOUNS_PERCEPTRON: mark_by_tagger(n, &m, out); break;
    case NOUNS_TAGS: mark_by_line(n, &m, line); break;
    }
    collect(n, &m, out);
    free(m.noun);
    free(m.given);
    strings_free(&lower);
    str_free(&one);
}

/* The tokens of a line of tags. */
static void take_tokens(const struct nouns *n, const struct noun_tags_line *line,
                        struct strings *out) {
    const char *token = n->options.tags->text.at + line->text;
    struct str lower = {0};
    for (uint32_t i = 0; i < line->n_tokens; i++) {
        size_t k = strlen(token);
        lower.n = 0;
        unicode_lower(token, k, &lower);
        strings_add(out, n->options.keep_case ? token : lower.at);
        token += k + 1;
    }
    str_free(&lower);
}

int nouns_find(struct nouns *n, const struct noun_caption *caption, struct noun_list *out) {
    struct noun_list found = {0};
    const struct noun_tags_line *line = NULL;
    const struct nouns_options *o = &n->options;
    if (o->backend == NOUNS_TAGS) {
        line = noun_tags_find(o->tags, caption->id, caption->number, caption->text, caption->n);
        if (!line) return error_status();
        take_tokens(n, line, &found.token);
    } else {
        nouns_tokenize(caption->text, caption->n, o->keep_case, &found.token);
    }
    find(n, line, &found);
    noun_list_free(out);
    *out = found;
    return 0;
}

void nouns_find_in(struct nouns *n, struct noun_list *out) {
    REQUIRE(n->options.backend != NOUNS_TAGS, "tags come with tokens");
    struct str lower = {0};
    for (size_t i = 0; !n->options.keep_case && i < out->token.n; i++) {
        lower.n = 0;
        unicode_lower(out->token.at[i], strlen(out->token.at[i]), &lower);
        free(out->token.at[i]);
        out->token.at[i] = mem_strdup(lower.at);
    }
    find(n, NULL, out);
    str_free(&lower);
}

void noun_list_free(struct noun_list *l) {
    strings_free(&l->token);
    strings_free(&l->name);
    strings_free(&l->tag);
    free(l->at);
    *l = (struct noun_list){0};
}
