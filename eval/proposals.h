/* The proposals of a picture on the host: what MaskFormer says, before CLIP is asked
 * (reference-spec 8.1).
 *
 * Q queries, K names, h w the size of the picture that the network saw, without padding.
 */
#pragma once

#include "data/image.h"
#include "data/mask.h"
#include "nn/models/maskformer.h"

struct proposals {
    int64_t Q, K, h, w;
    float *prob; /* [Q, K]: softmax over K + 1, "no object" dropped afterwards */
    float *mask; /* [Q, h, w]: probabilities */
};

/* Masks as the network gives them, a sixteenth of what they become. */
struct mask_logits {
    tensor *x;                        /* [B, Q, a, b] */
    int64_t padded_h, padded_w, h, w; /* of the picture with its padding, and without */
};
/* What they are at each pixel of the picture -> [B, Q, h, w]. */
tensor *mask_probabilities(const struct mask_logits *m);

/* For n pictures of one size. text: [K, D], rows of unit length. 0 or the pending error; out[n] can
 * be freed in any case. */
int proposals_of(const struct maskformer *m, tensor *text, const struct image *pictures, int64_t n,
                 struct proposals *out);
void proposals_free(struct proposals *p);

/* The pixels of query q above the threshold, strictly. m: [h, w]. Returns their number. */
int64_t proposal_mask(const struct proposals *p, int64_t q, double threshold, struct mask *m);
