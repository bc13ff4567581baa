/* Panoptic segments, by MaskFormer's own definition: every pixel goes to the proposal that is most
 * sure of it, things each with an id of their own (reference-spec 8.8). CLIP is not asked.
 *
 * Q proposals, K names, H W the size of the picture.
 */
#pragma once

#include <stdbool.h>

#include "data/image.h"
#include "nn/torch/tensor.h"

struct panoptic_options {
    bool enabled;
    double object_threshold; /* of a proposal's score, strictly above */
    double overlap;          /* of the pixels above one half, the share that a proposal must win */
};

/* What the network says of a picture, before softmax and sigmoid. */
struct panoptic_source {
    tensor *logits;             /* [Q, K + 1], the last column is "no object" */
    tensor *masks;              /* [Q, a, b] */
    int64_t padded_h, padded_w; /* what the masks lie over */
    int64_t h, w;               /* of that the picture, top left, as the network saw it */
};

struct panoptic_segment {
    int64_t id;       /* its pixels in the map, from 1 */
    int64_t category; /* index of the name */
    bool thing;
    int64_t area;   /* pixels */
    struct box box; /* tight */
};

struct panoptic {
    struct labels id; /* [H, W]; 0: no segment */
    struct panoptic_segment *segment;
    size_t n;
};

/* thing [K]: the others are stuff, whose proposals of one name share a segment. Masks are enlarged
 * as logits, one proposal at a time. `out` can be freed in any case. 0 or the pending error. */
int panoptic_of(const struct panoptic_options *o, const struct panoptic_source *s,
                const bool *thing, int64_t H, int64_t W, struct panoptic *out);
void panoptic_free(struct panoptic *p);
