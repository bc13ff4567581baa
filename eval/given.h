/* Segmentation with masks that others made (data/mask_source.h), in the place of a proposal
 * network's: CLIP alone names them, as with eval.lambda 0 (reference-spec 8.3). */
#pragma once

#include "data/region_list.h"
#include "eval/segment.h"

/* Labels of picture `im` by its masks, which have its size: of each pixel the name with the highest
 * sum over the masks on it; segment_unlabelled() where there is none of min_area pixels. `crf`
 * NULL: without. `scores`, when wanted, are 0 where there is no mask. 0 or the pending error; the
 * labels can be freed in any case. */
int given_labels(const struct namer *m, const struct crop_options *crop, int64_t min_area,
                 const struct crf_options *crf, const struct image *im,
                 const struct region_list *masks, struct labels *out, struct scores *scores);

/* What CLIP calls each mask: prob [masks, K], the softmax over the names; NaN for a mask of less
 * than min_area pixels. The caller's. 0 or the pending error. */
int given_names(const struct namer *m, const struct crop_options *crop, int64_t min_area,
                const struct image *im, const struct region_list *masks, float *prob);
