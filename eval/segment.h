/* Inference: from a picture to the name of every pixel, by one proposal network and any number of
 * CLIPs (reference-spec 8.1 to 8.3).
 *
 * Q proposals, V of them regions that CLIP is asked about, K names, D feature length; h w the size
 * of the picture that the network sees.
 */
#pragma once

#include "data/options.h"
#include "eval/options.h"
#include "eval/regions.h"
#include "nn/models/clip.h"

/* The proposal network and the features of the names in the space that it was trained in. */
struct proposer {
    const struct maskformer *net;
    tensor *text; /* [K, D], rows of unit length */
};

/* A CLIP that names regions. */
struct namer {
    const struct clip *clip;
    tensor *text;       /* [K, D], rows of unit length */
    double temperature; /* of its cosines */
    const struct tap *tap;
};

struct region_encoder namer_encoder(const struct namer *m);
struct region_options namer_crop(const struct namer *m, const struct crop_options *o);

/* How large the network sees a picture: the reference's MIN_SIZE_TEST and MAX_SIZE_TEST. */
struct segment_size {
    int64_t shortest, longest;
};

/* ResizeShortestEdge with Pillow's bilinear, in place; a picture of that size stays as it is. */
int segment_resize(const struct segment_size *s, struct image *im);

/* Proposals and regions of `count` pictures of one size; free both in any case. */
int segment_propose(const struct proposer *p, const struct eval_options *o,
                    const struct image *pictures, int64_t count, struct proposals *proposals,
                    struct regions *regions);

/* Features of the regions of `count` pictures, replacing what another CLIP left there. */
int segment_encode(const struct namer *m, const struct crop_options *o, struct regions *regions,
                   const struct image *pictures, int64_t count);

/* Scores of the names, [K, h, w]. `m`, which encoded the regions last, has weight lambda (0: it
 * decides alone); NULL: MaskFormer alone. NULL and the pending error. */
tensor *segment_scores(const struct proposals *p, const struct regions *r, const struct namer *m,
                       double lambda);

/* The label map of scores [K, h, w] at the size to_h x to_w. 0 or the pending error. */
int segment_decide(tensor *scores, int64_t to_h, int64_t to_w, struct labels *out);

/* Both. */
int segment_labels(const struct proposals *p, const struct regions *r, const struct namer *m,
                   double lambda, int64_t to_h, int64_t to_w, struct labels *out);
