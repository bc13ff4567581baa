#include "data/nouns.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "data/link_grammar.h"
#include "data/noun_rules.h"
#include "data/singular.h"
#include "data/unicode.h"

enum { DEFAULT_WORDS = 16, DEFAULT_LINKAGES = 20, DEFAULT_NULLS = 1, MAX_STOP_LIST = 1 << 20 };

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

static bool is_stopped(const struct nouns *n, const char *word) {
    return n->stop.n &&
           bsearch(&word, n->stop.at, n->stop.n, sizeof *n->stop.at, by_pointer) != NULL;
}

static int read_stop_list(struct nouns *n, const char *path) {
    struct bytes file;
    int status = file_read(path, MAX_STOP_LIST, &file);
    if (status) return error_context("the stop list of nouns");
    struct str word = {0};
    for (size_t i = 0; i < file.n;) {
        size_t end = i + strcspn((char *)file.at + i, "\r\n");
        size_t stop = i + strcspn((char *)file.at + i, "#\r\n");
        while (i < stop && (file.at[i] == ' ' || file.at[i] == '\t')) i++;
        while (stop > i && (file.at[stop - 1] == ' ' || file.at[stop - 1] == '\t')) stop--;
        word.n = 0;
        unicode_lower((char *)file.at + i, stop - i, &word);
        if (word.n) strings_add(&n->stop, word.at);
        i = end + 1;
    }
    if (n->stop.n) qsort(n->stop.at, n->stop.n, sizeof *n->stop.at, by_pointer);
    str_free(&word);
    bytes_free(&file);
    return 0;
}

int nouns_open(struct nouns *n, const struct nouns_options *options) {
    *n = (struct nouns){.options = *options};
    struct nouns_options *o = &n->options;
    REQUIRE(o->backend == NOUNS_LINK_GRAMMAR, "backend %d", (int)o->backend);
    REQUIRE(o->max_words >= 0 && o->max_linkages >= 0 && o->max_nulls >= 0, "a limit below 0");
    if (!o->max_words) o->max_words = DEFAULT_WORDS;
    if (!o->max_linkages) o->max_linkages = DEFAULT_LINKAGES;
    if (!o->max_nulls) o->max_nulls = DEFAULT_NULLS;
    int status = o->stop_list ? read_stop_list(n, o->stop_list) : 0;
    if (!status) status = link_grammar_open(&n->parser, o->max_linkages, o->max_nulls);
    o->stop_list = NULL; /* the caller's string, read */
    if (status) nouns_close(n);
    return status;
}

void nouns_close(struct nouns *n) {
    link_grammar_close(n->parser);
    strings_free(&n->stop);
    *n = (struct nouns){0};
}

/* ---- finding ---- */

static bool ends_sentence(const char *token) {
    return !strcmp(token, ".") || !strcmp(token, "!") || !strcmp(token, "?") || !strcmp(token, ";");
}

static bool begins_piece(const char *token) {
    return !strcmp(token, ",") || !strcmp(token, "and") || !strcmp(token, "with") ||
           !strcmp(token, "while");
}

/* Where the piece of [from, end) that is parsed at once ends. */
static size_t piece_end(char *const *token, size_t from, size_t end, size_t max) {
    if (end - from <= max) return end;
    for (size_t i = from + max; i > from + max / 2; i--)
        if (begins_piece(token[i])) return i;
    return from + max;
}

/* What the parser reads: words and commas. Quotes, brackets and signs only confuse it. */
static bool is_parsed(const char *token) { return is_word_byte(token[0]) || token[0] == ','; }

/* Parses words, or, where there is no parse, the two halves: cut before the word nearest the
 * middle that begins a piece or names a place. */
static void tag_words(struct nouns *n, struct tagged_word *word, size_t count) {
    static const char *const cuts[] = {"at", "by", "for",  "from", "in", "into",  "near",
                                       "of", "on", "over", "that", "to", "under", "which"};
    if (link_grammar_tag(n->parser, word, count) || count < 4) return;
    size_t best = count / 2, distance = count;
    for (size_t i = 1; i < count; i++) {
        bool cut = begins_piece(word[i].text);
        for (size_t k = 0; !cut && k < sizeof cuts / sizeof *cuts; k++)
            cut = !strcmp(word[i].text, cuts[k]);
        size_t d = i > count / 2 ? i - count / 2 : count / 2 - i;
        if (!cut || d >= distance) continue;
        best = i;
        distance = d;
    }
    tag_words(n, word, best);
    tag_words(n, word + best, count - best);
}

struct sentence {
    struct tagged_word *word;
    size_t *token; /* of each word */
    bool *noun;
    size_t n;
};

static void add_noun(struct nouns *n, struct noun_list *out, size_t token, const char *lower) {
    struct str singular = {0};
    noun_singular(lower, &singular);
    if (!is_stopped(n, lower) && !is_stopped(n, singular.at)) {
        const char *spelt = n->options.keep_case ? out->token.at[token] : lower;
        out->at = mem_grow(out->at, &out->cap, out->n + 1, sizeof *out->at);
        out->at[out->n++] = token;
        strings_add(&out->name, n->options.fold_plurals ? singular.at : spelt);
    }
    str_free(&singular);
}

static void find_in_piece(struct nouns *n, struct sentence *s, char *const *lower, size_t from,
                          size_t end, struct noun_list *out) {
    s->n = 0;
    for (size_t i = from; i < end; i++) {
        if (!is_parsed(lower[i])) continue;
        s->word[s->n] = (struct tagged_word){.text = lower[i]};
        s->token[s->n++] = i;
    }
    if (!s->n) return;
    tag_words(n, s->word, s->n);
    noun_rules_apply(s->word, s->n, s->noun);
    for (size_t i = 0; i < s->n; i++)
        if (s->noun[i]) add_noun(n, out, s->token[i], lower[s->token[i]]);
}

int nouns_find(struct nouns *n, const char *caption, struct noun_list *out) {
    struct noun_list found = {0};
    size_t bytes = strlen(caption), max = (size_t)n->options.max_words;
    struct strings lower = {0};
    nouns_tokenize(caption, bytes, n->options.keep_case, &found.token);
    for (size_t i = 0; i < found.token.n; i++) strings_add(&lower, found.token.at[i]);
    for (size_t i = 0; n->options.keep_case && i < lower.n; i++)
        for (char *c = lower.at[i]; *c; c++)
            if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + ('a' - 'A'));
    struct sentence s = {.word = mem_alloc(max, sizeof *s.word),
                         .token = mem_alloc(max, sizeof *s.token),
                         .noun = mem_alloc(max, sizeof *s.noun)};
    for (size_t from = 0; from < lower.n;) {
        size_t end = from;
        while (end < lower.n && !ends_sentence(lower.at[end])) end++;
        while (from < end) {
            size_t piece = piece_end(lower.at, from, end, max);
            find_in_piece(n, &s, lower.at, from, piece, &found);
            from = piece;
        }
        from = end + 1;
    }
    free(s.word);
    free(s.token);
    free(s.noun);
    strings_free(&lower);
    noun_list_free(out);
    *out = found;
    return 0;
}

void noun_list_free(struct noun_list *l) {
    strings_free(&l->token);
    strings_free(&l->name);
    free(l->at);
    *l = (struct noun_list){0};
}
