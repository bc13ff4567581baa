#include "data/noun_parser.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/mem.h"
#include "data/link_grammar.h"
#include "data/noun_rules.h"

enum {
    DEFAULT_WORDS = 16,
    DEFAULT_LINKAGES = 20,
    DEFAULT_NULLS = 1,
    LONGEST_WORD = 60, /* bytes; link-grammar writes past its buffers at some 200 */
    KEPT = 512,        /* pieces; a power of two */
};

/* A piece that was parsed, for the next time: people repeat themselves, and a line of a megabyte is
 * mostly one sentence many times. */
struct kept_piece {
    char *text;
    bool *noun; /* [max] */
};

struct noun_parser {
    struct link_grammar *grammar;
    size_t max; /* words of a piece */
    /* the piece under way */
    struct tagged_word *word; /* [max] */
    size_t *token;            /* [max]: of each word */
    struct str text;
    struct kept_piece kept[KEPT]; /* by hash */
};

int noun_parser_open(struct noun_parser **out, const struct noun_limits *l) {
    *out = NULL;
    REQUIRE(l->max_words >= 0 && l->max_linkages >= 0 && l->max_nulls >= 0, "a limit below 0");
    struct link_grammar *grammar;
    int status = link_grammar_open(&grammar, l->max_linkages ? l->max_linkages : DEFAULT_LINKAGES,
                                   l->max_nulls ? l->max_nulls : DEFAULT_NULLS);
    if (status) return status;
    struct noun_parser *p = mem_alloc(1, sizeof *p);
    p->grammar = grammar;
    p->max = l->max_words ? (size_t)l->max_words : DEFAULT_WORDS;
    p->word = mem_alloc(p->max, sizeof *p->word);
    p->token = mem_alloc(p->max, sizeof *p->token);
    *out = p;
    return 0;
}

void noun_parser_close(struct noun_parser *p) {
    if (!p) return;
    link_grammar_close(p->grammar);
    free(p->word);
    free(p->token);
    str_free(&p->text);
    for (size_t i = 0; i < KEPT; i++) {
        free(p->kept[i].text);
        free(p->kept[i].noun);
    }
    free(p);
}

static bool is_one_of(const char *word, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(word, list[i])) return true;
    return false;
}

static bool ends_sentence(const char *token) {
    static const char *const marks[] = {".", "!", "?", ";"};
    return is_one_of(token, marks, sizeof marks / sizeof *marks);
}

static bool begins_piece(const char *token) {
    static const char *const words[] = {",", "and", "with", "while"};
    return is_one_of(token, words, sizeof words / sizeof *words);
}

static bool names_a_place(const char *token) {
    static const char *const words[] = {"at", "by", "for",  "from", "in", "into",  "near",
                                        "of", "on", "over", "that", "to", "under", "which"};
    return is_one_of(token, words, sizeof words / sizeof *words);
}

/* Where the piece of [from, end) that is parsed at once ends. */
static size_t piece_end(char *const *token, size_t from, size_t end, size_t max) {
    if (end - from <= max) return end;
    for (size_t i = from + max; i > from + max / 2; i--)
        if (begins_piece(token[i])) return i;
    return from + max;
}

/* What the parser reads: words and commas. Quotes, brackets and signs only confuse it. */
static bool is_parsed(const char *token) {
    char c = token[0];
    if (strnlen(token, LONGEST_WORD + 1) > LONGEST_WORD) return false;
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ',';
}

/* Parses words, or, where there is no parse, the two halves: cut before the word nearest the
 * middle that begins a piece or names a place. */
static void tag_words(struct noun_parser *p, struct tagged_word *word, size_t count) {
    if (link_grammar_tag(p->grammar, word, count) || count < 4) return;
    size_t best = count / 2, distance = count;
    for (size_t i = 1; i < count; i++) {
        size_t d = i > count / 2 ? i - count / 2 : count / 2 - i;
        if (d >= distance || (!begins_piece(word[i].text) && !names_a_place(word[i].text)))
            continue;
        best = i;
        distance = d;
    }
    tag_words(p, word, best);
    tag_words(p, word + best, count - best);
}

/* The nouns among the n words of the piece under way. */
static const bool *piece_nouns(struct noun_parser *p, size_t n) {
    p->text.n = 0;
    for (size_t i = 0; i < n; i++) {
        str_put(&p->text, p->word[i].text, strlen(p->word[i].text));
        str_put(&p->text, " ", 1);
    }
    struct kept_piece *k = &p->kept[hash_bytes(p->text.at, p->text.n) % KEPT];
    if (k->text && !strcmp(k->text, p->text.at)) return k->noun;
    tag_words(p, p->word, n);
    if (!k->noun) k->noun = mem_alloc(p->max, sizeof *k->noun);
    noun_rules_apply(p->word, n, k->noun);
    free(k->text);
    k->text = mem_strdup(p->text.at);
    return k->noun;
}

static void mark_piece(struct noun_parser *p, char *const *token, size_t from, size_t end,
                       bool *noun) {
    size_t n = 0;
    for (size_t i = from; i < end; i++) {
        if (!is_parsed(token[i])) continue;
        p->word[n] = (struct tagged_word){.text = token[i]};
        p->token[n++] = i;
    }
    if (!n) return;
    const bool *is_noun = piece_nouns(p, n);
    for (size_t i = 0; i < n; i++) noun[p->token[i]] = is_noun[i];
}

void noun_parser_mark(struct noun_parser *p, char *const *token, size_t n, bool *noun) {
    for (size_t i = 0; i < n; i++) noun[i] = false;
    for (size_t from = 0; from < n;) {
        size_t end = from;
        while (end < n && !ends_sentence(token[end])) end++;
        while (from < end) {
            size_t piece = piece_end(token, from, end, p->max);
            mark_piece(p, token, from, piece, noun);
            from = piece;
        }
        from = end + 1;
    }
}
