/* Pretraining of a segmenter's backbone: every pixel of its two coarsest maps, projected to the
 * width of the class-name features, is classified against them. Not of the reference, which starts
 * from ImageNet weights: for worlds where no weights can be assumed to exist. The head is thrown
 * away.
 *
 * B images, K classes, D text width, h x w of a map, H x W of the label maps.
 */
#pragma once

#include "nn/conv.h"
#include "nn/losses/mask_loss.h"
#include "nn/models/features.h"

enum { PIXEL_TEXT_MAPS = 2 };

struct pixel_text_head {
    double temperature; /* cosines are multiplied by it */
    struct conv_norm proj[PIXEL_TEXT_MAPS];
};

/* Registers proj_{0, 1}.{weight, bias}. channels: of all `stages` feature maps. */
void pixel_text_head_init(struct pixel_text_head *head, struct path at, int stages,
                          const int64_t *channels, int64_t text_width, double temperature);

double pixel_text_labelled(const struct mask_targets *t); /* pixels that have a label */

/* Cross entropy, a mean over `pixels` labelled pixels and over the two maps: []. Each pixel takes
 * the scores of the cell it lies in. `pixels`: of these targets, or, of a part of a batch, the mean
 * over its parts. text: [K, D], rows of unit length. A label that is not below K is a pending
 * ERR_DATA. */
tensor *pixel_text_loss(const struct pixel_text_head *head, const struct features *f, tensor *text,
                        const struct mask_targets *t, double pixels);
