/* What each wording of a class does to pictures: `ovseg vocab --try`. For every class with synonyms
 * the pictures are segmented once more for each of its wordings alone, all other classes being what
 * the file says.
 */
#pragma once

#include "train/pictures/picture_list.h"
#include "train/segmenter.h"

struct vocab_try {
    const struct model_options *model;
    struct vocabulary *names;
    const char *out; /* overlays go there; NULL: none */
    const struct picture_list *pictures;
};

/* Prints the table. ERR_DATA: no class has a synonym, or a picture is damaged; ERR_MISSING;
 * ERR_USAGE: an overlay would replace a picture, or another overlay. */
int vocab_try(const struct vocab_try *t);
