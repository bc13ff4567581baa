/* One picture all the way: from its pixels to the name of each, as `ovseg segment`, evaluation and
 * the replays of whole-model goldens have it. */
#pragma once

#include "eval/dump.h"

struct picture_models {
    struct maskformer *net; /* its tap is used here */
    tensor *text;           /* [K, D]: the names in the network's space, rows of unit length */
    const struct eval_options *eval;
    const struct crop_options *crop;
    struct segment_size size;
    const bool *thing; /* [K]; of panoptic segments alone */
};

/* `im` RGB -> labels of its size by each of n judges, who share the proposals; those of one namer
 * stand side by side. `panoptic`, when wanted (of one view), gets the segments of the proposals.
 * `dump`, when wanted (of one judge), gets all that lies between; of a picture with many views,
 * what they make together. What is given out can be freed in any case. 0 or the pending error. */
int picture_segment(const struct picture_models *m, const struct judge *judge, size_t n,
                    const struct image *im, struct labels *out, struct panoptic *panoptic,
                    struct dump *dump);
