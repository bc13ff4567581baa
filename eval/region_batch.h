/* Masked crops on their way through CLIP's image tower, so many at a time, whichever pictures they
 * are of (reference-spec 8.2). */
#pragma once

#include "data/region.h"
#include "data/region_list.h"
#include "nn/tap.h"

/* An image tower: region [B, 3, S, S] normalized, mask [B, S, S] u8 -> [B, D], any length. */
struct region_encoder {
    tensor *(*encode)(const void *model, tensor *region, tensor *mask);
    const void *model;
    int64_t D;
    const struct tap *tap; /* regions_224, region_masks, clip_image_features */
};

/* Crops that wait, and where their features go. */
struct region_batch {
    struct region_options o;
    struct region_encoder e;
    int64_t n, batch;
    float *crop;   /* [batch, 3, S, S] */
    uint8_t *mask; /* [batch, S, S] */
    float **to;    /* [batch] */
    int64_t done;  /* crops that went through the tower */
};

/* All return 0 or the pending error; free it in any case. */
int region_batch_open(struct region_batch *b, const struct region_options *o,
                      struct region_encoder e, int64_t batch);
/* The crop of a mask, whose feature [D], of unit length, is in `to` after the flush. A picture may
 * be larger than its masks: they are enlarged by nearest then. An empty mask has no crop. */
int region_batch_add(struct region_batch *b, const struct image *im, struct region_mask m,
                     float *to);
/* Every mask of a picture that has a row (region_list_rows), each row once: feature [rows, D]. */
int region_batch_add_list(struct region_batch *b, const struct image *im,
                          const struct region_list *l, const int64_t *row, float *feature);
int region_batch_flush(struct region_batch *b);
void region_batch_free(struct region_batch *b);
