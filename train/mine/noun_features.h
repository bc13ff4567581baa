/* Features of the nouns of a run: kept in OUTPUT_DIR/.text, with a progress bar, and interruptible.
 */
#pragma once

#include "eval/noun_text.h"
#include "train/run/graph.h"

/* [n, D] in the caller's scope; NULL and the pending error, ERR_SIGINT and its kin among them. */
tensor *noun_features(const struct node *node, const struct clip *c, char *const *nouns, int64_t n);
/* The same by other templates than the node's. */
tensor *text_features(const struct node *node, const struct clip *c,
                      const struct text_options *text, char *const *names, int64_t n);
