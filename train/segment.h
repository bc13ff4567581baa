/* From pictures to label maps with one proposal network and any number of CLIPs: what evaluation
 * and `ovseg segment` share (reference-spec 5.3, 8.1 to 8.3).
 *
 * Q proposals, V of them regions that CLIP is asked about, K names, D feature length.
 */
#pragma once

#include "eval/regions.h"
#include "train/proposals_run.h"

/* A CLIP that names regions. */
struct namer {
    struct clip_run clip;
    tensor *text;       /* [K, D], held */
    double temperature; /* of its cosines */
};

/* The CLIP of an input, with the text and temperature settings of `n`, which is an evaluation. */
int namer_open(struct namer *m, const struct node *n, const char *input,
               const struct vocabulary *v);
void namer_close(struct namer *m);
struct region_encoder namer_encoder(const struct namer *m);
struct region_options namer_crop(const struct namer *m, const struct node *n);

/* Encodes the regions of `count` pictures, replacing what another CLIP left there. */
int namer_encode(const struct namer *m, const struct node *n, struct regions *regions,
                 const struct image *pictures, int64_t count);

/* How large the proposal network sees pictures: eval.shortest and eval.longest, where 0 stands for
 * the sides it was trained at: that of its crops, or the short one of its training pictures. */
struct segment_size {
    int64_t shortest, longest;
};
int segment_size_of(struct segment_size *s, const struct node *n);

/* ResizeShortestEdge with Pillow's bilinear, in place; a picture of that size stays as it is. */
int segment_resize(const struct segment_size *s, struct image *im);

/* Proposals and regions of `count` pictures of one size; free both in any case. */
int segment_propose(const struct proposals_run *p, const struct node *n,
                    const struct image *pictures, int64_t count, struct proposals *proposals,
                    struct regions *regions);

/* The label map of one picture at h x w. `m`, which encoded the regions last, has weight lambda (0:
 * it decides alone); NULL: MaskFormer alone. 0 or the pending error. */
int segment_labels(const struct proposals *p, const struct regions *r, const struct namer *m,
                   double lambda, int64_t h, int64_t w, struct labels *out);

/* An input of an evaluation that is a CLIP: all but the pictures and the proposals. */
bool segment_is_clip(const char *input);
