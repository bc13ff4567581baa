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
    bool no_prompts;    /* it has mask prompts, but is to do without */
    const struct tap *tap;
};

struct region_encoder namer_encoder(const struct namer *m);
struct region_options namer_crop(const struct namer *m, const struct crop_options *o);

/* Beside a label map: the score that the name of each pixel has there. Sums over proposals, in
 * [0, Q]: comparable within a model and its settings, no probabilities. */
struct scores {
    int64_t h, w;
    float *at; /* [h, w] */
};
void scores_free(struct scores *s);

/* How proposals get their names. */
struct judge {
    const struct namer *namer; /* NULL: MaskFormer alone */
    double lambda;             /* weight of the namer; 0: it decides alone */
    enum ensemble_invalid invalid;
    bool demo, others;             /* ensemble_demo() */
    double threshold;              /* of the masks there */
    const struct crf_options *crf; /* NULL: labels are those of the scores */
    struct scores *scores;         /* NULL; or gets, with every label map, its scores */
    struct ranked *ranked;         /* NULL; or gets the best few names of its pixels (ranked.h) */
};
/* What the settings say; `m` is not asked when they are without the ensemble. */
struct judge judge_of(const struct eval_options *o, const struct namer *m, bool others);

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

/* The names of the proposals, in the caller's scope. The judge's namer, if any, encoded the regions
 * last. */
struct named segment_named(const struct proposals *p, const struct regions *r,
                           const struct judge *j);

/* Scores of K names, which come in `groups` of about equally many. */
struct score_groups {
    const void *self;
    int64_t K, groups;
    tensor *(*of)(const void *self, int64_t from, int64_t n); /* -> [n, H, W] */
};

/* The label map of picture `im`, which has H x W pixels and is looked at by the dense CRF alone:
 * index of a name, or, in the demonstration's labels where name 0 has no score at all,
 * segment_unlabelled(). 0 or the pending error. */
int segment_labels(struct named n, const struct judge *j, const struct image *im,
                   struct labels *out);
/* The same of scores, a group of names at a time. */
int segment_labels_of(const struct score_groups *g, const struct judge *j, const struct image *im,
                      struct labels *out);
/* Makes pixels unlabelled whose score is below `least`, and those of names that are background[K]
 * (NULL: none are). `s` is not looked at when `least` is 0. */
void segment_unlabel(struct labels *l, const struct scores *s, double least, const bool *background,
                     int64_t K);
uint16_t segment_unlabelled(int64_t K); /* 255 as in the reference, or 65535 when names need it */
