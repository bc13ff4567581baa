/* Oracles: how far masks or names alone are from perfect. K names, Q proposals, h w the size of the
 * masks. */
#pragma once

#include "eval/confusion.h"
#include "eval/mask_accuracy.h"
#include "eval/segment.h"

/* The masks of the classes in a label map, which must stay as long, that have at least min_area
 * pixels, as regions; `query` is the class. */
void true_regions(struct regions *r, const struct labels *truth, int64_t K, int64_t min_area);

/* True masks, encoded by the namer, get the names it finds nearest. `to` counts their pixels
 * (NULL: not wanted), `accuracy` those of at least min_area pixels, one by one. 0 or the pending
 * error. */
int true_regions_name(const struct regions *r, const struct namer *m, int64_t min_area,
                      struct confusion *to, struct mask_accuracy *accuracy);

/* Proposals with the best names: each region's is the class that most of its labelled pixels have
 * (of equal ones the first), by 1; a proposal without a region, or on unlabelled ground, has none.
 * truth: [h, w]. In the caller's scope. */
struct named best_names(const struct proposals *p, const struct regions *r,
                        const struct labels *truth);
