/* `ovseg export`: a run with all that it segments with, as a model package. */
#pragma once

#include "train/model.h"

struct package_request {
    struct model_options model; /* as `ovseg segment -m` takes it */
    const char *out;            /* a folder that is not there yet */
    struct string_map licences; /* what the user says of inputs, by the names of the card */
};

struct package_made {
    int64_t bytes;
    struct strings warnings; /* of the card: for stderr */
};

/* Opens the model as segmenting does, so that what would not segment is not packed, and writes the
 * folder whole or not at all. Errors as segmenter_open()'s, ERR_USAGE (out is there, masks of
 * others in the place of a network), ERR_IO. */
int package_write(const struct package_request *r, struct package_made *made);
void package_made_free(struct package_made *m);
