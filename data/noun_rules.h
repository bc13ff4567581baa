/* What the parser's tags say of nouns, corrected by context: captions leave out articles and
 * verbs, and the parser then takes what fits its grammar. The rules look at neighbours and at
 * short lists of words; each says what it mends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "data/link_grammar.h"

/* noun[i] for the n words of one sentence. */
void noun_rules_apply(const struct tagged_word *word, size_t n, bool *noun);
