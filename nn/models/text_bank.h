/* Features of names, averaged over sentence templates (reference-spec 1.12). */
#pragma once

#include "nn/models/clip_text_packed.h"

struct text_bank_args {
    int64_t names, templates; /* rows of ids: the templates of a name follow each other */
    int64_t columns;          /* token ids a row */
    int64_t batch;            /* rows in one pass through the tower; 0: 256 */
    /* What texts begin with: they go through the tower packed, which is faster and equal within
     * 1e-6. NULL: as they are, bit-equal to texts that are not cut. */
    const struct clip_starts *starts;
    int64_t tile; /* with starts: clip_text_encode_packed's; 0: 1 */
    enum precision precision;
};

/* ids: [names * templates, columns] on the host. Each text's feature to unit length, mean over the
 * templates, to unit length again -> [names, D] f32, no gradient. Texts of like length are encoded
 * together, so that little is spent on padding; names do not influence each other beyond rounding.
 */
tensor *text_bank(const struct clip_text *t, const int64_t *ids, struct text_bank_args args);
