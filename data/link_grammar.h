/* Parts of speech of the words of one sentence, by link-grammar's parser. The only file that
 * includes its headers is link_grammar.c; without the library every open fails with ERR_DEVICE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum word_tag {
    TAG_NULL, /* the parse left the word out, or there was no parse */
    TAG_NOUN,
    TAG_ADJECTIVE,
    TAG_VERB,
    TAG_GERUND,       /* "-ing" as a noun or a modifier */
    TAG_INTERJECTION, /* "man", "baby": the dictionary knows how people talk */
    TAG_OTHER,
};

enum word_entry { ENTRY_NOUN = 1, ENTRY_VERB = 2, ENTRY_ADJECTIVE = 4, ENTRY_OTHER = 8 };

struct tagged_word {
    const char *text;  /* in: lower-case, of [a-z0-9'-], or "," */
    enum word_tag tag; /* out: what it is here */
    unsigned entries;  /* out: what the dictionary says it can be; 0: an unknown word */
};

struct link_grammar;

int link_grammar_open(struct link_grammar **lg_out, int max_linkages, int max_nulls);
void link_grammar_close(struct link_grammar *lg);

/* Tags n words. False, and TAG_NULL everywhere, when there is no parse. Deterministic. */
bool link_grammar_tag(struct link_grammar *lg, struct tagged_word *word, size_t n);
