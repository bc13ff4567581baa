#include "data/link_grammar.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#ifndef OVSEG_LINK_GRAMMAR

int link_grammar_open(struct link_grammar **lg_out, int max_linkages, int max_nulls) {
    (void)max_linkages, (void)max_nulls;
    *lg_out = NULL;
    return error_set(ERR_DEVICE,
                     "nouns: this build has no link-grammar; install liblink-grammar-dev "
                     "and link-grammar-dictionaries-en and build again");
}
void link_grammar_close(struct link_grammar *lg) { (void)lg; }
bool link_grammar_tag(struct link_grammar *lg, struct tagged_word *word, size_t n) {
    (void)lg, (void)word, (void)n;
    return false;
}

#else

#include <link-grammar/dict-api.h>
#include <link-grammar/link-includes.h>

struct link_grammar {
    Dictionary dictionary;
    Parse_Options options;
    int max_nulls;
    struct str sentence;
    size_t *start, cap; /* byte where each word begins */
};

/* Captions are noun phrases more often than sentences. Behind this prefix most of them parse in
 * full (101 of 110 against 65); with the dialect of headlines, which lets articles go, 106. */
static const char PREFIX[] = "this is ";
static const char DIALECT[] = "headline";

/* A parse with the prefix that costs more than this is compared with the parse without it: the
 * caption may be a sentence already ("two people stand on a street"). */
static const float COST_OF_DOUBT = 1.0F;

int link_grammar_open(struct link_grammar **lg_out, int max_linkages, int max_nulls) {
    *lg_out = NULL;
    lg_error_set_handler(NULL, NULL); /* before the dictionary, which prints on stdout */
    Dictionary dictionary = dictionary_create_lang("en");
    if (!dictionary)
        return error_set(ERR_MISSING,
                         "nouns: link-grammar's English dictionary is not there; "
                         "install link-grammar-dictionaries-en");
    struct link_grammar *lg = mem_alloc(1, sizeof *lg);
    lg->dictionary = dictionary;
    lg->options = parse_options_create();
    lg->max_nulls = max_nulls;
    parse_options_set_verbosity(lg->options, 0);
    parse_options_set_dialect(lg->options, DIALECT);
    parse_options_set_linkage_limit(lg->options, max_linkages);
    parse_options_set_repeatable_rand(lg->options, true); /* which linkages are costed */
    parse_options_set_spell_guess(lg->options, 0);        /* slow, and names become words */
    parse_options_set_max_parse_time(lg->options, -1);
    parse_options_set_max_memory(lg->options, -1);
    *lg_out = lg;
    return 0;
}

void link_grammar_close(struct link_grammar *lg) {
    if (!lg) return;
    parse_options_delete(lg->options);
    dictionary_delete(lg->dictionary);
    str_free(&lg->sentence);
    free(lg->start);
    free(lg);
}

/* Words that the dictionary marks like plural nouns (".p") or like measures (".i") and that are
 * neither. */
static bool is_marked_only(const char *s, size_t n) {
    static const char *const words[] = {
        "aside", "behind", "better", "captive", "certain",  "clear", "due",   "effective", "fine",
        "for",   "free",   "like",   "little",  "loose",    "me",    "mine",  "minus",     "my",
        "near",  "need",   "never",  "now",     "o",        "ok",    "okay",  "opposite",  "past",
        "plus",  "poorly", "rarely", "s",       "straight", "sure",  "their", "theirs",    "then",
        "this",  "thy",    "well",   "worth",   "yisser"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && !memcmp(words[i], s, n)) return true;
    return false;
}

/* "word.subscript", with "[?]" and the like inside where the word was guessed. Dictionary entries
 * have the byte 3 in place of the dot. */
static enum word_tag tag_of(const char *word) {
    const char *mark = strrchr(word, 3), *dot = mark ? mark : strrchr(word, '.');
    if (word[0] == '[') return TAG_NULL;
    if (!dot || dot == word || !dot[1]) return strstr(word, "NOUN") ? TAG_NOUN : TAG_OTHER;
    size_t n = strcspn(word, ".[\3");
    char kind = dot[1];
    bool single = !dot[2] || dot[2] == '[' || dot[2] == '-';
    switch (kind) {
    case 'n': return TAG_NOUN;
    case 'p':
    case 'i':
        if (dot[2] == 'j') return TAG_INTERJECTION;
        return single && !is_marked_only(word, n) ? TAG_NOUN : TAG_OTHER;
    case 's': /* singular or mass, given names, places, organisations, titles, units */
    case 'f':
    case 'b':
    case 'm':
    case 'l':
    case 'o':
    case 't':
    case 'u': return single ? TAG_NOUN : TAG_OTHER;
    case 'a': return single ? TAG_ADJECTIVE : TAG_OTHER;
    case 'v':
    case 'w': return TAG_VERB;
    case 'g': return TAG_GERUND;
    default: return TAG_OTHER;
    }
}

static unsigned entries_of(const struct link_grammar *lg, const char *word) {
    unsigned entries = 0;
    Dict_node *list = dictionary_lookup_list(lg->dictionary, word);
    for (const Dict_node *d = list; d; d = d->right) {
        switch (tag_of(d->string)) {
        case TAG_NOUN: entries |= ENTRY_NOUN; break;
        case TAG_VERB:
        case TAG_GERUND: entries |= ENTRY_VERB; break;
        case TAG_ADJECTIVE: entries |= ENTRY_ADJECTIVE; break;
        default: entries |= ENTRY_OTHER;
        }
    }
    free_lookup_list(lg->dictionary, list);
    return entries;
}

/* Parses the sentence from byte `from` on; NULL without a parse of so few words left out. */
static Linkage parse(struct link_grammar *lg, size_t from, int min_nulls, int max_nulls,
                     Sentence *sentence) {
    *sentence = sentence_create(lg->sentence.at + from, lg->dictionary);
    parse_options_reset_resources(lg->options);
    parse_options_set_min_null_count(lg->options, min_nulls);
    parse_options_set_max_null_count(lg->options, max_nulls);
    if (sentence_split(*sentence, lg->options) == 0 && sentence_parse(*sentence, lg->options) > 0) {
        Linkage l = linkage_create(0, *sentence, lg->options);
        if (l) return l;
    }
    sentence_delete(*sentence);
    *sentence = NULL;
    return NULL;
}

static void read_tags(const struct link_grammar *lg, Linkage l, size_t from,
                      struct tagged_word *word, size_t n) {
    for (size_t i = 0; i < n; i++) word[i].tag = TAG_NULL;
    size_t words = linkage_get_num_words(l), i = 0;
    for (size_t k = 0; k < words; k++) {
        size_t begin = linkage_get_word_byte_start(l, k) + from;
        size_t end = linkage_get_word_byte_end(l, k) + from;
        if (end <= begin) continue; /* the walls */
        while (i < n && lg->start[i] + strlen(word[i].text) <= begin) i++;
        /* a word of several pieces ("man's") is a noun when one of them is */
        if (i == n || lg->start[i] >= end) continue;
        enum word_tag tag = tag_of(linkage_get_word(l, k));
        if (word[i].tag == TAG_NULL || tag == TAG_NOUN) word[i].tag = tag;
    }
}

bool link_grammar_tag(struct link_grammar *lg, struct tagged_word *word, size_t n) {
    lg_error_set_handler(NULL, NULL); /* a setting of the thread */
    lg->sentence.n = 0;
    str_put(&lg->sentence, PREFIX, sizeof PREFIX - 1);
    lg->start = mem_grow(lg->start, &lg->cap, n, sizeof *lg->start);
    for (size_t i = 0; i < n; i++) {
        if (i) str_put(&lg->sentence, " ", 1);
        lg->start[i] = lg->sentence.n;
        str_put(&lg->sentence, word[i].text, strlen(word[i].text));
        word[i].entries = entries_of(lg, word[i].text);
        word[i].tag = TAG_NULL;
    }
    size_t plain = sizeof PREFIX - 1, from = 0;
    Sentence with, without = NULL;
    Linkage l = parse(lg, 0, 0, 0, &with), other = NULL;
    if (!l || linkage_disjunct_cost(l) > COST_OF_DOUBT) {
        other = parse(lg, plain, 0, 0, &without);
        if (other && (!l || linkage_disjunct_cost(other) < linkage_disjunct_cost(l))) from = plain;
    }
    if (!l && !other) l = parse(lg, 0, 1, lg->max_nulls, &with);
    bool parsed = l || other;
    if (parsed) read_tags(lg, from ? other : l, from, word, n);
    if (l) linkage_delete(l);
    if (other) linkage_delete(other);
    if (with) sentence_delete(with);
    if (without) sentence_delete(without);
    return parsed;
}

#endif
