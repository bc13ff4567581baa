/* A user's list of phrases, each of which is one noun wherever it stands: "fire hydrant",
 * "new york". */
#pragma once

#include <stddef.h>

#include "data/text_index.h"

enum { NOUN_PHRASE_WORDS = 16 };

struct noun_phrases {
    struct text_index phrase; /* tokens with a space between */
    size_t longest;           /* of them, in tokens */
};

/* A phrase a line, as in data/word_list.h, split as captions are. ERR_DATA names the line of a
 * phrase of more than NOUN_PHRASE_WORDS tokens, and a list without phrases. */
int noun_phrases_read(struct noun_phrases *p, const char *path);
void noun_phrases_free(struct noun_phrases *p);

/* How many of the n tokens, lower-case, are the longest phrase that begins at the first: 0 none.
 * The last word of a phrase may stand in the plural. */
size_t noun_phrases_match(const struct noun_phrases *p, char *const *token, size_t n);
