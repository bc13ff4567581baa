/* What CLIP's text tower makes of class names (reference-spec 1.12). n classes, D feature length.
 */
#pragma once

#include "data/options.h"
#include "data/tokenizer.h"
#include "data/vocabulary.h"
#include "nn/models/clip.h"
#include "nn/models/clip_text_packed.h"

/* The templates that the settings mean, sets written out; appended. ERR_CONFIG. */
int class_text_templates(const struct text_options *text, struct strings *out);

/* Features of classes -> [n, D], unit length, in the caller's scope; NULL and the pending error. A
 * class stands for its name and its synonyms in the templates of the settings, or for its own
 * prompts. */
tensor *class_text(const struct clip *c, const struct text_options *text,
                   const struct vocabulary *v);
/* The same with a row of its own for each wording, of which the nearest is to count: [W, n, D], W
 * the most wordings that a class has (nn/models/names.h); [n, D] when none has more than one. */
tensor *class_text_wordings(const struct clip *c, const struct text_options *text,
                            const struct vocabulary *v);
/* The same of bare names. */
tensor *class_text_of_names(const struct clip *c, const struct text_options *text,
                            char *const *names, int64_t n);

/* What texts of classes have in common, once for any number of calls: templates, the tokenizer,
 * what the tower makes of the starts of the templates. */
struct class_encoder {
    const struct clip *clip;
    const struct text_options *text;
    struct strings templates;
    struct tokenizer tokenizer;
    struct clip_starts starts;
};
/* 0 or the pending error; close it in any case. Both arguments must stay. */
int class_encoder_open(struct class_encoder *e, const struct clip *c,
                       const struct text_options *text);
void class_encoder_close(struct class_encoder *e);
/* class_text_of_names of nouns that may be kept and come back in other company: slower for a few of
 * them, and as far as it can be had with the same bits in any company. */
tensor *class_text_of_nouns(const struct class_encoder *e, char *const *nouns, int64_t n);
