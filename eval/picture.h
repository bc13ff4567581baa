/* One picture all the way: from its pixels to the name of each, as `ovseg segment` and the replays
 * of whole-model goldens have it. */
#pragma once

#include "eval/dump.h"

struct picture_models {
    struct maskformer *net; /* its tap is used here */
    tensor *text;           /* [K, D]: the names in the network's space, rows of unit length */
    struct namer namer;
    const struct eval_options *eval;
    const struct crop_options *crop;
    struct segment_size size;
};

/* `im` RGB -> labels of its size. `dump`, when wanted, gets all that lies between. 0 or the pending
 * error. */
int picture_segment(const struct picture_models *m, const struct image *im, struct labels *out,
                    struct dump *dump);
