/* All that lies between a picture and its label map, kept by the names of the golden files: what a
 * tap hands out, and what follows from the proposals and regions.
 *
 *   text_features [K+1, D], the last row "no object"; pred_embed [Q, D]; pred_logits [Q, K+1];
 *   pred_masks [Q, h/4, w/4] of the padded picture; mask_max_prob, valid [Q];
 *   boxes_xyxy [V, 4], areas [V]: pixels of what the network saw; mask_margin [V]: how near the
 * mask comes to the threshold, at its nearest pixel: below about 1e-5 rounding decides; regions_224
 * [V, 3, S, S]; region_masks [V, S, S]; patch_nonblank_count [V], of towers with patches;
 *   clip_image_features [V, D]; clip_logits [V, K+1]; fused [Q, K]; fused_before_resize [K, h, w];
 *   sem_seg [K, H, W], before any CRF; label, panoptic [H, W]; backbone.res2 .. res5, mask_features
 */
#pragma once

#include "eval/segment.h"

enum { DUMP_TENSORS = 64 };

struct dump {
    struct {
        char name[48];
        tensor *x; /* held */
    } at[DUMP_TENSORS];
    int n;
};

struct tap dump_tap(struct dump *d);
void dump_put(struct dump *d, const char *name,
              tensor *x); /* a copy; continues that name, if any */
void dump_put_labels(struct dump *d, const char *name, const struct labels *l); /* [H, W] i64 */
tensor *dump_find(const struct dump *d, const char *name); /* NULL: not there */
void dump_free(struct dump *d);

/* What is known before there is a picture: text_features. `m` NULL: the network's own names. */
void dump_names(struct dump *d, const struct proposer *p, const struct namer *m);

/* After segment_encode() with the dump's tap in the proposer's network and in the namer (NULL: none
 * was asked): what follows from names, proposals and regions. Scores are put by whoever computes
 * them. */
void dump_segmentation(struct dump *d, const struct proposer *p, const struct namer *m,
                       const struct proposals *proposals, const struct regions *regions,
                       double threshold);
