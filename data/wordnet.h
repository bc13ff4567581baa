/* The nouns of WordNet, read from the files of its dict format (wndb(5WN); Debian's wordnet-base):
 * data.noun, index.noun and noun.exc of one folder.
 *
 * Everything equals NLTK's reader: senses of a word come by its morphy (exceptions, then rules of
 * plurals), the path similarity of two synsets is 1 / (1 + steps of the shortest way between them
 * through hypernyms and instance hypernyms), 0 without a common one.
 *
 *     struct wordnet w;
 *     wordnet_open(&w, "/usr/share/wordnet");
 *     wordnet_find(&w, "traffic lights", &senses, NULL);   synsets, the commonest first
 *     wordnet_paths_of(&w, senses.at[0], &paths);
 *     wordnet_similarity(&paths, &other);
 */
#pragma once

#include <stdint.h>

#include "base/mem.h"

#define WORDNET_DIR "/usr/share/wordnet" /* where Debian has it */

struct wordnet_line { /* in a file that is in memory */
    const char *at;
    size_t n;    /* without the end of the line */
    size_t word; /* bytes of its first word */
};

struct wordnet_lines { /* by their first words */
    struct wordnet_line *at;
    size_t n, cap;
};

struct wordnet {
    char *dir;
    struct bytes data, index, exceptions;
    struct wordnet_lines words, irregular;
    uint64_t hash; /* of the three files */
};

/* ERR_MISSING says how to get it; ERR_DATA: a file too large for WordNet. */
int wordnet_open(struct wordnet *w, const char *dir);
void wordnet_close(struct wordnet *w);

/* Synsets, as their places in data.noun. */
struct wordnet_senses {
    uint32_t *at;
    size_t n, cap;
};
void wordnet_senses_free(struct wordnet_senses *s);

/* The senses of a noun as it is written, '_' for ' ', in any number of words; none: 0 of them.
 * ERR_DATA: damaged files. Frees nothing that `out` held. */
int wordnet_senses_of(const struct wordnet *w, const char *noun, struct wordnet_senses *out);

/* The same of the name of a class, which need be no word: of what a comma separates, the first that
 * is one; of "wall-brick" the whole, then "wall"; of "baby crib" the whole, then its last word.
 * `as`, when wanted, gets the word that was found, owned; NULL when there is none. */
int wordnet_find(const struct wordnet *w, const char *name, struct wordnet_senses *out, char **as);

/* All that a synset is a kind of, itself included, with the steps up to there; by rising synset. */
struct wordnet_path {
    uint32_t synset, steps;
};
struct wordnet_paths {
    struct wordnet_path *at;
    size_t n, cap;
};
int wordnet_paths_of(const struct wordnet *w, uint32_t synset, struct wordnet_paths *out);
void wordnet_paths_free(struct wordnet_paths *p);

double wordnet_similarity(const struct wordnet_paths *a, const struct wordnet_paths *b);
