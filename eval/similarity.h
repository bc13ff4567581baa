/* How like the names of classes are to each other, for the open metrics of eval/confusion.h.
 * K classes. */
#pragma once

#include "data/vocabulary.h"
#include "eval/measure_options.h"
#include "nn/torch/tensor.h"

struct similarity {
    int64_t K;
    double *at;        /* [K, K], 0 to 1, row: the truth; 1 on the diagonal */
    struct strings as; /* [K] of WordNet: the word that each name was found as, "" of none */
    size_t unknown;    /* names that WordNet does not have: like nothing but themselves */
    uint64_t hash;     /* of the matrix */
};
void similarity_free(struct similarity *s);

/* Path similarity of the nouns that the names are, by data/wordnet.h: of their commonest senses, or
 * the largest over all of both. Names that are no noun of WordNet are like nothing. ERR_MISSING,
 * ERR_DATA. */
int similarity_of_wordnet(struct similarity *s, const struct vocabulary *names, const char *dir,
                          enum similarity_senses senses);

/* Cosines of text features [K, D], rows of unit length; those below 0 are 0. 0 or the pending
 * error. */
int similarity_of_text(struct similarity *s, tensor *text);

/* A table of the user's, data/csv.h. Either a square one, its first line and its first column the
 * names (a row is the truth), the corner empty or "name"; or lines of three, NAME,NAME,SIMILARITY,
 * which hold both ways unless both are given. What is not given is 0, and 1 on the diagonal.
 * ERR_DATA with all mistakes. */
int similarity_of_file(struct similarity *s, const struct vocabulary *names, const char *path);
