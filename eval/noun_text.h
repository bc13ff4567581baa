/* Features of many nouns, kept: what was computed once is read the next time, by whatever run needs
 * the same noun of the same text tower and templates. n nouns, D feature length. */
#pragma once

#include "eval/class_text.h"

struct noun_text_options {
    const char *dir; /* where features are kept (data/text_bank.h), made when missing; NULL: not */
    /* Before each block of nouns that have to be computed; anything but 0 stops with that error,
     * what is computed is kept. May be NULL. */
    int (*each)(void *ctx, int64_t done, int64_t n);
    void *ctx;
};

/* As class_text_of_names: [n, D] in the caller's scope, NULL and the pending error. A folder that
 * cannot be written, or a damaged file in it, is a warning: features are then computed. */
tensor *noun_text(const struct clip *c, const struct text_options *text, char *const *nouns,
                  int64_t n, const struct noun_text_options *o);
