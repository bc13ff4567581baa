/* Segmentation with masks that others made (data/mask_source.h), in the place of a proposal
 * network's: CLIP alone names them, as with eval.lambda 0 (reference-spec 8.3). */
#pragma once

#include "data/region_list.h"
#include "eval/segment.h"

/* Labels of picture `im` by its masks, which have its size: of each pixel the name with the highest
 * sum over the masks on it; segment_unlabelled() where there is none of min_area pixels. `crf`
 * NULL: without. 0 or the pending error; the labels can be freed in any case. */
int given_labels(const struct namer *m, const struct crop_options *crop, int64_t min_area,
                 const struct crf_options *crf, const struct image *im,
                 const struct region_list *masks, struct labels *out);
