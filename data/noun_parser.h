/* Which tokens of a caption are nouns by link-grammar: sentence by sentence, what is long or has no
 * parse in pieces, the parser's tags corrected by context (data/noun_rules.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct noun_parser;

struct noun_limits {  /* 0: the default. None is a time, so that no result depends on load. */
    int max_words;    /* 16; longer sentences are cut */
    int max_linkages; /* 20: parses that are costed */
    int max_nulls;    /* 1: words a parse may leave out; beyond, the halves are parsed */
};

/* ERR_DEVICE when this build has no link-grammar, ERR_MISSING when its English dictionary is not
 * there. A handle is for one thread at a time; threads open one each (60 MB and 0.3 s).
 * link-grammar stays silent: what it would print is dropped. */
int noun_parser_open(struct noun_parser **out, const struct noun_limits *limits);
void noun_parser_close(struct noun_parser *p);

/* noun[i] of n tokens, lower-case. The same tokens always give the same nouns, whatever came
 * before. Sentences (up to . ! ? ;) are parsed one by one; one of more than max_words tokens is cut
 * into pieces, each before the last ",", "and", "with" or "while" that keeps it within the limit
 * and above half of it, or at the limit. A piece without a parse is cut in two near its middle, and
 * so on. Words of more than 60 bytes are no nouns. */
void noun_parser_mark(struct noun_parser *p, char *const *token, size_t n, bool *noun);
