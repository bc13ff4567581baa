/* Masks of others as inputs.proposals, or --proposals (data/mask_source.h). */
#pragma once

#include "data/mask_source.h"
#include "eval/segment.h"
#include "train/run/graph.h"

/* A path that is masks, not weights nor a run. */
bool given_is(const char *path);

/* They are read as far as that takes no picture: a stage's check_inputs. */
int given_check_inputs(const struct node *n);

/* The setting that needs a proposal network; NULL: there is none that does. */
const char *given_excludes(const struct eval_options *o);

/* Labels of a picture by its masks, named by CLIP alone. `id` -1 and `stem` NULL: unknown;
 * `scores` NULL: not wanted. */
int given_picture(const struct mask_source *s, const struct namer *m, const struct config *c,
                  int64_t id, const char *stem, const struct image *im, struct labels *out,
                  struct scores *scores);
