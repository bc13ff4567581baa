/* What a segmentation model must find in a batch: for every image the classes of its label map, and
 * one mask each (reference-spec 4.1). Masks are not made here: a pixel belongs to target i where
 * the target's plane of the map has its label. Ignored pixels therefore belong to none and count as
 * background in every mask, as in the reference (Q14). Semantic labels are one plane; masks that
 * overlap, or share a label, lie on several. */
#pragma once

#include <stdint.h>

struct mask_targets {
    int64_t planes;
    int64_t B, H, W; /* of the maps, padded */
    int64_t n;       /* targets of all images */
    int64_t most;    /* the largest number in one image */
    int64_t *first;  /* [B + 1] image b has the targets first[b] .. first[b + 1] - 1 */
    int64_t *label;  /* [n] increasing within an image */
    int64_t *row;    /* [n] which of the planes B maps it is on */
    int32_t *map;    /* [planes, B, H, W] labels, -1 where ignored or padded */
};

/* maps: [B, h, w] class indices or `ignore`; they are padded at right and bottom to multiples of
 * `divisor`, as maskformer_input() pads the images. ERR_INTERNAL when memory is out. */
int mask_targets_init(struct mask_targets *t, const uint16_t *maps, int64_t B, int64_t h, int64_t w,
                      int64_t divisor, uint16_t ignore);
/* The same of maps [planes, B, h, w]: a target for every label of every plane. */
int mask_targets_planes(struct mask_targets *t, int64_t planes, const uint16_t *maps, int64_t B,
                        int64_t h, int64_t w, int64_t divisor, uint16_t ignore);
void mask_targets_free(struct mask_targets *t);

/* ERR_DATA when a label is not below K. */
int mask_targets_check(const struct mask_targets *t, int64_t K);
