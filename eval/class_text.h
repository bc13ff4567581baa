/* What CLIP's text tower makes of class names (reference-spec 1.12). n classes, D feature length.
 */
#pragma once

#include "data/options.h"
#include "data/vocabulary.h"
#include "nn/models/clip.h"

/* The templates that the settings mean, sets written out; appended. ERR_CONFIG. */
int class_text_templates(const struct text_options *text, struct strings *out);

/* Features of classes -> [n, D], unit length, in the caller's scope; NULL and the pending error. A
 * class stands for its name and its synonyms in the templates of the settings, or for its own
 * prompts. */
tensor *class_text(const struct clip *c, const struct text_options *text,
                   const struct vocabulary *v);
/* The same of bare names. */
tensor *class_text_of_names(const struct clip *c, const struct text_options *text,
                            char *const *names, int64_t n);
/* The same of nouns that may be kept and come back in other company: slower for a few of them, and
 * as far as it can be had with the same bits in any company. */
tensor *class_text_of_nouns(const struct clip *c, const struct text_options *text,
                            char *const *nouns, int64_t n);
