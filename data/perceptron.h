/* Parts of speech by a greedy averaged perceptron (M. Honnibal, "A Good Part-of-Speech Tagger in
 * about 200 Lines of Python", 2013), which reads the weights that NLTK publishes and gives the tags
 * that NLTK gives: paper parity, the captions' nouns of OVSeg are NLTK's.
 *
 * A word of the dictionary has its one tag. Any other gets the class of the highest sum of weights
 * of its 14 features; of equal ones the last by its name. The features see the two tags before, so
 * words are decided from left to right.
 *
 * Made piece by piece by whoever reads weights: classes, words and weights in any order, then
 * perceptron_finish. From then on it does not change and serves any number of threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/text_index.h"

enum {
    PERCEPTRON_TAGS_MAX = 1024,
    PERCEPTRON_TEXT_MAX = 1024, /* bytes of a feature, a word or a tag */
    PERCEPTRON_WEIGHTS_MAX = 1 << 24,
    PERCEPTRON_FILE_MAX = 256 << 20, /* bytes; NLTK's are 8 MB */
};

struct perceptron_weight {
    double value;
    uint32_t tag;
};

struct perceptron {
    struct text_index tag;    /* all that are named anywhere */
    uint32_t *order;          /* [classes]: numbers of the classes by rising name */
    bool *is_class, *is_noun; /* [tag.n] */
    size_t classes;
    struct text_index word; /* the dictionary */
    uint32_t *word_tag;     /* [word.n] */
    struct text_index feature;
    uint32_t *start; /* [feature.n + 1] */
    struct perceptron_weight *weight;
    size_t n_weights, cap_word_tag, cap_start, cap_weight;
    size_t longest; /* feature, bytes */
    bool finished;
};

/* Each is ERR_DATA, without the name of the file, for what cannot be: an empty or too long text, a
 * text twice, a weight that is no number. Texts are any bytes but NUL. */
int perceptron_class(struct perceptron *p, const char *name, size_t n);
int perceptron_word(struct perceptron *p, const char *word, size_t n, const char *tag,
                    size_t n_tag);
/* The weights of the feature that was begun last. */
int perceptron_feature(struct perceptron *p, const char *name, size_t n);
int perceptron_weight(struct perceptron *p, const char *tag, size_t n, double value);
/* ERR_DATA when there are no classes, or a word's tag is none of them. */
int perceptron_finish(struct perceptron *p);
void perceptron_close(struct perceptron *p); /* also after errors */

/* tag[i]: the number of the tag of token i, for n tokens of a sentence, each of UTF-8. */
void perceptron_tag(const struct perceptron *p, char *const *token, size_t n, uint32_t *tag);
const char *perceptron_tag_name(const struct perceptron *p, uint32_t tag);

/* NN, NNS, NNP, NNPS of the Penn Treebank; NOUN, PROPN of Universal Dependencies. */
bool tag_is_noun(const char *tag);
