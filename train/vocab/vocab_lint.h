/* What is wrong or odd about a vocabulary that can be read: `ovseg vocab FILE`. */
#pragma once

#include "data/vocabulary.h"

struct vocab_odd {
    size_t line; /* of the file; 0: none */
    bool error;  /* else a warning: it may be meant */
    char *text;
};

struct vocab_lint {
    struct vocab_odd *at;
    size_t n, cap, errors;
};

/* Words that run together, names that are the same but for case, blanks, hyphens or plural,
 * identifiers and numbers: warnings. ERR_MISSING: the shipped tables of names, the tokenizer's
 * file. */
int vocab_lint_names(struct vocab_lint *l, const struct vocabulary *v);

/* Texts of more than `context` tokens, which CLIP cannot read: errors. The templates are those that
 * a name without prompts of its own is put into. ERR_MISSING: the tokenizer's file; ERR_CONFIG: no
 * template. */
int vocab_lint_lengths(struct vocab_lint *l, const struct vocabulary *v,
                       const struct strings *templates, int64_t context);

/* Both, without a model: in the reference's templates. */
enum { VOCAB_CONTEXT = 77 }; /* of every published CLIP */
int vocab_lint_plain(struct vocab_lint *l, const struct vocabulary *v, int64_t context);

/* Wordings of different classes that CLIP takes for nearly the same, cosine `least` and more:
 * warnings, for each class its nearest. w, class_of: of vocabulary_wordings(). feature [w->n, D],
 * rows of unit length. */
void vocab_lint_features(struct vocab_lint *l, const struct vocabulary *w, const size_t *class_of,
                         const float *feature, int64_t D, double least);

void vocab_lint_sort(struct vocab_lint *l); /* by line */
void vocab_lint_free(struct vocab_lint *l);
